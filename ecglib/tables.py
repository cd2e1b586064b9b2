"""One tidy table for all models and sets: by class, by pair of classes, by curve."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from ecglib.confusion import check_predictions, class_metrics, class_scores, confusion_matrix, ratio
from ecglib.labels import CLASSES
from ecglib.uncertainty import interval, resampled_matrices

# True classes and probabilities by (model, set).
Predictions = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def class_table(
    predictions: Predictions,
    groups: Mapping[str, np.ndarray] | None = None,
    n: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row for every model, set and class, with 95 % bootstrap intervals of F1.

    Parameters
    ----------
    predictions : mapping
        ``{("KNN", "test"): (y_true, proba), ...}``.
    groups : mapping, optional
        ``{"test": record_of_each_beat, ...}``: sets whose intervals go over records, not beats.
    n : int
        Number of bootstrap resamples.
    seed : int

    Returns
    -------
    DataFrame
        Columns ``model``, ``set``, ``class``, ``sensitivity``, ``precision``, ``f1``,
        ``support``, ``f1_low``, ``f1_high``.
    """
    tables = []
    for (model, part), (y_true, proba) in predictions.items():
        y_true, proba = check_predictions(y_true, proba)
        y_pred = proba.argmax(1)
        resamples = resampled_matrices(y_true, y_pred, (groups or {}).get(part), n, seed)
        limits = np.array([interval(f1) for f1 in class_scores(resamples)["f1"].T])
        table = class_metrics(y_true, y_pred).reset_index()
        table = table.assign(f1_low=limits[:, 0], f1_high=limits[:, 1])
        table.insert(0, "model", model)
        table.insert(1, "set", part)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def confusion_table(predictions: Predictions) -> pd.DataFrame:
    """The confusion matrices of every model and set as one tidy table.

    Parameters
    ----------
    predictions : mapping
        ``{("KNN", "test"): (y_true, proba), ...}``.

    Returns
    -------
    DataFrame
        Columns ``model``, ``set``, ``true``, ``predicted`` (class letters), ``beats``, and
        ``share``, the part of the true class that is called so (NaN for a class without beats).
    """
    tables = []
    for (model, part), (y_true, proba) in predictions.items():
        matrix = confusion_matrix(y_true, proba.argmax(1))
        share = ratio(matrix, matrix.sum(1, keepdims=True))
        cells = {"true": np.repeat(CLASSES, len(CLASSES)), "predicted": CLASSES * len(CLASSES)}
        cells |= {"beats": matrix.ravel(), "share": share.ravel()}
        tables.append(pd.DataFrame({"model": model, "set": part, **cells}))
    return pd.concat(tables, ignore_index=True)


def curve_table(predictions: Predictions) -> pd.DataFrame:
    """Areas under the ROC and precision-recall curves, each class against the rest.

    Parameters
    ----------
    predictions : mapping
        ``{("KNN", "test"): (y_true, proba), ...}``.

    Returns
    -------
    DataFrame
        One row for every model, set and class: ``auc``, ``ap`` (average precision) and ``share``,
        the class's share of the beats, which is the AP of a coin; NaN where not defined.
    """
    rows = [
        {"model": model, "set": part, "class": c, "auc": area_under_roc(y_true == k, proba[:, k])}
        | {"ap": average_precision(y_true == k, proba[:, k]), "share": float(np.mean(y_true == k))}
        for (model, part), (y_true, proba) in predictions.items()
        for k, c in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows)


def area_under_roc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve of a yes/no matter; NaN where all is yes or all is no."""
    return float(roc_auc_score(positive, score)) if 0 < positive.sum() < len(positive) else np.nan


def average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the precision-recall curve of a yes/no matter; NaN where nothing is yes."""
    return float(average_precision_score(positive, score)) if positive.any() else np.nan
