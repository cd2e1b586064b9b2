"""From recordings to beats: the cut that made the rows of Kaggle's heartbeat files, exactly.

A row starts **at** the R peak of its beat and runs past the next one, on a 120 Hz grid: it holds
the following RR interval and the next beat's QRS complex, but neither its own P wave nor the
preceding RR interval. Rows of neighbouring beats share samples.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecglib.beats.rhythm import rhythm_features
from ecglib.labels import CLASSES, labels_of
from ecglib.recordings.recording import (
    RECORDING_FS,
    Recording,
    to_360,
    to_recording_fs,
    without_gaps,
)

DECIMATION = 3  # every third sample is kept, without a filter
BEAT_FS = RECORDING_FS / DECIMATION  # 120 Hz; the 125 Hz written in many places is wrong
BEAT_SAMPLES = 187  # 1.558 s
OVERRUN = 0.2  # how far a row runs into the RR interval after the next one


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats with everything that is known of each, aligned by position and sliced together.

    Attributes
    ----------
    signal : ndarray, shape (n, 187), float32
        One beat a row at 120 Hz, scaled to [0, 1], zero-padded on the right.
    label : ndarray, shape (n,), int64
        AAMI class, 0 to 4 = N S V F Q.
    record : ndarray, shape (n,), str
        Name of the record.
    sample : ndarray, shape (n,), int64
        Sample number of the beat's annotation at the record's own rate.
    rr_before, rr_after : ndarray, shape (n,), float32
        Preceding and following RR interval in seconds; NaN for a record's first beat.
    source : str
        The source: ``folder``, ``physionet``, ``kaggle``, ``synthetic`` or ``upload``.
    folder : Path or None
        Where their recordings are.
    fs : ndarray, shape (n,), float64
        Sampling rate in Hz of the record that ``sample`` counts in; a number stands for all.
    rhythm : ndarray, shape (n, 6), float32
        Rhythm features, see `ecglib.beats.rhythm`. By default computed from the RR intervals, for
        which all beats of each recording must be given, in time order.
    assumed : tuple of str
        Assumptions about beats from a person's file, one sentence each.
    written : ndarray, shape (n, 187), or None
        The rows as that file holds them, before they were scaled.
    """

    signal: np.ndarray
    label: np.ndarray
    record: np.ndarray
    sample: np.ndarray
    rr_before: np.ndarray
    rr_after: np.ndarray
    source: str = "folder"
    folder: Path | None = None
    fs: np.ndarray | float = RECORDING_FS
    rhythm: np.ndarray | None = None
    assumed: tuple[str, ...] = ()
    written: np.ndarray | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # once, before anybody has seen the frozen object
        set_(self, "fs", np.broadcast_to(np.asarray(self.fs, np.float64), self.label.shape))
        if self.rhythm is None:
            set_(self, "rhythm", rhythm_features(self.rr_before, self.rr_after, self.record))

    def __repr__(self) -> str:
        counts = np.bincount(self.label[self.label >= 0], minlength=len(CLASSES))
        classes = ", ".join(f"{name} {n:,}" for name, n in zip(CLASSES, counts, strict=True))
        records = len(np.unique(self.record))
        return f"Beats({len(self):,} of {records} records from {self.source}: {classes})"

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    @property
    def synthetic(self) -> bool:
        """Whether these are generated beats; everything made from them says SYNTHETIC."""
        return self.source == "synthetic"

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, key) -> "Beats":
        """The beats that an index array, a mask, a slice or one number selects."""
        if isinstance(key, (int, np.integer)):
            key = [key]
        return replace(self, **{name: value[key] for name, value in self._arrays().items()})


