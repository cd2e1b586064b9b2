"""One beat in the demo: its class probabilities, its trace and its origin."""

from dataclasses import dataclass

import numpy as np

from ecglib.beats.beats import BEAT_FS, Beats
from ecglib.beats.prepared import UPLOAD
from ecglib.labels import CLASSES
from ecglib.recordings.quality import OK


@dataclass(frozen=True, eq=False)
class Trace:
    """A beat as recorded: ms after the R peak, values, and their unit ("" if unknown)."""

    ms: np.ndarray
    value: np.ndarray
    unit: str


@dataclass(frozen=True, eq=False)
class Reading:
    """One beat and its prediction."""

    signal: np.ndarray  # (187,), at 120 Hz, scaled to [0, 1], zero-padded
    proba: np.ndarray  # (5,), calibrated; NaN if unreadable
    attention: np.ndarray  # (187,), sums to 1
    threshold: float  # below this confidence a prediction is uncertain
    true: str | None  # class letter, if known
    where: str  # the beat's origin in words
    model: str = ""
    trace: Trace | None = None  # the beat as recorded, if available
    other: "Reading | None" = None  # the same beat with the second model
    quality: str = OK

    @property
    def ms(self) -> np.ndarray:
        """Time of each sample after the R peak in ms."""
        return np.arange(len(self.signal)) * 1000 / BEAT_FS

    @property
    def used(self) -> int:
        """Number of samples before the padding."""
        return len(np.trim_zeros(self.signal, "b"))

    @property
    def readable(self) -> bool:
        """Whether the signal is good enough for a prediction."""
        return self.quality == OK

    @property
    def predicted(self) -> str:
        """Letter of the most probable class; empty if unreadable."""
        return CLASSES[int(self.proba.argmax())] if self.readable else ""

    @property
    def confidence(self) -> float:
        """Probability of the predicted class."""
        return float(self.proba.max())

    @property
    def uncertain(self) -> bool:
        """Whether a person should check this beat."""
        return not self.readable or self.confidence < self.threshold

    @property
    def right(self) -> bool | None:
        """Whether the predicted class is the true one; None if unknown or unreadable."""
        return self.predicted == self.true if self.true and self.readable else None


def where(beats: Beats, which: int) -> str:
    """A beat's origin in words: file and row, or record and time."""
    record, sample = beats.record[which], int(beats.sample[which])
    if beats.source == UPLOAD:
        return f"{record}, beat {sample}"
    return f"record {record} at {clock(sample / beats.fs[which])}"


def clock(seconds: float) -> str:
    """A time in minutes and seconds."""
    minutes, seconds = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f} min {seconds:.1f} s"
