"""The beats of a recording: found once, and handed to every model and every face.

The recording is read in blocks of ten minutes, so memory does not grow with its length. The seams
leave no trace: every block is read with the 30 s around it, beyond which nothing has influence.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ecglib.beats.beats import BEAT_SAMPLES, DECIMATION, cut_rows
from ecglib.beats.rhythm import rhythm_between
from ecglib.recordings import quality
from ecglib.recordings.quality import OK
from ecglib.recordings.recording import (
    RECORDING_FS,
    Ecg,
    EcgFileError,
    from_360,
    resampling_ratio,
    to_360,
    without_gaps,
)
from ecglib.recordings.rpeaks import CONTEXT_S, WINDOW, peaks_and_height

BLOCK = 400 * WINDOW  # samples at 360 Hz
CONTEXT = round(CONTEXT_S * RECORDING_FS)  # a whole number of windows
BATCH = 512  # beats: one size, since PyTorch keeps memory for every size it has met
LONGEST = 30 * 60 * RECORDING_FS  # samples: a row's next beat is not looked for further away
SHOWN = 20  # beats of a block that tell whether the lead is upside down


@dataclass(frozen=True, eq=False)
class FoundBeats:
    """The beats found in a recording.

    Attributes
    ----------
    ecg : Ecg
        The recording, still open.
    leads : tuple of int
        Numbers of the leads to judge by; R peaks and quality are those of the first.
    sample : ndarray, shape (n,), int64
        R peaks in time order, at the recording's own rate.
    peaks : ndarray, shape (n,), int64
        The same at 360 Hz.
    windows : ndarray, shape (n_windows,), str
        Signal quality of each 1.5 s: ``ok``, ``flat``, ``clipped`` or ``noise``.
    inverted : bool
        Whether the lead looks upside down.
    """

    ecg: Ecg
    leads: tuple[int, ...]
    sample: np.ndarray
    peaks: np.ndarray
    windows: np.ndarray
    inverted: bool = False

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self.ecg.n_samples / self.ecg.fs

    @cached_property
    def quality(self) -> np.ndarray:
        """Signal quality at each beat, shape (n,), str."""
        return self.windows[self.peaks // WINDOW]

    @cached_property
    def unreadable(self) -> list[dict]:
        """Unreadable stretches: ``start_s``, ``end_s`` and ``quality`` of each."""
        return quality.stretches(self.windows, self.duration_s)

    @cached_property
    def rr(self) -> np.ndarray:
        """RR interval after each beat but the last in seconds, shape (n - 1,).

        NaN where it overlaps an unreadable stretch, which may hide beats.
        """
        time = self.peaks / RECORDING_FS
        return np.where(quality.unbroken(time, self.unreadable), np.diff(time), np.nan)

    @cached_property
    def rhythm(self) -> np.ndarray:
        """Rhythm features of all beats but the last, shape (n - 1, 6)."""
        return rhythm_between(self.rr)

    @cached_property
    def row_quality(self) -> np.ndarray:
        """Worst signal quality within the row of each beat but the last, shape (n - 1,), str."""
        found = self.quality[:-1].copy()
        for k in np.flatnonzero(np.isnan(self.rr)):
            last = min(self.peaks[k + 1], self.peaks[k] + BEAT_SAMPLES * DECIMATION - 1)
            within = self.windows[self.peaks[k] // WINDOW : last // WINDOW + 1]
            found[k] = next((each for each in within if each != OK), OK)
        return found

    def rows(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows of all beats but the last, block by block.

        Yields
        ------
        which : slice
            Positions of the beats.
        rows : ndarray, shape (n, 187), float32
            See `ecglib.beats.beats.cut_rows`.
        """
        n, peaks, first = length(self.ecg), self.peaks, 0
        while first < len(peaks) - 1:
            near = int(np.searchsorted(peaks, peaks[first] + LONGEST))
            end = min(first + BATCH, near, len(peaks) - 1)
            marks = peaks[first : end + 2]
            start = int(marks[0])
            reach = n if end + 2 > len(peaks) else int(marks[-1])
            stop = min(reach, start + LONGEST + BLOCK, n)
            signal = read_block(self.ecg, self.leads[0], start, stop)
            inside = np.minimum(marks - start, len(signal))
            yield slice(first, end), cut_rows(signal, inside, np.arange(end - first))
            first = end


