"""A whole recording in the demo: its beats, its rhythm, and as much of the trace as a screen holds.

Only what is drawn is thinned out; the classifier gets every sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.reading import Trace, clock
from ecglib.apps.demo.state.uploads import Upload
from ecglib.beats.beats import BEAT_FS, Beats
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASSES, SYMBOL_TO_CLASS
from ecglib.models.classifier import Classifier
from ecglib.recordings.quality import OK
from ecglib.recordings.recording import Recording
from ecglib.recordings.wfdb import read_recording

SAME_BEAT_S = 0.15  # how far from an annotation a detected beat may be, as in ANSI/AAMI EC57
BEFORE_MS, AFTER_MS = 300, 1600  # of the trace around a beat
LONGEST_S = 0.6  # from the R peak to the end of the T wave


@dataclass(frozen=True, eq=False)
class Strip:
    """One lead of a recording, and its beats.

    Attributes
    ----------
    name, lead, unit : str
        The unit is empty where nobody knows it.
    fs : float
        Sampling rate in Hz.
    signal : ndarray, shape (n_samples,)
    peak : ndarray, shape (n_beats,), int
        Sample numbers of the R peaks.
    said : ndarray, shape (n_beats,), int
        What the beats are called; -1 without a verdict.
    missed : int
        Annotated beats that the detector did not find.
    warnings : tuple of str
        Why the verdicts may mislead.
    """

    name: str
    lead: str
    unit: str
    fs: float
    signal: np.ndarray
    peak: np.ndarray
    said: np.ndarray
    missed: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.signal) / self.fs

    @property
    def time(self) -> np.ndarray:
        """Time of each beat in seconds."""
        return self.peak / self.fs

    @property
    def rr(self) -> np.ndarray:
        """RR interval before each beat in seconds, NaN for the first."""
        return np.diff(self.time, prepend=np.nan)

    def window(self, start: float, stop: float, points: int) -> tuple[np.ndarray, np.ndarray]:
        """The trace between two times, thinned out for the screen.

        Of each stretch its lowest and its highest sample are kept, so that no peak is lost.

        Parameters
        ----------
        start, stop : float
            In seconds; what lies outside the recording is left out.
        points : int
            How many are wanted at most.

        Returns
        -------
        time, value : ndarray
            In seconds, and in the recording's unit.
        """
        first = max(int(start * self.fs), 0)
        part = self.signal[first : max(int(stop * self.fs) + 2, 0)]
        index = np.arange(len(part))
        if (stretch := 2 * len(part) // points) > 1:
            blocks = part[: len(part) // stretch * stretch].reshape(-1, stretch)
            gap = np.isnan(blocks)  # which argmin would take for the lowest, and argmax, too
            lowest = np.where(gap, np.inf, blocks).argmin(axis=1)
            highest = np.where(gap, -np.inf, blocks).argmax(axis=1)
            ends = np.sort(np.stack([lowest, highest], axis=1))
            index = (ends + np.arange(len(blocks))[:, None] * stretch).ravel()
        return (first + index) / self.fs, part[index].astype(float)

    def owner(self, time: np.ndarray) -> np.ndarray:
        """Which beat each moment belongs to, by position; -1 before the first and after the last.

        The first and the last beat reach no further than a beat may last.
        """
        owner = np.searchsorted((self.time[1:] + self.time[:-1]) / 2, time)
        far = (time < self.time[0] - BEFORE_MS / 1000) | (time > self.time[-1] + LONGEST_S)
        return np.where(far, -1, owner)

    def describe(self) -> str:
        """Length, beats and rhythm in a sentence."""
        text = f"{self.name}, {self.lead}: {clock(self.seconds)} at {self.fs:g} Hz, "
        text += f"{len(self.peak):,} beats found"
        if len(self.peak) > 2:
            rr = self.rr[1:]
            low, high = np.percentile(rr, [1, 99])
            text += f", {60 / np.median(rr):.0f} a minute (RR {low:.2f} to {high:.2f} s)"
        if mute := int((self.said < 0).sum()):
            text += f"; {mute:,} of them, drawn grey with a ~, have no verdict"
        if self.missed:
            text += f"; {self.missed:,} annotated beats were not found"
        return text + "."


def classify_upload(
    classifier: Classifier,
    upload: Upload,
    seed: int = 0,
    progress: Callable[[None], None] | None = None,
) -> tuple[Gallery, Strip]:
    """Find and classify the beats of a recording; what `progress` raises ends the work.

    Returns
    -------
    Gallery
        Its beats, with their true classes where the recording is annotated.
    Strip

    Raises
    ------
    ValueError
        The sampling rate is unknown or impossible, or no beat is found.
    """
    recording, lead = upload.recording, upload.lead
    if not upload.ready:
        raise ValueError(f"Nobody has told the sampling rate of {upload.name}: give it in Hz.")
    signal = recording.signal[:, lead]
    classified = classifier.classify_file(signal, fs=recording.fs, progress=progress)
    table, found = classified.table, classified.found
    if table.empty:
        raise ValueError(
            f"No beats were found in {upload.name}, {recording.leads[lead]}, "
            f"{len(signal) / recording.fs:.1f} s at {recording.fs:g} Hz. Is the sampling rate "
            "right, and is it an ECG of more than a few seconds?"
        )
    peak, rr = table["sample"].to_numpy(), found.rr.astype(np.float32)
    label, missed = _annotated(recording, peak)
    quality = table["quality"].to_numpy(dtype=str)
    beats = Beats(
        signal=np.concatenate([rows for _, rows in found.rows()]),
        label=label,
        record=np.full(len(table), upload.name),
        sample=peak,
        rr_before=np.append(np.float32(np.nan), rr[:-1]),
        rr_after=rr,
        fs=recording.fs,
        rhythm=found.rhythm,
    )
    proba = table[[f"p_{c}" for c in CLASSES]].to_numpy(copy=True)
    proba[quality != OK] = np.nan
    gallery = Gallery(
        classifier,
        beats,
        seed,
        proba,
        trace=lambda which: trace_at(recording, lead, int(peak[which]), upload.unit),
        fs=recording.fs,
        rhythm=beats.rhythm,
        quality=quality,
    )
    strip = Strip(
        upload.name, recording.leads[lead], upload.unit, recording.fs, signal, peak,
        gallery.said, missed, tuple(classified.warnings),
    )  # fmt: skip
    return gallery, strip


def trace_at(recording: Recording, lead: int, peak: int, unit: str) -> Trace:
    """A beat as it was recorded, with a little before and after it."""
    fs = recording.fs
    start = max(int(peak - BEFORE_MS / 1000 * fs), 0)
    value = recording.signal[start : int(peak + AFTER_MS / 1000 * fs), lead]
    ms = (start + np.arange(len(value)) - peak) * 1000 / fs
    return Trace(ms, value.astype(float), unit)


def recorded_traces(folder: Path | None, beats: Beats) -> Callable[[int], Trace | None]:
    """Where the recordings of the beats are at hand: a function that gives a beat's trace."""

    @lru_cache(maxsize=4)
    def recording_of(record: str) -> Recording | None:
        try:
            return read_recording(folder / record, leads=[0])
        except ValueError:
            return None

    def trace(which: int) -> Trace | None:
        if folder is None or (recording := recording_of(str(beats.record[which]))) is None:
            return None
        return trace_at(recording, 0, int(beats.sample[which]), "mV")

    return trace


def written_traces(upload: Upload) -> Callable[[int], Trace]:
    """The beats of a table as they were written: in a unit that nobody knows."""

    def trace(which: int) -> Trace:
        written = upload.beats.written[which]
        value = np.trim_zeros(written, "b") if written.any() else written
        return Trace(np.arange(len(value)) * 1000 / BEAT_FS, value, "")

    return trace


def _annotated(recording: Recording, peak: np.ndarray) -> tuple[np.ndarray, int]:
    """The annotated class of each beat found, and how many annotated beats were not found."""
    label = np.full(len(peak), UNLABELLED, dtype=np.int64)
    is_beat = np.array([s in SYMBOL_TO_CLASS for s in recording.mark_symbol], dtype=bool)
    marks, symbols = recording.mark_sample[is_beat], recording.mark_symbol[is_beat]
    if not len(marks) or not len(peak):
        return label, 0
    nearest = np.searchsorted((peak[1:] + peak[:-1]) / 2, marks)
    close = np.abs(peak[nearest] - marks) <= SAME_BEAT_S * recording.fs
    label[nearest[close]] = [CLASSES.index(SYMBOL_TO_CLASS[s]) for s in symbols[close]]
    return label, int((~close & (marks <= peak[-1])).sum())  # the last beat has no row
