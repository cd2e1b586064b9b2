"""One tidy table for all models and sets: by class, by pair of classes, by curve."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from ecglib.labels import CLASSES
from ecglib.metrics.bootstrap import interval, resampled_matrices
from ecglib.metrics.calibration import calibration_bins, calibration_errors
from ecglib.metrics.scores import (
    check_predictions,
    class_metrics,
    class_scores,
    confusion_matrix,
    overall_scores,
    ratio,
)

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


# What the published notebook (budziun/ecg-project, ecg.ipynb) printed for the published test set.
PUBLISHED_RESULTS = {
    "published KNN": {
        "accuracy": 0.9743,
        "macro_f1": 0.8672,
        "f1": {"N": 0.986, "S": 0.742, "V": 0.922, "F": 0.710, "Q": 0.976},
    },
    "published network": {
        "accuracy": 0.9867,
        "macro_f1": 0.9274,
        "f1": {"N": 0.9933, "S": 0.8579, "V": 0.9639, "F": 0.8288, "Q": 0.9932},
    },
}

# Rows: truly Normal, truly abnormal; columns: called Normal, called abnormal. An abnormal beat
# that is missed costs five times a false alarm: an example to be replaced, not a clinical fact.
COST = ((0.0, 1.0), (5.0, 0.0))


def summary(
    y_true: np.ndarray, proba: np.ndarray, classes: tuple[str, ...] = CLASSES
) -> dict[str, float | int | str]:
    """The headline numbers of one model on one set.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
        Rows sum to 1; the predicted class is the most probable one.
    classes : tuple of str

    Returns
    -------
    dict
        ``beats``; ``classes_present``, the letters of the classes that have beats, over which all
        ``macro_...`` and balanced values are averaged; ``accuracy``, ``balanced_accuracy``,
        ``macro_f1``, ``weighted_f1``, ``mcc``, ``macro_auc`` (each class against the rest),
        ``macro_ap`` (average precision), ``ece`` (see `calibration_bins`) and ``log_loss`` (nats;
        a probability of 0 counts as 2.2e-16, so that KNN stays finite).
    """
    y_true, proba = check_predictions(y_true, proba)
    support = np.bincount(y_true, minlength=len(classes))
    present = np.flatnonzero(support)
    of_truth = np.maximum(proba[np.arange(len(y_true)), y_true], np.finfo(float).eps)
    scores = overall_scores(confusion_matrix(y_true, proba.argmax(1), len(classes)))
    return {
        "beats": len(y_true),
        "classes_present": "".join(classes[k] for k in present),
        **{name: float(value) for name, value in scores.items()},
        "macro_auc": float(np.mean([area_under_roc(y_true == k, proba[:, k]) for k in present])),
        "macro_ap": float(np.mean([average_precision(y_true == k, proba[:, k]) for k in present])),
        "ece": calibration_errors(calibration_bins(y_true, proba))["ece"],
        "log_loss": float(-np.log(of_truth).mean()),
    }


def normal_vs_abnormal(
    y_true: np.ndarray, proba: np.ndarray, cost: tuple[tuple[float, float], ...] = COST
) -> dict[str, float | int]:
    """The quality table of the published work: Normal against the four abnormal classes.

    Normal is the **positive** class there, so a false positive (``fp``) is an abnormal beat called
    Normal, the dangerous mistake. A beat is called Normal when N is its most probable class;
    the areas, the Brier score and the calibration errors judge the probability of N.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
        First column: the probability of N.
    cost : 2 x 2 numbers
        Rows: truly Normal, truly abnormal. Columns: called Normal, called abnormal.

    Returns
    -------
    dict
        ``tp fp tn fn precision recall specificity fpr fnr npv error_rate accuracy
        balanced_accuracy mcc f1 g_mean auc_pr auc_roc brier ece mce expected_cost`` (per beat).
    """
    y_true, proba = check_predictions(y_true, proba)
    truly_normal, called_normal = y_true == 0, proba.argmax(1) == 0
    matrix = confusion_matrix((~truly_normal).astype(int), (~called_normal).astype(int), 2)
    (tp, fn), (fp, tn) = matrix.tolist()
    overall, normal = overall_scores(matrix), class_scores(matrix)
    recall, specificity = normal["sensitivity"]
    p_normal = proba[:, 0]
    values = {
        "precision": normal["precision"][0],
        "recall": recall,
        "specificity": specificity,
        "fpr": 1 - specificity,
        "fnr": 1 - recall,
        "npv": normal["precision"][1],
        "error_rate": 1 - overall["accuracy"],
        "accuracy": overall["accuracy"],
        "balanced_accuracy": overall["balanced_accuracy"],
        "mcc": overall["mcc"],
        "f1": normal["f1"][0],
        "g_mean": np.sqrt(recall * specificity),
        "auc_pr": average_precision(truly_normal, p_normal),
        "auc_roc": area_under_roc(truly_normal, p_normal),
        "brier": np.mean((p_normal - truly_normal) ** 2),
        **calibration_errors(calibration_bins(truly_normal, p_normal)),
        "expected_cost": np.sum(matrix * np.asarray(cost, dtype=float)) / len(y_true),
    }
    counts = {"tp": tp, "fp": fp, "tn": tn, "fn": fn}
    return counts | {name: float(value) for name, value in values.items()}


def metrics_table(
    predictions: Predictions, score: Callable[[np.ndarray, np.ndarray], dict] = summary
) -> pd.DataFrame:
    """One row for every model and set.

    Parameters
    ----------
    predictions : mapping
        ``{("KNN", "test"): (y_true, proba), ...}``.
    score : function
        `summary`, `normal_vs_abnormal` or any (y_true, proba) -> dict.

    Returns
    -------
    DataFrame
        Columns ``model``, ``set`` and the keys of `score`.
    """
    return pd.DataFrame(
        [{"model": m, "set": s, **score(y, p)} for (m, s), (y, p) in predictions.items()]
    )
