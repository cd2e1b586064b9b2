"""Finding R peaks in a recording that nobody has annotated."""

import numpy as np

from ecglib.beats import RECORDING_FS

SEARCH_S = 0.05  # how far from a detection the annotators' mark is looked for, in seconds
BASELINE_S = 0.25  # half the stretch whose median is the baseline: longer than a wide QRS complex
SHORTEST_S = 2.0  # a detector needs a few beats to learn from
MATCH_S = 0.15  # a found peak this near to a true one is the same: EC57's match window


def find_r_peaks(signal: np.ndarray) -> np.ndarray:
    """R peaks by WFDB's gqrs, moved to where annotators put theirs: the largest deflection.

    Parameters
    ----------
    signal : ndarray, shape (n_samples,)
        One lead at 360 Hz, in millivolts or any other unit.

    Returns
    -------
    ndarray, shape (n_peaks,), int64
        Sample numbers in time order; none where the signal is flat, shorter than 2 s or holds no
        beat.
    """
    from wfdb.processing import gqrs_detect

    signal = np.asarray(signal, dtype=np.float64)
    spread = np.ptp(signal) if len(signal) else 0.0
    if len(signal) < SHORTEST_S * RECORDING_FS or spread == 0:
        return np.zeros(0, dtype=np.int64)
    try:
        found = gqrs_detect(sig=signal, fs=RECORDING_FS)
    except (IndexError, ValueError):  # gqrs stumbles over signals without a single beat
        return np.zeros(0, dtype=np.int64)
    found = np.asarray(found, dtype=np.int64)
    baseline = np.median(signal[_around(found, BASELINE_S, len(signal))], axis=1, keepdims=True)
    window = _around(found, SEARCH_S, len(signal))
    deflection = np.abs(signal[window] - baseline)
    return np.unique(window[np.arange(len(found)), deflection.argmax(axis=1)])


def compare_r_peaks(true: np.ndarray, found: np.ndarray) -> tuple[int, int, int]:
    """Count R peaks that were found, were missed, and are none (``tp``, ``fn``, ``fp``).

    Parameters
    ----------
    true, found : ndarray, int
        Sample numbers at 360 Hz in time order; at most 150 ms apart is a match.
    """
    from wfdb.processing import compare_annotations

    if not len(true) or not len(found):
        return 0, len(true), len(found)
    result = compare_annotations(true, found, round(MATCH_S * RECORDING_FS))
    return result.tp, result.fn, result.fp


def _around(centre: np.ndarray, reach_s: float, n_samples: int) -> np.ndarray:
    """Sample numbers up to ``reach_s`` seconds before and after each centre, inside the signal."""
    reach = round(reach_s * RECORDING_FS)
    return np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, n_samples - 1)
