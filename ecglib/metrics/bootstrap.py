"""Uncertainty of a score: bootstrap intervals and paired tests.

Scores follow from confusion matrices, so matrices are resampled instead of beats: drawing beats
with replacement is one multinomial draw over the cells, and drawing records is a sum of the
records' own matrices. A thousand resamples take milliseconds. Beats of one patient resemble each
other, so intervals over single beats are far too narrow for new patients; draw records for those.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ecglib.labels import CLASSES
from ecglib.metrics.scores import class_numbers, class_scores, confusion_matrix, overall_scores

LEVEL = 0.95  # coverage of all intervals


def interval_table(
    predictions: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
    groups: Mapping[str, np.ndarray] | None = None,
    metrics: tuple[str, ...] = ("accuracy", "macro_f1"),
    n: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Scores with 95 % bootstrap intervals, one row for every model and set.

    Parameters
    ----------
    predictions : mapping
        ``{("KNN", "test"): (y_true, proba), ...}``.
    groups : mapping, optional
        ``{"test": record_of_each_beat, ...}``: sets that get intervals over records as well.
    metrics : tuple of str
        Scores of all classes (``"macro_f1"``) or of one class (``"f1_S"``, ``"sensitivity_V"``).
    n, seed : int
        Number of bootstrap resamples and their seed.

    Returns
    -------
    DataFrame
        Columns ``model``, ``set`` and for each metric ``M``, ``M_low``, ``M_high`` (over beats),
        ``M_records_low``, ``M_records_high`` (over records; NaN for sets without `groups`).

    Raises
    ------
    ValueError
        A metric is unknown, predictions and classes do not fit, or `groups` has a single record.
    """
    rows = []
    for (model, name), (y_true, proba) in predictions.items():
        classes, records = (y_true, proba.argmax(1)), (groups or {}).get(name)
        matrix = confusion_matrix(*classes)
        drawn = {"": resampled_matrices(classes, None, n, seed)}
        if records is not None:
            drawn["_records"] = resampled_matrices(classes, records, n, seed)
        row = {"model": model, "set": name}
        for metric in metrics:
            row[metric] = float(_score(matrix, metric))
            for unit, matrices in drawn.items():
                low, high = interval(_score(matrices, metric))
                row |= {f"{metric}{unit}_low": low, f"{metric}{unit}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def paired_test(
    y_true: np.ndarray,
    pred_a: np.ndarray,
    pred_b: np.ndarray,
    groups: np.ndarray | None = None,
    n: int = 1000,
    seed: int = 0,
) -> dict[str, float | int]:
    """Compare two models on the same beats: exact McNemar test and paired bootstrap.

    McNemar's test counts the beats that only one of the two models classifies correctly. It assumes
    that beats are independent, which beats of one patient are not. The bootstrap over records
    (`groups`) does not assume it.

    Parameters
    ----------
    y_true, pred_a, pred_b : ndarray, shape (beats,), int
    groups : ndarray, shape (beats,), optional
        Record of each beat; if given, whole records are drawn.
    n, seed : int
        Number of bootstrap resamples and their seed.

    Returns
    -------
    dict
        ``only_a_right``, ``only_b_right``, ``mcnemar_p`` (two-sided), ``macro_f1_a``,
        ``macro_f1_b``, ``difference`` (a - b) with its 95 % interval ``low``, ``high`` and
        ``bootstrap_p`` (two-sided, at least 1 / (n + 1)).
    """
    matrices = np.stack([confusion_matrix(y_true, p) for p in (pred_a, pred_b)])
    f1_a, f1_b = overall_scores(matrices)["macro_f1"].tolist()
    right_a, right_b = (np.equal(p, y_true) for p in (pred_a, pred_b))
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    differing = only_a + only_b
    cube = resampled_matrices((y_true, pred_a, pred_b), groups, n, seed)
    difference = overall_scores(cube.sum(3))["macro_f1"] - overall_scores(cube.sum(2))["macro_f1"]
    low, high = interval(difference)
    tail = min((difference <= 0).sum(), (difference >= 0).sum())
    return {
        "only_a_right": only_a,
        "only_b_right": only_b,
        "mcnemar_p": float(binomtest(only_a, differing).pvalue) if differing else 1.0,
        "macro_f1_a": f1_a,
        "macro_f1_b": f1_b,
        "difference": f1_a - f1_b,
        "low": low,
        "high": high,
        "bootstrap_p": float(min(1.0, 2 * (tail + 1) / (n + 1))),
    }


def resampled_matrices(
    classes: tuple[np.ndarray, ...], groups: np.ndarray | None, n: int, seed: int
) -> np.ndarray:
    """Matrices (n, 5, 5) of resampled beats or records; (n, 5, 5, 5) of two models."""
    classes = [class_numbers(y, len(CLASSES)) for y in classes]
    shape, rng = (len(CLASSES),) * len(classes), np.random.default_rng(seed)
    cell, n_cells = np.ravel_multi_index(classes, shape), len(CLASSES) ** len(classes)
    if groups is None:
        share = np.bincount(cell, minlength=n_cells) / len(cell)
        return rng.multinomial(len(cell), share, size=n).reshape(n, *shape)
    names, which = np.unique(groups, return_inverse=True)
    if len(which) != len(cell) or len(names) < 2:
        raise ValueError(
            f"A bootstrap over records needs the record of each of the {len(cell)} beats and at "
            f"least two records; there are {len(which)} names of {len(names)} record(s)."
        )
    of_group = np.bincount(which * n_cells + cell, minlength=len(names) * n_cells)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n)
    return (drawn @ of_group.reshape(len(names), n_cells)).reshape(n, *shape)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of resampled values without NaN; NaN where all are NaN."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _score(matrices: np.ndarray, metric: str) -> np.ndarray:
    """A score by its name, such as ``macro_f1`` or ``f1_S``."""
    name, _, letter = metric.rpartition("_")
    if letter in CLASSES and name in ("sensitivity", "precision", "f1"):
        return class_scores(matrices)[name][..., CLASSES.index(letter)]
    scores = overall_scores(matrices)
    if metric not in scores:
        raise ValueError(
            f"There is no score '{metric}'. Choose from {', '.join(scores)}, or name a class: "
            "sensitivity_S, precision_S, f1_S."
        )
    return scores[metric]
