"""Whether a probability means what it says: of beats called with 90 %, 90 % should be right."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ecglib.metrics.scores import check_predictions, ratio

CALIBRATION_BINS = 15


def calibration_bins(
    y_true: np.ndarray, proba: np.ndarray, bins: int = CALIBRATION_BINS
) -> pd.DataFrame:
    """How often predictions of each confidence are right, in bins of equal width.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int or bool
    proba : ndarray, shape (n, k) or (n,)
        Of shape (n, k): the confidence is that of the predicted class, and right means that it is
        the true one. Of shape (n,): the probability that a yes/no matter `y_true` is so.
    bins : int

    Returns
    -------
    DataFrame
        One row a bin: ``low``, ``high``, ``beats``, ``confidence`` (mean), ``accuracy`` (share
        that is right); the latter two are NaN in empty bins.
    """
    if np.ndim(proba) == 2:
        y_true, proba = check_predictions(y_true, proba)
        confidence, right = proba.max(1), proba.argmax(1) == y_true
    else:
        confidence, right = np.asarray(proba, dtype=float), np.asarray(y_true, dtype=bool)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    beats = np.bincount(which, minlength=bins)
    edges = np.linspace(0, 1, bins + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "beats": beats,
            "confidence": ratio(np.bincount(which, confidence, minlength=bins), beats),
            "accuracy": ratio(np.bincount(which, right, minlength=bins), beats),
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
    """The number by which logits are divided so that probabilities mean what they say.

    Temperature scaling (Guo et al. 2017): it changes how sure a network is, never its choice.

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        Of validation beats.
    y_true : ndarray, shape (n,), int

    Returns
    -------
    float
        The temperature with the lowest log loss, between 0.1 and 10.
    """

    def log_loss(exponent: float) -> float:
        scaled = log_softmax(np.asarray(logits, dtype=float) / 10**exponent, axis=1)
        return -scaled[np.arange(len(y_true)), y_true].mean()

    return float(10 ** minimize_scalar(log_loss, bounds=(-1, 1), method="bounded").x)


def uncertainty_threshold(proba: np.ndarray, y_true: np.ndarray, accuracy: float = 0.995) -> float:
    """Confidence below which a beat is called uncertain, so that the others are this accurate.

    Parameters
    ----------
    proba : ndarray, shape (n, k)
        Calibrated, of validation beats.
    y_true : ndarray, shape (n,), int
    accuracy : float
        Wanted of the beats that are not uncertain.

    Returns
    -------
    float
        The lowest such threshold; 1 where no threshold reaches the accuracy.
    """
    y_true, proba = check_predictions(y_true, proba)
    order = np.argsort(-proba.max(1))
    confidence, right = proba.max(1)[order], (proba.argmax(1) == y_true)[order]
    enough = right.cumsum() / np.arange(1, len(right) + 1) >= accuracy
    enough &= np.append(confidence[1:] < confidence[:-1], True)  # no threshold parts what is tied
    return float(confidence[np.flatnonzero(enough)[-1]]) if enough.any() else 1.0


def risk_coverage(y_true: np.ndarray, proba: np.ndarray, points: int = 200) -> pd.DataFrame:
    """What is left wrong when only the surest beats are answered, for every share of them.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
    points : int
        At most so many rows, at equal steps of coverage.

    Returns
    -------
    DataFrame
        ``coverage``, the share of beats that is answered, surest first; ``threshold``, the lowest
        confidence among them; ``risk``, the share of them that is wrong.
    """
    y_true, proba = check_predictions(y_true, proba)
    order = np.argsort(-proba.max(1), kind="stable")
    wrong = (proba.argmax(1) != y_true)[order].cumsum()
    answered = np.unique(np.linspace(1, len(order), points).round().astype(int))
    return pd.DataFrame(
        {
            "coverage": answered / len(order),
            "threshold": proba.max(1)[order][answered - 1],
            "risk": wrong[answered - 1] / answered,
        }
    )


def uncertain_beats(
    y_true: np.ndarray, proba: np.ndarray, threshold: float
) -> dict[str, float | int]:
    """What is gained when beats below a confidence are called uncertain.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
    threshold : float
        From `uncertainty_threshold`.

    Returns
    -------
    dict
        ``threshold``; ``uncertain``, the share of beats below it; ``accuracy`` of all beats,
        ``accuracy_certain`` and ``accuracy_uncertain`` of the two parts (NaN where there are no
        beats), and ``errors_caught``, the share of all errors that is called uncertain.
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
