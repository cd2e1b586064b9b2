"""Calibration: of the beats predicted with a confidence of 90 %, 90 % should be correct."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ecglib.metrics.scores import check_predictions, ratio

BINS = 15
COVERAGE_STEPS = 200


def calibration_bins(y_true: np.ndarray, proba: np.ndarray) -> pd.DataFrame:
    """Share of correct predictions by confidence, in 15 bins of equal width.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int or bool
    proba : ndarray, shape (n, k) or (n,)
        Of shape (n, k): the confidence is the predicted class's probability, and a prediction is
        correct if that class is the true one. Of shape (n,): the probability that `y_true` is True.

    Returns
    -------
    DataFrame
        One row for each bin: ``low``, ``high``, ``beats``, ``confidence`` (mean), ``accuracy``
        (share that is correct); the latter two are NaN in empty bins.
    """
    if np.ndim(proba) == 2:
        y_true, proba = check_predictions(y_true, proba)
        confidence, right = proba.max(1), proba.argmax(1) == y_true
    else:
        confidence, right = np.asarray(proba, dtype=float), np.asarray(y_true, dtype=bool)
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    beats = np.bincount(which, minlength=BINS)
    edges = np.linspace(0, 1, BINS + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "beats": beats,
            "confidence": ratio(np.bincount(which, confidence, minlength=BINS), beats),
            "accuracy": ratio(np.bincount(which, right, minlength=BINS), beats),
        }
    )


def calibration_errors(bins: pd.DataFrame) -> dict[str, float]:
    """Expected (``ece``) and maximum (``mce``) calibration error of `calibration_bins`."""
    filled = bins[bins["beats"] > 0]
    gap = (filled["accuracy"] - filled["confidence"]).abs()
    return {
        "ece": float((gap * filled["beats"]).sum() / filled["beats"].sum()),
        "mce": float(gap.max()),
    }


def fit_temperature(logits: np.ndarray, y_true: np.ndarray) -> float:
    """Temperature (0.1 to 10) with the lowest log loss on validation beats (Guo et al. 2017)."""

    def log_loss(exponent: float) -> float:
        scaled = log_softmax(np.asarray(logits, dtype=float) / 10**exponent, axis=1)
        return -scaled[np.arange(len(y_true)), y_true].mean()

    return float(10 ** minimize_scalar(log_loss, bounds=(-1, 1), method="bounded").x)


def uncertainty_threshold(proba: np.ndarray, y_true: np.ndarray, accuracy: float = 0.995) -> float:
    """Lowest confidence from which on predictions reach an accuracy; 1 if they never do."""
    y_true, proba = check_predictions(y_true, proba)
    order = np.argsort(-proba.max(1))
    confidence, right = proba.max(1)[order], (proba.argmax(1) == y_true)[order]
    enough = right.cumsum() / np.arange(1, len(right) + 1) >= accuracy
    enough &= np.append(confidence[1:] < confidence[:-1], True)  # equal confidences stay together
    return float(confidence[np.flatnonzero(enough)[-1]]) if enough.any() else 1.0


def risk_coverage(y_true: np.ndarray, proba: np.ndarray) -> pd.DataFrame:
    """Share of errors when only the most confident beats are classified, by their share.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)

    Returns
    -------
    DataFrame
        At most 200 rows, at equal steps of coverage: ``coverage``, the share of beats that is
        classified, most confident first; ``threshold``, the lowest confidence among them;
        ``risk``, the share of them that is wrong.
    """
    y_true, proba = check_predictions(y_true, proba)
    order = np.argsort(-proba.max(1), kind="stable")
    wrong = (proba.argmax(1) != y_true)[order].cumsum()
    classified = np.unique(np.linspace(1, len(order), COVERAGE_STEPS).round().astype(int))
    return pd.DataFrame(
        {
            "coverage": classified / len(order),
            "threshold": proba.max(1)[order][classified - 1],
            "risk": wrong[classified - 1] / classified,
        }
    )


def uncertain_beats(
    y_true: np.ndarray, proba: np.ndarray, threshold: float
) -> dict[str, float | int]:
    """Accuracy of certain and uncertain beats at a confidence threshold.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
    threshold : float
        Beats with a lower confidence are uncertain.

    Returns
    -------
    dict
        ``threshold``; ``uncertain``, the share of uncertain beats; ``accuracy`` of all beats,
        ``accuracy_certain`` and ``accuracy_uncertain`` of the two groups (NaN for an empty one),
        and ``errors_caught``, the share of all errors among the uncertain beats.
    """
    y_true, proba = check_predictions(y_true, proba)
    uncertain, right = proba.max(1) < threshold, proba.argmax(1) == y_true
    return {
        "threshold": float(threshold),
        "uncertain": float(uncertain.mean()),
        "accuracy": float(right.mean()),
        "accuracy_certain": float(ratio(right[~uncertain].sum(), (~uncertain).sum())),
        "accuracy_uncertain": float(ratio(right[uncertain].sum(), uncertain.sum())),
        "errors_caught": float(ratio((uncertain & ~right).sum(), (~right).sum())),
    }
