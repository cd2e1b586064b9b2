"""Finding R peaks in a recording that nobody has annotated."""

import numpy as np

from ecglib.beats import RECORDING_FS

SEARCH_S = 0.05  # how far from a detection the annotators' mark is looked for, in seconds
SHORTEST_S = 2.0  # a detector needs a few beats to learn from


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
    reach = round(SEARCH_S * RECORDING_FS)
    window = np.clip(found[:, None] + np.arange(-reach, reach + 1), 0, len(signal) - 1)
    around = signal[window]
    deflection = np.abs(around - np.median(around, axis=1, keepdims=True))
    peaks = window[np.arange(len(found)), deflection.argmax(axis=1)]
    return np.unique(peaks)
