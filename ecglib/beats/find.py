"""A recording in blocks of ten minutes: its beats, its quality, its rows.

Memory does not grow with the recording, and the seams leave no trace: every block is read with the
30 s around it, beyond which nothing has influence.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ecglib.beats.beats import cut_rows
from ecglib.recordings import quality
from ecglib.recordings.recording import (
    RECORDING_FS,
    Ecg,
    EcgFileError,
    resampling_ratio,
    without_gaps,
)
from ecglib.recordings.rpeaks import CONTEXT_S, WINDOW, peaks_and_height

BLOCK = 400 * WINDOW  # samples at 360 Hz
CONTEXT = round(CONTEXT_S * RECORDING_FS)  # a whole number of windows
BATCH = 512  # beats: one size, since PyTorch keeps memory for every size it has met
LONGEST = 30 * 60 * RECORDING_FS  # samples: a row's next beat is not looked for further away


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


def find_beats(ecg: Ecg, lead: int, detector: str = "matched") -> tuple[np.ndarray, np.ndarray]:
    """R peaks of one lead, and its quality.

    Parameters
    ----------
    ecg : Ecg
    lead : int
    detector : str
        See `ecglib.recordings.rpeaks.find_r_peaks`. With detectors that learn as they go, each block is
        learnt from anew.

    Returns
    -------
    peaks : ndarray, shape (n_peaks,), int64
        Sample numbers at 360 Hz.
    quality : ndarray, shape (n_windows,), str
        Of each 1.5 s, see `ecglib.recordings.quality.judge`.

    Raises
    ------
    EcgFileError
        Hardly a sample is a number.
    """
    n = length(ecg)
    found_at, windows = [np.zeros(0, dtype=np.int64)], []
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        before = max(start - CONTEXT, 0)
        signal = read_block(ecg, lead, before, min(stop + CONTEXT, n))
        found, height = peaks_and_height(signal)
        found = found + before
        found_at.append(found[(found >= start) & (found < stop)])
        whole = quality.measure(signal, height)
        inner = slice((start - before) // WINDOW, -(-(stop - before) // WINDOW))
        windows.append(whole[inner])
    peaks = np.concatenate(found_at)
    if n and not len(peaks) and not _has_numbers(ecg, lead):
        raise EcgFileError(f"The samples of {ecg.name} are not finite numbers: the lead is empty.")
    return peaks, quality.judge(np.concatenate(windows)) if windows else np.zeros(0, "<U7")


def _has_numbers(ecg: Ecg, lead: int) -> bool:
    starts = range(0, ecg.n_samples, BLOCK)
    return any(np.isfinite(ecg.read(k, min(k + BLOCK, ecg.n_samples), lead)).any() for k in starts)


def beat_rows(ecg: Ecg, lead: int, peaks: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of all beats but the last, block by block.

    Parameters
    ----------
    ecg : Ecg
    lead : int
    peaks : ndarray, shape (n_peaks,), int
        At 360 Hz, in time order.

    Yields
    ------
    which : slice
        Positions in ``peaks``.
    rows : ndarray, shape (n, 187), float32
        See `ecglib.beats.beats.cut_rows`.
    """
    n = length(ecg)
    first = 0
    while first < len(peaks) - 1:
        near = int(np.searchsorted(peaks, peaks[first] + LONGEST))
        end = min(first + BATCH, near, len(peaks) - 1)
        marks = peaks[first : end + 2]
        start = int(marks[0])
        reach = n if end + 2 > len(peaks) else int(marks[-1])
        signal = read_block(ecg, lead, start, min(reach, start + LONGEST + BLOCK, n))
        inside = np.minimum(marks - start, len(signal))
        yield slice(first, end), cut_rows(signal, inside, np.arange(end - first))
        first = end