def cut_rows(signal: np.ndarray, marks: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Cut rows of 187 samples, shape (n_rows, 187), from one lead at 360 Hz.

    With ``a`` = ``marks`` (all annotations, in time order) followed by the length of the signal,
    row ``k`` is made of the samples from ``a[k]`` up to, not including, ``a[k+1] + int(0.2 *
    (a[k+2] - a[k+1]))``; every third is kept, the crop is scaled to [0, 1] as a whole, then
    truncated or zero-padded to 187 samples. ``keep`` are the positions in ``marks`` to cut rows
    for; the last mark has no row.
    """
    ends = np.append(marks, len(signal))
    start, following, after = marks[keep], ends[keep + 1], ends[keep + 2]
    stop = np.minimum(following + (OVERRUN * (after - following)).astype(np.int64), len(signal))
    length = -(-(stop - start) // DECIMATION)  # rounded up: samples start, start + 3, ...
    rows = np.zeros((len(keep), BEAT_SAMPLES), dtype=np.float32)
    column = np.arange(BEAT_SAMPLES)
    for phase in range(DECIMATION):  # rows whose start leaves the same remainder share a grid
        grid = np.append(signal[phase::DECIMATION], np.zeros(BEAT_SAMPLES, signal.dtype))
        here = np.flatnonzero((start % DECIMATION == phase) & (length > 0))
        if not len(here):
            continue
        first, count = start[here] // DECIMATION, length[here]
        # reduceat takes [first, end) from each pair and the gap up to the next pair, dropped here
        pairs = np.stack([first, first + count], axis=1).ravel()
        low = np.minimum.reduceat(grid, pairs)[::2, None]
        span = np.maximum.reduceat(grid, pairs)[::2, None] - low
        crop = grid[first[:, None] + np.minimum(column, count[:, None])] - low
        scaled = np.divide(crop, span, out=np.zeros(crop.shape), where=span > 0)
        rows[here] = np.where(column < count[:, None], scaled, 0.0)
    return rows


def cut_beats(recording: Recording, lead: int = 0) -> Beats:
    """Cut every annotated beat of a recording except its last annotation.

    Parameters
    ----------
    recording : Recording
        With annotations, at any sampling rate; another rate than 360 Hz is resampled.
    lead : int
        Which lead to cut from, counted from 0.

    Returns
    -------
    Beats
        In time order; ``sample`` stays at the recording's own rate.

    Raises
    ------
    ValueError
        There are annotations out of order or outside the signal, or the lead doesn't exist.
    """
    marks = recording.mark_sample
    if not 0 <= lead < recording.signal.shape[1]:
        raise ValueError(
            f"Recording {recording.name} has no lead {lead}: it has {', '.join(recording.leads)} "
            f"(0 to {len(recording.leads) - 1})."
        )
    if len(marks) and (
        marks[0] < 0 or marks[-1] >= len(recording.signal) or (np.diff(marks) < 0).any()
    ):
        raise ValueError(
            f"The annotations of recording {recording.name} are out of order or run past its end: "
            "its .atr file does not belong to its .dat file."
        )
    signal = to_recording_fs(without_gaps(recording.signal[:, lead]), recording.fs)
    beat = np.flatnonzero(recording.is_beat)
    rr = np.diff(marks[beat]) / recording.fs
    keep = beat[beat < len(marks) - 1]
    return Beats(
        signal=cut_rows(signal, to_360(marks, recording.fs), keep),
        label=labels_of(recording.mark_symbol[keep]),
        record=np.full(len(keep), recording.name),
        sample=marks[keep],
        rr_before=np.append(np.nan, rr).astype(np.float32)[: len(keep)],
        rr_after=np.append(rr, np.nan).astype(np.float32)[: len(keep)],
        fs=recording.fs,
    )


def join(parts: list[Beats], source: str, folder: Path | None = None) -> Beats:
    """Put the beats of several recordings or files behind each other."""
    names = set.intersection(*(set(part._arrays()) for part in parts))
    return Beats(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
        source=source,
        folder=folder,
        assumed=tuple(dict.fromkeys(sentence for part in parts for sentence in part.assumed)),
    )
