"""A whole recording in the demo: its beats, its rhythm, and the trace in as many points as needed.

Only the drawing is thinned out; the classifier gets every sample.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.reading import Trace, clock
from ecglib.apps.demo.state.uploads import Upload
from ecglib.beats.beats import BEAT_FS, Beats
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASSES, labels_of
from ecglib.models.classifier import Classifier
from ecglib.models.recordings import ClassifiedRecording
from ecglib.recordings.quality import OK
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import Ecg
from ecglib.recordings.rpeaks import MATCH_S, match_peaks

BEFORE_MS, AFTER_MS = 300, 1600  # of the trace around a beat
LONGEST_S = 0.6  # from the R peak to the end of the T wave


@dataclass(frozen=True, eq=False)
class Strip:
    """The lead of a classified recording, still open, to be drawn."""

    recording: ClassifiedRecording
    predicted: np.ndarray  # class of each beat by the current model, -1 if unreadable
    missed: int = 0  # annotated beats that were not found

    fs = property(lambda self: self.recording.fs)
    seconds = property(lambda self: self.recording.duration_s)
    lead = property(lambda self: self.recording.leads[0])
    unit = property(lambda self: self._ecg.units[self.recording.found.leads[0]])
    _ecg = property(lambda self: self.recording.found.ecg)

    @cached_property
    def time(self) -> np.ndarray:
        """Time of each beat in seconds."""
        return self.recording.table["time_s"].to_numpy()

    @cached_property
    def rr(self) -> np.ndarray:
        """RR interval before each beat in seconds, NaN where unknown."""
        return np.append(np.nan, self.recording.rr)[:-1]

    def signal(self, first: int = 0, stop: int | None = None) -> np.ndarray:
        """Samples of the lead."""
        stop = self._ecg.n_samples if stop is None else min(stop, self._ecg.n_samples)
        return self._ecg.read(min(first, stop), stop, self.recording.found.leads[0])

    def window(self, start: float, stop: float, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Times and values between two times, of about so many ``points`` at most.

        The lowest and the highest sample of each stretch are kept, so that no peak is lost.
        """
        first = max(int(start * self.fs), 0)
        part = self.signal(first, max(int(stop * self.fs) + 2, 0))
        index = np.arange(len(part))
        if (stretch := 2 * len(part) // points) > 1:
            blocks = part[: len(part) // stretch * stretch].reshape(-1, stretch)
            gap = np.isnan(blocks)  # argmin and argmax would return it
            lowest = np.where(gap, np.inf, blocks).argmin(axis=1)
            highest = np.where(gap, -np.inf, blocks).argmax(axis=1)
            ends = np.sort(np.stack([lowest, highest], axis=1))
            index = (ends + np.arange(len(blocks))[:, None] * stretch).ravel()
        return (first + index) / self.fs, part[index].astype(float)

    def owner(self, time: np.ndarray) -> np.ndarray:
        """Position of the beat that each moment belongs to; -1 before the first and after the last.

        The first and the last beat reach no further than a beat may last.
        """
        owner = np.searchsorted((self.time[1:] + self.time[:-1]) / 2, time)
        far = (time < self.time[0] - BEFORE_MS / 1000) | (time > self.time[-1] + LONGEST_S)
        return np.where(far, -1, owner)

    def describe(self) -> str:
        """Length, beats and rhythm in a sentence."""
        text = f"{self.recording.name}, {self.lead}: {clock(self.seconds)} at {self.fs:g} Hz, "
        text += f"{len(self.time):,} beats found"
        if len(rr := self.rr[np.isfinite(self.rr)]):
            low, high = np.percentile(rr, [1, 99])
            text += f", {60 / np.median(rr):.0f} per minute (RR {low:.2f} to {high:.2f} s)"
        if unreadable := int((self.predicted < 0).sum()):
            text += f"; {unreadable:,} of them, drawn grey with a ~, are unreadable"
        if self.missed:
            text += f"; {self.missed:,} annotated beats were not found"
        return text + "."


def classify_upload(
    classifier: Classifier,
    upload: Upload,
    seed: int = 0,
    progress: Callable[[None], None] | None = None,
) -> tuple[Gallery, Strip]:
    """Find and classify the beats of a recording; its annotations give their true classes.

    ``progress`` is called before a block is read and may raise to end the work.
    """
    ecg, lead = upload.recording, upload.lead
    if not upload.ready:
        raise ValueError(f"The sampling rate of {upload.name} is unknown. Enter it in Hz.")
    recording = classifier.classify_opened(ecg, lead, progress=progress)
    table, found = recording.table, recording.found
    if table.empty:
        raise ValueError(
            f"No beats were found in {upload.name}, {ecg.leads[lead]}, {found.duration_s:.1f} s at "
            f"{ecg.fs:g} Hz. Is the sampling rate right, and is it an ECG of more than a few "
            "seconds?"
        )
    sample, rr = table["sample"].to_numpy(), recording.rr.astype(np.float32)
    label, missed = _annotated(ecg, sample)
    beats = Beats(
        signal=np.concatenate([rows for _, rows in found.rows()]),
        label=label,
        record=np.full(len(table), upload.name),
        sample=sample,
        rr_before=np.append(np.float32(np.nan), rr[:-1]),
        rr_after=rr,
        fs=ecg.fs,
        rhythm=found.rhythm,
    )
    quality = table["quality"].to_numpy(dtype=str)
    proba = table[[f"p_{c}" for c in CLASSES]].to_numpy(copy=True)
    proba[quality != OK] = np.nan
    gallery = Gallery(
        classifier, beats, seed, proba, lambda which: trace_at(ecg, lead, sample[which]), quality
    )
    recording = replace(recording, found=replace(found, ecg=ecg))  # no longer with `progress`
    return gallery, Strip(recording, gallery.predicted, missed)


def trace_at(ecg: Ecg, lead: int, sample: int) -> Trace:
    """A beat as recorded, with the signal before and after it."""
    start = max(int(sample - BEFORE_MS / 1000 * ecg.fs), 0)
    stop = min(int(sample + AFTER_MS / 1000 * ecg.fs), ecg.n_samples)
    value = ecg.read(start, stop, lead)
    ms = (start + np.arange(len(value)) - sample) * 1000 / ecg.fs
    return Trace(ms, value.astype(float), ecg.units[lead])


def recorded_traces(folder: Path | None, beats: Beats) -> Callable[[int], Trace | None]:
    """A function that gives a beat's trace, or None where its recording is not available."""

    @lru_cache(maxsize=4)
    def opened(record: str) -> Ecg | None:
        try:
            with open_ecg(folder / record) as ecg:
                return ecg  # WFDB records stay readable: their files are not temporary
        except ValueError:
            return None

    def trace(which: int) -> Trace | None:
        if folder is None or (ecg := opened(str(beats.record[which]))) is None:
            return None
        return trace_at(ecg, 0, int(beats.sample[which]))

    return trace


def written_traces(upload: Upload) -> Callable[[int], Trace]:
    """A function that gives a beat of a table as written there, in an unknown unit."""

    def trace(which: int) -> Trace:
        written = upload.beats.written[which]
        value = np.trim_zeros(written, "b") if written.any() else written
        return Trace(np.arange(len(value)) * 1000 / BEAT_FS, value, "")

    return trace


def _annotated(ecg: Ecg, found: np.ndarray) -> tuple[np.ndarray, int]:
    """Annotated class of each beat found, and the number of annotated beats that were not found."""
    label = np.full(len(found), UNLABELLED, dtype=np.int64)
    marks, symbols = ecg.beats()
    true, own = match_peaks(marks, found, MATCH_S * ecg.fs)
    label[own] = labels_of(symbols[true])
    expected = marks <= found[-1] + MATCH_S * ecg.fs  # the last beat has no row
    return label, int(expected.sum()) - len(true)
