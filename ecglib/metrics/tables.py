"""Tidy tables of all models and sets: overall, by class, by pair of classes, by curve."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from ecglib.labels import CLASSES
from ecglib.metrics.bootstrap import interval, resampled_matrices
from ecglib.metrics.calibration import calibration_bins, calibration_errors
from ecglib.metrics.scores import (
    check_predictions,
    class_scores,
    confusion_matrix,
    overall_scores,
    ratio,
)

# True classes and probabilities by (model, set): {("KNN", "test"): (y_true, proba), ...}
Predictions = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]

# As printed by the published notebook (budziun/ecg-project, ecg.ipynb) for the published test set.
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

# Rows: truly Normal, truly abnormal; columns: predicted Normal, predicted abnormal. A missed
# abnormal beat costs five times a false alarm: an example to be replaced, not a clinical fact.
COST = ((0.0, 1.0), (5.0, 0.0))


def summary(y_true: np.ndarray, proba: np.ndarray) -> dict[str, float | int | str]:
    """Overall scores of one model on one set.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
        0 to 4 = N S V F Q.
    proba : ndarray, shape (n, 5)
        Rows sum to 1; the predicted class is the most probable one.

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
    present = np.unique(y_true)
    of_truth = np.maximum(proba[np.arange(len(y_true)), y_true], np.finfo(float).eps)
    scores = overall_scores(confusion_matrix(y_true, proba.argmax(1)))
    return {
        "beats": len(y_true),
        "classes_present": "".join(CLASSES[k] for k in present),
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

    Normal is the **positive** class there, so a false positive (``fp``) is an abnormal beat that is
    predicted Normal, the dangerous error. A beat is predicted Normal when N is its most probable
    class. The areas, the Brier score and the calibration errors use the probability of N.

    Parameters
    ----------
    y_true : ndarray, shape (n,), int
    proba : ndarray, shape (n, k)
        First column: the probability of N.
    cost : 2 x 2 numbers
        Rows: truly Normal, truly abnormal. Columns: predicted Normal, predicted abnormal.

    Returns
    -------
    dict
        ``tp fp tn fn precision recall specificity fpr fnr npv error_rate accuracy
        balanced_accuracy mcc f1 g_mean auc_pr auc_roc brier ece mce expected_cost`` (per beat).
    """
    y_true, proba = check_predictions(y_true, proba)
    normal, predicted = y_true == 0, proba.argmax(1) == 0
    matrix = confusion_matrix((~normal).astype(int), (~predicted).astype(int), 2)
    (tp, fn), (fp, tn) = matrix.tolist()
    overall, by_class = overall_scores(matrix), class_scores(matrix)
    recall, specificity = by_class["sensitivity"]
    p_normal = proba[:, 0]
    values = {
        "precision": by_class["precision"][0],
        "recall": recall,
        "specificity": specificity,
        "fpr": 1 - specificity,
        "fnr": 1 - recall,
        "npv": by_class["precision"][1],
        "error_rate": 1 - overall["accuracy"],
        "accuracy": overall["accuracy"],
        "balanced_accuracy": overall["balanced_accuracy"],
        "mcc": overall["mcc"],
        "f1": by_class["f1"][0],
        "g_mean": np.sqrt(recall * specificity),
        "auc_pr": average_precision(normal, p_normal),
        "auc_roc": area_under_roc(normal, p_normal),
        "brier": np.mean((p_normal - normal) ** 2),
        **calibration_errors(calibration_bins(normal, p_normal)),
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


def class_table(
    predictions: Predictions,
    groups: Mapping[str, np.ndarray] | None = None,
    n: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row for every model, set and class, with 95 % bootstrap intervals of F1.

    Parameters
    ----------
    predictions, n, seed
        As in `interval_table`.
    groups : mapping, optional
        ``{"test": record_of_each_beat, ...}``: sets whose intervals go over records, not beats.

    Returns
    -------
    DataFrame
        Columns ``model``, ``set``, ``class``, ``sensitivity``, ``precision``, ``f1``,
        ``support``, ``f1_low``, ``f1_high``; NaN where not defined.
    """
    tables = []
    for (model, name), (y_true, proba) in predictions.items():
        y_true, proba = check_predictions(y_true, proba)
        classes = y_true, proba.argmax(1)
        drawn = resampled_matrices(classes, (groups or {}).get(name), n, seed)
        limits = np.array([interval(f1) for f1 in class_scores(drawn)["f1"].T])
        columns = {"model": model, "set": name, "class": CLASSES}
        columns |= class_scores(confusion_matrix(*classes))
        tables.append(pd.DataFrame(columns | {"f1_low": limits[:, 0], "f1_high": limits[:, 1]}))
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
        ``share`` of the true class's beats (NaN for a class without beats).
    """
    tables = []
    for (model, name), (y_true, proba) in predictions.items():
        matrix = confusion_matrix(y_true, proba.argmax(1))
        share = ratio(matrix, matrix.sum(1, keepdims=True))
        cells = {"true": np.repeat(CLASSES, len(CLASSES)), "predicted": CLASSES * len(CLASSES)}
        cells |= {"beats": matrix.ravel(), "share": share.ravel()}
        tables.append(pd.DataFrame({"model": model, "set": name, **cells}))
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
        the class's share of the beats, which is the AP of random guesses; NaN where not defined.
    """
    rows = [
        {"model": model, "set": name, "class": c, "auc": area_under_roc(y_true == k, proba[:, k])}
        | {"ap": average_precision(y_true == k, proba[:, k]), "share": float(np.mean(y_true == k))}
        for (model, name), (y_true, proba) in predictions.items()
        for k, c in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows)


def area_under_roc(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; NaN if all beats are positive, or none."""
    return float(roc_auc_score(positive, score)) if 0 < positive.sum() < len(positive) else np.nan


def average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the precision-recall curve; NaN if no beat is positive."""
    return float(average_precision_score(positive, score)) if positive.any() else np.nan
