"""Finding R peaks in a recording that nobody has annotated.

The detector that is used by default applies the QRS matched filter of WFDB's gqrs (G. B. Moody) and
decides by its neighbourhood alone: everything it says of a moment depends on the 30 s around it. So
it needs no learning phase, any unit will do, and a long recording can be read in blocks.
`benchmarks/detectors.py` compares it with the detectors of wfdb and SleepECG.
"""

import numpy as np
from scipy.ndimage import correlate1d, median_filter

from ecglib.recordings.recording import RECORDING_FS

DETECTORS = ("matched", "gqrs", "xqrs", "sleepecg")
SHORTEST_S = 2.0  # a detector needs a few beats to compare
MATCH_S = 0.15  # a found peak this near to a true one is the same: EC57's match window
CONTEXT_S = 30.0  # what is further away than this has no influence on a peak

# The filter's shape, in steps of a quarter of a QRS complex, after gqrs; then a moving average.
STEP = 6  # samples: 67 ms for a QRS complex
MATCHED = np.convolve(np.repeat([1, -1, -5, 5, 5, -5, -1, 1], STEP), np.ones(2 * STEP))
MATCHED /= np.abs(MATCHED).sum()

# Chosen on the training beats of DS1 and the paced records, clean and with electrode noise.
WINDOW = 540  # samples: 1.5 s, which nearly always hold a beat
NEIGHBOURS = 13  # windows whose median height is the usual height of a beat
USUAL, SMALL = 0.30, 0.18  # of the usual height: what is a beat, and what may be a missed one
REFRACTORY = round(0.3 * RECORDING_FS)
T_WAVE, T_HEIGHT = round(0.36 * RECORDING_FS), 0.4  # so soon and so low, it is a T wave
GAP = 1.4  # of the usual RR interval: here a small beat is looked for
LIMB, LIMB_HEIGHT, LIMB_GAIN = round(0.1 * RECORDING_FS), 0.4, 1.5  # see _settle
BASELINE = round(0.25 * RECORDING_FS)  # half the stretch whose median is the baseline


def find_r_peaks(signal: np.ndarray, detector: str = "matched") -> np.ndarray:
    """R peaks, placed where the annotators of MIT-BIH put theirs.

    Parameters
    ----------
    signal : ndarray, shape (n_samples,)
        One lead at 360 Hz, in millivolts; ``matched`` and ``sleepecg`` take any unit.
    detector : {"matched", "gqrs", "xqrs", "sleepecg"}
        ``gqrs`` and ``xqrs`` are wfdb's, a hundred times slower; ``sleepecg`` needs that package.

    Returns
    -------
    ndarray, shape (n_peaks,), int64
        Sample numbers in time order; none where the signal is flat, shorter than 2 s or holds no
        beat.

    Raises
    ------
    ValueError
        There is no such detector.
    """
    if detector not in DETECTORS:
        raise ValueError(f"There is no detector '{detector}'. Choose from {', '.join(DETECTORS)}.")
    return peaks_and_height(signal, detector)[0]


def peaks_and_height(
    signal: np.ndarray, detector: str = "matched"
) -> tuple[np.ndarray, np.ndarray]:
    """R peaks as `find_r_peaks` finds them, and the `filtered` signal."""
    signal = np.asarray(signal, dtype=np.float64)
    height = filtered(signal)
    if len(signal) < SHORTEST_S * RECORDING_FS or np.ptp(signal) == 0:
        return np.zeros(0, dtype=np.int64), height
    found = _matched(height) if detector == "matched" else _library(signal, detector)
    return np.unique(_settle(signal, height, found)), height


