"""Scores of S and V by the standard ANSI/AAMI EC57: gross, on average and for each record.

The standard allows for classes on which annotators disagree, as WFDB's ``bxb`` does: a true F
predicted as V is not a false V, and a true Q predicted as S or V is not a false one. (Both still
count as errors of their own class.) Records of paced hearts are left out. Unlike ``bxb``, which
skips the first five minutes of a record, this module counts all beats. The standard does not score
N. Where N is needed, for the macro F1 over N, S and V, a true Q predicted as N is not a false N.

All functions need only the true class, the predicted class and the record of each beat.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.labels import CLASSES, PACED
from ecglib.metrics.bootstrap import interval, resampled_matrices
from ecglib.metrics.scores import confusion_matrix, mean_of_present, ratio

SCORED = ("N", "S", "V")
FORGIVEN = {"N": "Q", "S": "Q", "V": "FQ"}  # true classes that may be predicted as this one
# 232 alone holds three quarters of the S beats of DS2; 202 (DS2) is the same person as 201 (DS1).
LEFT_OUT = {"all records": "", "without 232": "232", "without 202": "202"}


def ec57_scores(matrix: np.ndarray, classes: Sequence[str] = SCORED) -> dict[str, np.ndarray]:
    """Scores (..., n) of some classes, and their means (...), from confusion matrices."""
    # A sixth row counts detections that are not beats, a sixth column missed beats.
    columns = [CLASSES.index(c) for c in classes]
    truths = [*CLASSES, "no beat"][: matrix.shape[-2]]
    counted = np.array([[true not in FORGIVEN.get(c, "") for c in classes] for true in truths])
    beats = matrix.sum(-1)[..., columns]
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)[..., columns]
    predicted = (matrix[..., columns] * counted).sum(-2)
    f1 = np.where(beats > 0, ratio(2 * tp, beats + predicted), np.nan)
    return {
        "beats": beats,
        "tp": tp,
        "fn": beats - tp,
        "fp": predicted - tp,
        "sensitivity": ratio(tp, beats),
        "precision": ratio(tp, predicted),  # the positive predictivity
        "f1": f1,
        "macro_f1": mean_of_present(f1),
        "accuracy": ratio(tp.sum(-1), beats.sum(-1)),
    }


def headline(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray, n: int = 1000, seed: int = 0
) -> dict[str, float | int]:
    """Scores of N, S and V without paced records, which can be compared between protocols.

    Parameters
    ----------
    label, predicted, record, n, seed
        As in `gross_table`.

    Returns
    -------
    dict
        ``beats``; ``accuracy`` and ``macro_f1``, each with ``..._low`` and ``..._high`` (95 %, over
        beats) and ``..._records_low`` and ``..._records_high`` (over records; NaN for a single
        one); ``f1_N``, ``f1_S``, ``f1_V``.
    """
    label, predicted, record = _not_paced(label, predicted, record)
    scores = ec57_scores(confusion_matrix(label, predicted))
    drawn = {"": ec57_scores(resampled_matrices((label, predicted), None, n, seed))}
    if len(np.unique(record)) > 1:
        drawn["_records"] = ec57_scores(resampled_matrices((label, predicted), record, n, seed))
    row = {"beats": len(label)}
    for key in ("accuracy", "macro_f1"):
        row[key] = float(scores[key])
        for unit in ("", "_records"):
            low, high = interval(drawn[unit][key]) if unit in drawn else (np.nan, np.nan)
            row |= {f"{key}{unit}_low": low, f"{key}{unit}_high": high}
    return row | {f"f1_{c}": float(scores["f1"][k]) for k, c in enumerate(SCORED)}


def gross_table(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Gross and average scores of S and V, with and without records 232 and 202.

    Parameters
    ----------
    label, predicted : ndarray, shape (beats,), int
        0 to 4 = N S V F Q.
    record : ndarray, shape (beats,), str
        Beats of paced records (102, 104, 107, 217) are left out.
    n, seed
        Resamples of the bootstrap over records and its seed; ``n=0`` gives no intervals.

    Returns
    -------
    DataFrame
        One row for each choice of records (``records``) and each of S, V and ``N, S, V``. Gross
        counts and scores (all beats pooled): ``beats``, ``tp``, ``fn``, ``fp``, ``sensitivity``,
        ``precision``, ``f1``, with 95 % intervals over records in ``..._low`` and ``..._high``;
        ``average_sensitivity`` and ``average_precision`` are means over the records for which they
        are defined. Row ``N, S, V`` has ``f1``, the macro F1, and ``accuracy``.
    """
    label, predicted, record = _not_paced(label, predicted, record)
    names, matrices = _by_record(label, predicted, record)
    rows = []
    for choice, left_out in LEFT_OUT.items():
        if left_out and left_out not in names:
            continue
        single = ec57_scores(matrices[names != left_out])
        gross = ec57_scores(matrices[names != left_out].sum(0))
        drawn, keep = None, record != left_out
        if n and len(single["f1"]) > 1:
            classes = label[keep], predicted[keep]
            drawn = ec57_scores(resampled_matrices(classes, record[keep], n, seed))
        for k, c in enumerate(SCORED[1:], 1):
            row = {"records": choice, "class": c}
            row |= {key: int(gross[key][k]) for key in ("beats", "tp", "fn", "fp")}
            for key in ("sensitivity", "precision", "f1"):
                row[key] = float(gross[key][k])
                if drawn:
                    row[f"{key}_low"], row[f"{key}_high"] = interval(drawn[key][:, k])
            for key in ("sensitivity", "precision"):
                row[f"average_{key}"] = float(mean_of_present(single[key][:, k]))
            rows.append(row)
        row = {"records": choice, "class": ", ".join(SCORED), "beats": int(gross["beats"].sum())}
        for key, score in {"f1": "macro_f1", "accuracy": "accuracy"}.items():
            row[key] = float(gross[score])
            if drawn:
                row[f"{key}_low"], row[f"{key}_high"] = interval(drawn[score])
        rows.append(row)
    return pd.DataFrame(rows)