def length(ecg: Ecg) -> int:
    """Number of samples at 360 Hz."""
    up, down = resampling_ratio(ecg.fs)
    return -(-ecg.n_samples * up // down)


def read_block(ecg: Ecg, lead: int, start: int, stop: int) -> np.ndarray:
    """Samples ``start`` to ``stop`` of one lead at 360 Hz; gaps hold the value before them."""
    up, down = resampling_ratio(ecg.fs)
    if up == down:
        return without_gaps(ecg.read(start, stop, lead))
    from scipy.signal import resample_poly  # not above: it takes 0.6 s to import

    spare = 12 * max(up, down) // (up * down) + 2  # times `down`: over half the filter's length
    first = max(start // up - spare, 0)
    end = min((-(-stop // up) + spare) * down, ecg.n_samples)
    samples = without_gaps(ecg.read(first * down, end, lead))
    block = resample_poly(samples, up, down, padtype="edge")[start - first * up :]
    return block[: stop - start].astype(np.float32)


def upside_down(ecg: Ecg) -> Ecg:
    """The same ECG with all its leads turned over."""
    return replace(ecg, read=lambda start, stop, lead: -ecg.read(start, stop, lead))


def watched(ecg: Ecg, progress: Callable[[None], None]) -> Ecg:
    """The same ECG, which tells before each block that is read, and may be stopped by that."""

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        progress(None)
        return ecg.read(start, stop, lead)

    return replace(ecg, read=read)


def find_beats(ecg: Ecg, leads: tuple[int, ...] = (0,)) -> FoundBeats:
    """R peaks of a recording, from the first of ``leads``, and its unreadable stretches.

    EcgFileError if the lead holds no finite number.
    """
    n, lead = length(ecg), leads[0]
    found_at, windows, shown = [np.zeros(0, dtype=np.int64)], [], []
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        before = max(start - CONTEXT, 0)
        signal = read_block(ecg, lead, before, min(stop + CONTEXT, n))
        found, height = peaks_and_height(signal)
        own = found[(found >= start - before) & (found < stop - before)]
        found_at.append(own + before)
        some = np.arange(min(SHOWN, max(len(own) - 1, 0)))
        shown.append((own[some] + before, cut_rows(signal, own, some)))
        whole = quality.measure(signal, height)
        inner = slice((start - before) // WINDOW, -(-(stop - before) // WINDOW))
        windows.append(whole[inner])
    peaks = np.concatenate(found_at)
    if n and not len(peaks) and not _has_numbers(ecg, lead):
        raise EcgFileError(f"The samples of {ecg.name} are not finite numbers: the lead is empty.")
    judged = quality.classify_windows(np.concatenate(windows)) if windows else np.zeros(0, "<U7")
    rows = [rows[judged[at // WINDOW] == OK] for at, rows in shown]
    inverted = bool(rows) and quality.looks_inverted(np.concatenate(rows))
    return FoundBeats(ecg, tuple(leads), from_360(peaks, ecg.fs), peaks, judged, inverted)


def known_beats(ecg: Ecg, leads: tuple[int, ...], sample: np.ndarray) -> FoundBeats:
    """Beats that an annotator has marked, as `find_beats` gives its own; all of it is readable.

    ``sample`` are all of them in time order, at the recording's own rate.
    """
    peaks = np.minimum(to_360(sample, ecg.fs), length(ecg) - 1)
    windows = np.full(-(-length(ecg) // WINDOW), OK, dtype="<U7")
    return FoundBeats(ecg, tuple(leads), np.asarray(sample, np.int64), peaks, windows)


def _has_numbers(ecg: Ecg, lead: int) -> bool:
    starts = range(0, ecg.n_samples, BLOCK)
    return any(np.isfinite(ecg.read(k, min(k + BLOCK, ecg.n_samples), lead)).any() for k in starts)
