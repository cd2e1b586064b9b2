"""How good predictions are: pure functions from true classes and probabilities to tables.

The face of everything that is measured: what follows from a confusion matrix (``confusion``), how
sure it is (``uncertainty``), tables of all models (``tables``) and how they are written down
(``results``) can be called from here, too.
Functions take class numbers (0 to 4 = N S V F Q) and probabilities of shape (n, 5).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from ecglib.calibration import (
    calibration_bins,
    calibration_errors,
    risk_coverage,
    uncertain_beats,
)
from ecglib.confusion import (
    check_predictions,
    class_metrics,
    class_scores,
    confusion_matrix,
    overall_scores,
)
from ecglib.labels import CLASSES
from ecglib.results import (
    find_predictions,
    ladder_of,
    load_predictions,
    read_benchmark,
    save_metrics,
    save_predictions,
    save_table,
)
from ecglib.tables import (
    Predictions,
    area_under_roc,
    average_precision,
    class_table,
    confusion_table,
    curve_table,
)
from ecglib.uncertainty import bootstrap_interval, interval_table, paired_test

__all__ = [
    "COST",
    "PUBLISHED_RESULTS",
    "bootstrap_interval",
    "calibration_bins",
    "calibration_errors",
    "class_metrics",
    "class_table",
    "confusion_matrix",
    "confusion_table",
    "curve_table",
    "find_predictions",
    "interval_table",
    "ladder_of",
    "load_predictions",
    "metrics_table",
    "normal_vs_abnormal",
    "paired_test",
    "read_benchmark",
    "risk_coverage",
    "save_metrics",
    "save_predictions",
    "save_table",
    "summary",
    "uncertain_beats",
]

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
