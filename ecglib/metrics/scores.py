"""Scores that follow from a confusion matrix: beats counted by true and predicted class.

An undefined score, such as the sensitivity of a class without beats, is NaN. Means over classes
are taken over the classes that have beats.
"""

import numpy as np

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
        The two differ in length, or hold a number that is not a class.
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
    """Scores of every class, each of shape (..., k), from confusion matrices (..., k, k)."""
    hit = np.diagonal(matrix, axis1=-2, axis2=-1)
    support, predicted = matrix.sum(-1), matrix.sum(-2)
    return {
        "sensitivity": ratio(hit, support),
        "precision": ratio(hit, predicted),  # the positive predictivity
        # 0 for a class with beats of which none is found, NaN for a class without beats
        "f1": np.where(support > 0, ratio(2 * hit, support + predicted), np.nan),
        "support": support,
    }


def overall_scores(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Scores over all classes, each of shape (...), from confusion matrices (..., k, k)."""
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
        # Gorodkin's correlation for k classes: 0 when one class is predicted for all beats, NaN
        # when all beats are of one class
        "mcc": np.where((spread_true > 0) & (spread_predicted == 0), 0.0, mcc),
    }


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    undefined = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)


def mean_of_present(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN where every value is NaN."""
    return ratio(np.nansum(values, axis=-1), np.isfinite(values).sum(-1))


def class_numbers(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Class numbers as int64, checked."""
    y = np.asarray(y)
    if y.ndim != 1 or (len(y) and (y.min() < 0 or y.max() >= n_classes)):
        values = f" and lie between {y.min()} and {y.max()}" if y.size else ""
        raise ValueError(
            f"Classes must be one row of numbers from 0 to {n_classes - 1}, one for each beat; "
            f"these have the shape {y.shape}{values}."
        )
    return y.astype(np.int64)


def check_predictions(y_true: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True classes as int64 and probabilities as float64, checked."""
    proba = np.asarray(proba, dtype=float)
    if proba.ndim != 2 or len(proba) != len(y_true) or len(proba) == 0:
        raise ValueError(
            "Probabilities must have one row for each beat and one column for each class; these "
            f"have the shape {proba.shape} for {len(y_true)} true classes."
        )
    if not (proba.min() >= 0 and np.allclose(proba.sum(1), 1, atol=1e-3)):  # NaN fails as well
        raise ValueError(
            "Every row of probabilities must be non-negative and sum to 1; pass the softmax of the "
            "network's output, not the logits."
        )
    return class_numbers(y_true, proba.shape[1]), proba
