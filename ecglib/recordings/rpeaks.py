"""R peaks of a recording without annotations.

The detector applies the QRS matched filter of WFDB's gqrs (G. B. Moody) and compares each peak with
those of the 30 s around it. So it needs no learning phase, the unit does not matter, and a long
recording can be read in blocks. `benchmarks/detectors.py` compares it with other detectors.
"""

import numpy as np
from scipy.ndimage import correlate1d, median_filter

from ecglib.recordings.recording import RECORDING_FS

SHORTEST_S = 2.0  # a few beats are needed to compare
MATCH_S = 0.15  # a found peak this near to a true one is the same: EC57's match window
CONTEXT_S = 30.0  # samples further away have no influence on a peak

# The filter's shape, in steps of a quarter of a QRS complex, after gqrs; then a moving average.
STEP = 6  # samples: 67 ms for a QRS complex
MATCHED = np.convolve(np.repeat([1, -1, -5, 5, 5, -5, -1, 1], STEP), np.ones(2 * STEP))
MATCHED /= np.abs(MATCHED).sum()

# Chosen on the training beats of DS1 and the paced records, clean and with electrode noise.
WINDOW = 540  # samples: 1.5 s, which nearly always hold a beat
NEIGHBOURS = 13  # windows whose median height is the usual height of a beat
USUAL, SMALL = 0.30, 0.18  # least height of a beat, and of one in a gap, in usual heights
REFRACTORY = round(0.3 * RECORDING_FS)
T_WAVE, T_HEIGHT = round(0.36 * RECORDING_FS), 0.4  # a peak so soon and so low is a T wave
GAP = 1.4  # usual RR intervals; in a longer one, a small beat is searched for
LIMB, LIMB_HEIGHT, LIMB_GAIN = round(0.1 * RECORDING_FS), 0.4, 1.5  # see settle
BASELINE = round(0.25 * RECORDING_FS)  # half the stretch whose median is the baseline


def find_r_peaks(signal: np.ndarray) -> np.ndarray:
    """R peaks of one lead at 360 Hz, in any unit, where the annotators of MIT-BIH place them.

    Sample numbers in time order, shape (n_peaks,), int64; none where the signal is flat, shorter
    than 2 s or holds no beat.
    """
    return peaks_and_height(signal)[0]


def peaks_and_height(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R peaks as `find_r_peaks` finds them, and the `filtered` signal."""
    signal = np.asarray(signal, dtype=np.float64)
    height = filtered(signal)
    if len(signal) < SHORTEST_S * RECORDING_FS or np.ptp(signal) == 0:
        return np.zeros(0, dtype=np.int64), height
    return settle(signal, height, _matched(height)), height


def match_peaks(
    true: np.ndarray, found: np.ndarray, window: float = MATCH_S * RECORDING_FS
) -> tuple[np.ndarray, np.ndarray]:
    """Positions, in `true` and in `found`, of matching R peaks, one to one, nearest pairs first.

    Peaks are sample numbers in time order; a pair is at most ``window`` samples apart.
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
    """Local maxima as scipy.signal finds them, which takes longer to import than this to search."""
    # a stretch of equal samples counts once
    start = np.flatnonzero(np.diff(height, prepend=np.nan))
    rise = np.diff(height[start]) > 0
    top = 1 + np.flatnonzero(rise[:-1] & ~rise[1:])
    middle = (start[top] + start[top + 1] - 1) // 2
    return middle[height[middle] >= least]


def _apart(peak: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The highest of the peaks that are nearer to each other than the refractory time."""
    kept = np.ones(len(peak), dtype=bool)
    first = np.searchsorted(peak, peak - REFRACTORY, side="right")
    end = np.searchsorted(peak, peak + REFRACTORY)
    for i in np.argsort(height[peak])[::-1]:
        if kept[i]:
            kept[first[i] : end[i]] = False
            kept[i] = True
    return peak[kept]


def settle(signal: np.ndarray, height: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Detections moved to where annotators put them: the filter's maximum, mostly.

    A wide beat has two limbs in the filtered signal, and the later one may be the steeper. The mark
    is then at the limb that lies clearly further from the baseline.
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
    return np.unique(settled)


def _around(centre: np.ndarray, reach: int, n_samples: int) -> np.ndarray:
    """Sample numbers up to ``reach`` before and after each centre, inside the signal."""
    return np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, n_samples - 1)
