"""One beat in the demo: what is known of it, and where it comes from, in words."""

from dataclasses import dataclass

import numpy as np

from ecglib.beats.beats import BEAT_FS, Beats
from ecglib.beats.prepared import UPLOAD
from ecglib.labels import CLASSES, MITDB_RECORDS
from ecglib.recordings.quality import OK
from ecglib.recordings.recording import RECORDING_FS


@dataclass(frozen=True, eq=False)
class Trace:
    """A beat as it was recorded.

    Attributes
    ----------
    ms : ndarray, shape (n,)
        Time of each sample after the R peak.
    value : ndarray, shape (n,)
    unit : str
        ``"mV"``, or empty where nobody knows.
    """

    ms: np.ndarray
    value: np.ndarray
    unit: str


@dataclass(frozen=True, eq=False)
class Reading:
    """One beat, what the classifier says of it, and what is known about it.

    Attributes
    ----------
    signal : ndarray, shape (187,)
        At 120 Hz, scaled to [0, 1]; zeros at its end are padding.
    proba : ndarray, shape (5,)
        Calibrated class probabilities.
    attention : ndarray, shape (187,)
        How much each moment counted; sums to 1.
    threshold : float
        Confidence below which a beat is called uncertain.
    true : str or None
        Class letter, where it is known.
    where : str
        Where the beat comes from, in words.
    model : str
        Name of the model.
    trace : Trace or None
        The beat as it was recorded, where it is at hand.
    other : Reading or None
        The same beat, read by the second model.
    quality : str
        Of the trace there; where it is not ``ok``, there is no verdict, and `proba` is NaN.
    """

    signal: np.ndarray
    proba: np.ndarray
    attention: np.ndarray
    threshold: float
    true: str | None
    where: str
    model: str = ""
    trace: Trace | None = None
    other: "Reading | None" = None
    quality: str = OK

    @property
    def ms(self) -> np.ndarray:
        """Time of each sample after the R peak, in ms."""
        return np.arange(len(self.signal)) * 1000 / BEAT_FS

    @property
    def used(self) -> int:
        """How many samples come before the padding."""
        return len(np.trim_zeros(self.signal, "b"))

    @property
    def verdict(self) -> bool:
        """Whether anything can be said of this beat."""
        return self.quality == OK

    @property
    def said(self) -> str:
        """Letter of the most probable class; empty without a verdict."""
        return CLASSES[int(self.proba.argmax())] if self.verdict else ""

    @property
    def confidence(self) -> float:
        """Probability of the most probable class."""
        return float(self.proba.max())

    @property
    def uncertain(self) -> bool:
        """Whether a person should look at this beat."""
        return not self.verdict or self.confidence < self.threshold

    @property
    def right(self) -> bool | None:
        """Whether the classifier names the true class; None where it is unknown or no verdict."""
        return self.said == self.true if self.true and self.verdict else None


def where(beats: Beats, which: int, fs: float | None = None) -> str:
    """A beat's origin in words: file and row, or record and time."""
    record, sample = str(beats.record[which]), int(beats.sample[which])
    if beats.source == UPLOAD:
        return f"{record}, beat {sample}"
    if fs is None and (beats.synthetic or record in MITDB_RECORDS):
        fs = RECORDING_FS
    if fs is None:
        return f"record {record} at sample {sample:,}"
    return f"record {record} at {clock(sample / fs)}"


def clock(seconds: float) -> str:
    """A time as people say it."""
    minutes, seconds = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f} min {seconds:.1f} s"
