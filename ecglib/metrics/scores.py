"""Scores that follow from a confusion matrix: beats counted by true and predicted class.

A score that is not defined, such as the sensitivity to a class with no beats, is NaN, and averages
over classes are taken over the classes that have beats.
"""

import numpy as np
import pandas as pd

from ecglib.labels import CLASSES


def confusion_matrix(
    y_true: np.ndarray, y_pred: np.ndarray, n_classes: int = len(CLASSES)
) -> np.ndarray:
    """Count beats by true class (rows) and predicted class (columns).

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n,), int
    n_classes : int

    Returns
    -------
    ndarray, shape (n_classes, n_classes), int64

    Raises
    ------
    ValueError
        The two differ in length, or hold a number that is no class.
    """
    y_true, y_pred = (class_numbers(y, n_classes) for y in (y_true, y_pred))
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"There are {len(y_true)} true classes but {len(y_pred)} predictions: "
            "they must be of the same beats, in the same order."
        )
    cell = y_true * n_classes + y_pred
    return np.bincount(cell, minlength=n_classes**2).reshape(n_classes, n_classes)


def class_scores(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Sensitivity, positive predictivity (precision) and F1 of every class.

    Parameters
    ----------
    matrix : ndarray, shape (..., k, k)
        Confusion matrices; leading axes are for many at once, such as bootstrap resamples.

    Returns
    -------
    dict of ndarray, shape (..., k)
        ``sensitivity``, ``precision``, ``f1``, ``support``. F1 is NaN for a class without beats,
        and 0 for a class with beats of which none is found.
    """
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    support, predicted = matrix.sum(-1), matrix.sum(-2)
    return {
        "sensitivity": ratio(hit, support),
        "precision": ratio(hit, predicted),
        "f1": np.where(support > 0, ratio(2 * hit, support + predicted), np.nan),
        "support": support,
    }


def overall_scores(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of a whole confusion matrix.

    Parameters
    ----------
    matrix : ndarray, shape (..., k, k)

    Returns
    -------
    dict of ndarray, shape (...)
        ``accuracy``, ``balanced_accuracy``, ``macro_f1``, ``weighted_f1`` and ``mcc`` (Gorodkin's
        correlation of k classes; 0 when all beats are called the same, NaN when all are the same).
    """
    by_class = class_scores(matrix)
    hit, support = np.trace(matrix, axis1=-2, axis2=-1), by_class["support"]
    n, predicted = support.sum(-1), matrix.sum(-2)
    f1_sum = np.nansum(by_class["f1"] * support, axis=-1)
    n_square = np.square(n, dtype=float)
    spread_true = n_square - np.square(support, dtype=float).sum(-1)
    spread_predicted = n_square - np.square(predicted, dtype=float).sum(-1)
    covariance = hit * n.astype(float) - (support.astype(float) * predicted).sum(-1)
    mcc = ratio(covariance, np.sqrt(spread_true * spread_predicted))
    return {
        "accuracy": ratio(hit, n),
        "balanced_accuracy": mean_of_present(by_class["sensitivity"]),
        "macro_f1": mean_of_present(by_class["f1"]),
        "weighted_f1": ratio(f1_sum, n),
        "mcc": np.where((spread_true > 0) & (spread_predicted == 0), 0.0, mcc),
    }


def class_metrics(
    y_true: np.ndarray, y_pred: np.ndarray, classes: tuple[str, ...] = CLASSES
) -> pd.DataFrame:
    """Sensitivity, precision, F1 and support: one row a class, NaN where not defined.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (n,), int
    classes : tuple of str

    Returns
    -------
    DataFrame
        Index ``class``; columns ``sensitivity``, ``precision``, ``f1``, ``support``.
    """
    scores = class_scores(confusion_matrix(y_true, y_pred, len(classes)))
    return pd.DataFrame(scores, index=pd.Index(classes, name="class"))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    undefined = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)


def mean_of_present(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN where nothing is left."""
    return ratio(np.nansum(values, axis=-1), np.isfinite(values).sum(-1))


def class_numbers(y: np.ndarray, n_classes: int) -> np.ndarray:
    y = np.asarray(y)
    if y.ndim != 1 or (len(y) and (y.min() < 0 or y.max() >= n_classes)):
        raise ValueError(
            f"Classes must be one row of numbers from 0 to {n_classes - 1}, one a beat; these have "
            f"the shape {y.shape}"
            + (f" and lie between {y.min()} and {y.max()}." if y.size else ".")
        )
    return y.astype(np.int64)


def check_predictions(y_true: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True classes as int64 and probabilities as float64, or a sentence that says what is amiss."""
    proba = np.asarray(proba, dtype=float)
    if proba.ndim != 2 or len(proba) != len(y_true) or len(proba) == 0:
        raise ValueError(
            f"Probabilities must have one row a beat and one column a class; these have the shape "
            f"{proba.shape} for {len(y_true)} true classes."
        )
    if not (proba.min() >= 0 and np.allclose(proba.sum(1), 1, atol=1e-3)):  # NaN fails, too
        raise ValueError(
            "Every row of probabilities must be non-negative and sum to 1; pass the softmax of the "
            "network's output, not the logits."
        )
    return class_numbers(y_true, proba.shape[1]), proba
