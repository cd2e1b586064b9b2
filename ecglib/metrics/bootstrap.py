"""How sure a score is: bootstrap intervals and paired tests.

Scores follow from confusion matrices, so matrices are resampled instead of beats: drawing beats
with replacement is one multinomial draw over the cells, drawing records is adding up the records'
own matrices. A thousand resamples take milliseconds.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ecglib.labels import CLASSES
from ecglib.metrics.scores import class_scores, confusion_matrix, overall_scores


def resampled_matrices(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    groups: np.ndarray | None = None,
    n: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Confusion matrices of bootstrap resamples.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (beats,), int
    groups : ndarray, shape (beats,), optional
        Record of each beat. Given, whole records are drawn: beats of one patient resemble each
        other, and intervals over single beats are then far too narrow.
    n : int
        Number of resamples.
    seed : int

    Returns
    -------
    ndarray, shape (n, 5, 5), int64
    """
    k = len(CLASSES)
    confusion_matrix(y_true, y_pred)  # for its checks
    cell = np.asarray(y_true, dtype=np.int64) * k + np.asarray(y_pred, dtype=np.int64)
    return _resample(cell, k * k, groups, n, seed).reshape(n, k, k)


def bootstrap_interval(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    metric: str | Callable[[np.ndarray], np.ndarray] = "macro_f1",
    groups: np.ndarray | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float | int]:
    """Percentile bootstrap interval of a score, over beats or over records.

    Parameters
    ----------
    y_true, y_pred : ndarray, shape (beats,), int
    metric : str or function
        A key of `overall_scores` (``"macro_f1"``), a key of `class_scores` with a class
        (``"f1_S"``, ``"sensitivity_V"``), or a function of matrices (n, 5, 5) -> (n,).
    groups, n, seed
        As in `resampled_matrices`.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``value`` (of all beats), ``low``, ``high``, ``level``, ``resamples``, and
        ``share_missing_a_class``: how many resamples have no beat of some class that the data
        has, which happens when few records hold a class. Their averages go over the others.
    """
    score = metric if callable(metric) else _named_score(metric)
    matrix = confusion_matrix(y_true, y_pred)
    matrices = resampled_matrices(y_true, y_pred, groups, n, seed)
    low, high = interval(score(matrices), level)
    missing = (matrices.sum(-1) == 0) & (matrix.sum(-1) > 0)
    return {
        "value": float(score(matrix[None])[0]),
        "low": low,
        "high": high,
        "level": level,
        "resamples": n,
        "share_missing_a_class": float(missing.any(-1).mean()),
    }


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
        ``{"test": record_of_each_beat, ...}``: sets that get intervals over records, too.
    metrics : tuple of str
        As `bootstrap_interval` knows them.
    n, seed
        As in `resampled_matrices`.

    Returns
    -------
    DataFrame
        Columns ``model``, ``set`` and for each metric ``M``, ``M_low``, ``M_high`` (over beats),
        ``M_records_low``, ``M_records_high`` (over records; NaN for sets without `groups`).
    """
    rows = []
    for (model, part), (y_true, proba) in predictions.items():
        row, records = {"model": model, "set": part}, (groups or {}).get(part)
        for metric in metrics:
            of_beats = bootstrap_interval(y_true, proba.argmax(1), metric, None, n, seed)
            row |= {metric: of_beats["value"]}
            row |= {f"{metric}_{end}": of_beats[end] for end in ("low", "high")}
            if records is not None:
                wide = bootstrap_interval(y_true, proba.argmax(1), metric, records, n, seed)
                row |= {f"{metric}_records_{end}": wide[end] for end in ("low", "high")}
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

    McNemar asks whether one model is right more often than the other where only one of them is
    right. It takes the beats as independent, which beats of one patient are not; the bootstrap
    over records (`groups`) does not.

    Parameters
    ----------
    y_true, pred_a, pred_b : ndarray, shape (beats,), int
    groups, n, seed
        As in `resampled_matrices`.

    Returns
    -------
    dict
        ``only_a_right``, ``only_b_right``, ``mcnemar_p`` (two-sided), ``macro_f1_a``,
        ``macro_f1_b``, ``difference`` (a - b) with its 95 % interval ``low``, ``high`` and
        ``bootstrap_p`` (two-sided, at least 1 / (n + 1)).
    """
    k = len(CLASSES)
    f1_a, f1_b = (
        float(overall_scores(confusion_matrix(y_true, p))["macro_f1"]) for p in (pred_a, pred_b)
    )
    y_true, pred_a, pred_b = (np.asarray(y, dtype=np.int64) for y in (y_true, pred_a, pred_b))
    only_a = int(np.sum((pred_a == y_true) & (pred_b != y_true)))
    only_b = int(np.sum((pred_b == y_true) & (pred_a != y_true)))
    split = only_a + only_b
    cell = (y_true * k + pred_a) * k + pred_b
    cube = _resample(cell, k**3, groups, n, seed).reshape(n, k, k, k)
    difference = overall_scores(cube.sum(3))["macro_f1"] - overall_scores(cube.sum(2))["macro_f1"]
    low, high = interval(difference)
    tail = min((difference <= 0).sum(), (difference >= 0).sum())
    return {
        "only_a_right": only_a,
        "only_b_right": only_b,
        "mcnemar_p": float(binomtest(only_a, split).pvalue) if split else 1.0,
        "macro_f1_a": f1_a,
        "macro_f1_b": f1_b,
        "difference": f1_a - f1_b,
        "low": low,
        "high": high,
        "bootstrap_p": float(min(1.0, 2 * (tail + 1) / (n + 1))),
    }


def _resample(
    cell: np.ndarray, n_cells: int, groups: np.ndarray | None, n: int, seed: int
) -> np.ndarray:
    """Counts of every cell in each resample, shape (n, n_cells)."""
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.multinomial(len(cell), np.bincount(cell, minlength=n_cells) / len(cell), size=n)
    names, which = np.unique(groups, return_inverse=True)
    if len(which) != len(cell) or len(names) < 2:
        raise ValueError(
            f"A bootstrap over records needs the record of each of the {len(cell)} beats and at "
            f"least two records; there are {len(which)} names of {len(names)} record(s)."
        )
    of_group = np.bincount(which * n_cells + cell, minlength=len(names) * n_cells)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n)
    return drawn @ of_group.reshape(len(names), n_cells)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle part of resampled values, without NaN; NaN where nothing is left."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _named_score(metric: str) -> Callable[[np.ndarray], np.ndarray]:
    name, _, letter = metric.rpartition("_")
    if letter in CLASSES and name in ("sensitivity", "precision", "f1"):
        return lambda matrices: class_scores(matrices)[name][:, CLASSES.index(letter)]
    known = overall_scores(np.eye(2))
    if metric not in known:
        raise ValueError(
            f"There is no score '{metric}'. Choose from {', '.join(known)}, or name a class: "
            "sensitivity_S, precision_S, f1_S."
        )
    return lambda matrices: overall_scores(matrices)[metric]