def match_peaks(
    true: np.ndarray, found: np.ndarray, window: float = MATCH_S * RECORDING_FS
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a true and a found R peak, nearest ones first; no peak is in two of them.

    Parameters
    ----------
    true, found : ndarray, int
        Sample numbers in time order.
    window : float
        How far apart a pair may be, in samples; by default 150 ms at 360 Hz.

    Returns
    -------
    of_true, of_found : ndarray, shape (n_pairs,), int
        Positions of the pairs in `true`, in order, and in `found`.
    """
    first = np.searchsorted(found, true - window)
    count = np.searchsorted(found, true + window, side="right") - first
    mark = np.repeat(np.arange(len(true)), count)
    own = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    of_mark, taken = np.full(len(true), -1), np.zeros(len(found), dtype=bool)
    for k in np.argsort(np.abs(found[own] - true[mark]), kind="stable"):
        if of_mark[mark[k]] < 0 and not taken[own[k]]:
            of_mark[mark[k]], taken[own[k]] = own[k], True
    of_true = np.flatnonzero(of_mark >= 0)
    return of_true, of_mark[of_true]


def filtered(signal: np.ndarray) -> np.ndarray:
    """Magnitude of the QRS matched filter, shape (n_samples,), in the unit of the signal."""
    signal = np.asarray(signal, dtype=np.float64)
    return np.abs(correlate1d(signal, MATCHED, mode="nearest")) if len(signal) else signal


def usual_height(height: np.ndarray) -> np.ndarray:
    """Usual height of a beat in the filtered signal, one number for each 1.5 s."""
    padded = np.pad(height, (0, -len(height) % WINDOW))
    return median_filter(padded.reshape(-1, WINDOW).max(axis=1), NEIGHBOURS, mode="nearest")


def _matched(height: np.ndarray) -> np.ndarray:
    """Samples of the beats in a filtered signal."""
    usual = usual_height(height)
    peak = _apart(_maxima(height, SMALL * usual.min()), height)
    if not len(peak):
        return peak
    tall = height[peak]
    middle = np.arange(len(usual)) * WINDOW + WINDOW / 2
    share = tall / np.maximum(np.interp(peak, middle, usual), np.finfo(float).tiny)

    beat = share > USUAL
    last = -1
    for i in np.flatnonzero(beat):
        if last >= 0 and peak[i] - peak[last] < T_WAVE and tall[i] < T_HEIGHT * tall[last]:
            beat[i] = False
        else:
            last = i

    sure = np.flatnonzero(beat)
    if len(sure) > 2:
        rr = np.diff(peak[sure])
        for i in np.flatnonzero(rr > GAP * median_filter(rr, 9, mode="nearest")):
            inside = np.arange(sure[i] + 1, sure[i + 1])
            inside = inside[(share[inside] > SMALL) & (peak[inside] - peak[sure[i]] > T_WAVE)]
            if len(inside):
                beat[inside[tall[inside].argmax()]] = True
    return peak[beat]


def _maxima(height: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Samples that are higher than both neighbours, as scipy.signal finds them.

    Without scipy.signal, which takes longer to import than an hour of ECG to search.
    """
    # a stretch of equal samples counts once
    start = np.flatnonzero(np.diff(height, prepend=np.nan))
    rise = np.diff(height[start]) > 0
    top = 1 + np.flatnonzero(rise[:-1] & ~rise[1:])
    middle = (start[top] + start[top + 1] - 1) // 2
    return middle[height[middle] >= least]


def _apart(peak: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The highest peaks of those that are nearer to each other than the refractory time."""
    kept = np.ones(len(peak), dtype=bool)
    first = np.searchsorted(peak, peak - REFRACTORY, side="right")
    end = np.searchsorted(peak, peak + REFRACTORY)
    for i in np.argsort(height[peak])[::-1]:
        if kept[i]:
            kept[first[i] : end[i]] = False
            kept[i] = True
    return peak[kept]


def _library(signal: np.ndarray, detector: str) -> np.ndarray:
    """Samples of the beats as a library sees them; none where it stumbles."""
    if detector == "sleepecg":
        try:
            from sleepecg import detect_heartbeats
        except ImportError as error:
            raise ValueError(
                "The detector 'sleepecg' is a package of its own: pip install sleepecg, or choose "
                "another detector."
            ) from error

        found = detect_heartbeats(signal, RECORDING_FS)
    else:
        from wfdb.processing import gqrs_detect, xqrs_detect

        try:
            if detector == "gqrs":
                found = gqrs_detect(sig=signal, fs=RECORDING_FS)
            else:
                found = xqrs_detect(sig=signal, fs=RECORDING_FS, verbose=False)
        except (IndexError, ValueError):  # both stumble over signals without a single beat
            found = []
    return np.sort(np.asarray(found, dtype=np.int64))


def _settle(signal: np.ndarray, height: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Move detections to the annotators' mark: the filter's maximum, mostly within one sample.

    A wide beat gives the filter two limbs, and the later one may be the steeper. The mark is then
    at the limb that lies clearly further from the baseline.
    """
    if not len(found):
        return found
    near = _around(found, STEP * 2, len(signal))
    found = near[np.arange(len(found)), height[near].argmax(axis=1)]
    limb = _maxima(height)
    first, end = np.searchsorted(limb, found - LIMB), np.searchsorted(limb, found + LIMB + 1)
    settled = found.copy()
    for i in np.flatnonzero(end - first > 1):
        others = limb[first[i] : end[i]]
        others = others[height[others] >= LIMB_HEIGHT * height[found[i]]]
        if len(others) < 2:
            continue
        baseline = np.median(signal[max(found[i] - BASELINE, 0) : found[i] + BASELINE + 1])
        away = np.abs(signal[_around(others, STEP, len(signal))] - baseline).max(axis=1)
        away[others == found[i]] *= LIMB_GAIN
        settled[i] = others[away.argmax()]
    return settled


def _around(centre: np.ndarray, reach: int, n_samples: int) -> np.ndarray:
    """Sample numbers up to ``reach`` before and after each centre, inside the signal."""
    return np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, n_samples - 1)
