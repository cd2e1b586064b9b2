"""Rhythm features for new patients: how early a beat comes in the patient's own rhythm.

Nearly all are logarithms of ratios of RR intervals, since these carry over between patients.

* RR intervals against their running means over 32 and 400 beats and against each other
  (Sáenz-Cogollo and Agelli 2020, doi:10.3390/a13040075; Farag 2023, doi:10.3390/s23031365):
  *means*, since the median of a patient with mostly premature beats is a premature one;
* how irregular the rhythm is, measured so that beats coming early by turns (bigeminy) count as
  regular and atrial fibrillation doesn't: an RR interval is compared with the nearest in length
  among its neighbours.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NEIGHBOURS = 20  # beats on either side, or twice as many before, that make the local rhythm
PRIOR = 3  # beats that the recording's mean counts for in a running mean

AGAINST_MEANS = ("rr_mean32", "rr_mean400", "next_mean32")
RR_FEATURES = (*AGAINST_MEANS, "next_rr", "previous_rr", "recent", "nearest")


def rr_features(seconds: np.ndarray, ectopic: np.ndarray | None = None) -> np.ndarray:
    """Features in the order of ``RR_FEATURES``, shape (..., n, 7), of all beats of a recording.

    ``seconds``, shape (..., n), are the times of at least 3 beats. ``ectopic``, of the same shape,
    is the probability that a beat is ectopic: such beats, and those that follow one, count less in
    the means that the others are compared with.
    """
    before, after = _intervals(seconds)
    log = np.log(before)
    # Distance to the nearest of the last four intervals: bigeminy repeats every second one.
    lags = [np.abs(log - _later(log, k)) for k in (1, 2, 3, 4)]
    nearest = np.sort(np.abs(around(log) - log[..., None]), axis=-1)[..., 1:5].mean(axis=-1)
    columns = [
        np.log(after) - log,
        _later(log, 1) - log,
        np.log(np.median(around(np.min(lags, axis=0)), axis=-1) + 0.01),
        np.log(np.median(around(nearest), axis=-1) + 0.01),
    ]
    return np.concatenate([against_means(seconds, ectopic), np.stack(columns, axis=-1)], axis=-1)


def against_means(seconds: np.ndarray, ectopic: np.ndarray | None = None) -> np.ndarray:
    """Features in the order of ``AGAINST_MEANS``, (..., n, 3), which depend on ``ectopic``."""
    before, after = _intervals(seconds)
    ectopic = np.zeros(before.shape) if ectopic is None else ectopic
    followed = np.concatenate([np.zeros_like(ectopic[..., :1]), ectopic[..., :-1]], axis=-1)
    weight = (1 - ectopic) * (1 - followed)
    mean32, mean400 = (np.log(_running_mean(before, weight, n)) for n in (32, 400))
    return np.stack([np.log(before) - mean32, np.log(before) - mean400, np.log(after) - mean32], -1)


def around(values: np.ndarray) -> np.ndarray:
    """Each value with its ``NEIGHBOURS`` neighbours on either side, (..., n, 41), ends mirrored."""
    mode = "reflect" if values.shape[-1] > NEIGHBOURS else "edge"
    ends = [(0, 0)] * (values.ndim - 1) + [(NEIGHBOURS, NEIGHBOURS)]
    return sliding_window_view(np.pad(values, ends, mode=mode), 2 * NEIGHBOURS + 1, axis=-1)


def _intervals(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RR interval before and after each beat; the usual one where there is none."""
    rr = np.clip(np.diff(seconds), 0.2, 3.0)
    usual = np.median(rr, axis=-1, keepdims=True)
    return np.concatenate([usual, rr], axis=-1), np.concatenate([rr, usual], axis=-1)


def _later(values: np.ndarray, k: int) -> np.ndarray:
    """Values moved ``k`` places to the right, the first one in the places that become free."""
    first = np.repeat(values[..., :1], k, axis=-1)
    return np.concatenate([first, values], axis=-1)[..., : values.shape[-1]]


def _running_mean(values: np.ndarray, weight: np.ndarray, n: int) -> np.ndarray:
    """Weighted mean of each value and the ``n - 1`` before it, drawn a little to that of all."""
    stop = np.arange(1, values.shape[-1] + 1)
    start = np.maximum(stop - n, 0)

    def windows(x: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros_like(x[..., :1]), np.cumsum(x, axis=-1)], axis=-1)
        return total[..., stop] - total[..., start]

    of_all = np.average(values, axis=-1, weights=weight + 1e-6, keepdims=True)
    return (windows(values * weight) + PRIOR * of_all) / (windows(weight) + PRIOR)