def record_table(label: np.ndarray, predicted: np.ndarray, record: np.ndarray) -> pd.DataFrame:
    """Scores of S and V of every record that has such beats, or predictions of them.

    Parameters
    ----------
    label, predicted, record
        As in `gross_table`.

    Returns
    -------
    DataFrame
        One row for each record and class: ``record``, ``class``, ``beats``, ``tp``, ``fn``, ``fp``,
        ``sensitivity``, ``precision``, ``f1`` (NaN where not defined).
    """
    names, matrices = _by_record(*_not_paced(label, predicted, record))
    scores = ec57_scores(matrices)
    of_class = ("beats", "tp", "fn", "fp", "sensitivity", "precision", "f1")
    table = pd.concat(
        pd.DataFrame({"record": names, "class": c} | {s: scores[s][:, k] for s in of_class})
        for k, c in enumerate(SCORED[1:], 1)
    )
    present = (table["beats"] > 0) | (table["fp"] > 0)
    return table[present].sort_values(["record", "class"], ignore_index=True)


def _not_paced(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three arrays, checked, without the beats of paced records."""
    arrays = tuple(np.asarray(a) for a in (label, predicted, record))
    if len({len(a) for a in arrays}) > 1:
        raise ValueError(
            "True class, predicted class and record must be of the same beats, in the same order; "
            f"there are {', '.join(str(len(a)) for a in arrays)} of them."
        )
    keep = ~np.isin(arrays[2], PACED)
    if not keep.any():
        raise ValueError("There are no beats to score: all of them are of paced records.")
    return tuple(a[keep] for a in arrays)


def _by_record(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Names of the records, and the confusion matrix of each, shape (records, 5, 5)."""
    names = np.unique(record)
    of_each = [confusion_matrix(label[record == r], predicted[record == r]) for r in names]
    return names, np.stack(of_each)
