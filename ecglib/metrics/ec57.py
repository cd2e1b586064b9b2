"""Tables as the standard ANSI/AAMI EC57 asks for them: S and V, gross, on average and per record.

The standard forgives what annotators disagree about: a true F called V is no false V, and a true Q
called S or V is no false one, as WFDB's ``bxb`` counts them, too. (They stay errors of the classes
they belong to.) Records of paced hearts are left out. Other than ``bxb``, which skips a record's
first five minutes, all beats count. The standard does not score N; where N is needed, for the
macro F1 over N, S and V, a true Q called N is forgiven likewise.

Everything here needs no more than true class, predicted class and record of each beat, so that any
model's predictions can be scored.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.labels import CLASSES, PACED
from ecglib.metrics.bootstrap import interval, resampled_matrices
from ecglib.metrics.scores import confusion_matrix, mean_of_present, ratio

SCORED = ("N", "S", "V")
FORGIVEN = {"N": "Q", "S": "Q", "V": "FQ"}  # true classes whose beats may be called so
# Two records that decide much on their own: see `gross_table`.
LEFT_OUT = {"all records": "", "without 232": "232", "without 202": "202"}


def ec57_scores(matrix: np.ndarray, classes: Sequence[str] = SCORED) -> dict[str, np.ndarray]:
    """Scores of some classes from confusion matrices of the five.

    Parameters
    ----------
    matrix : ndarray, shape (..., 5, 5) or (..., 6, 6)
        True classes on rows. A sixth row counts detections that are no beat, a sixth column beats
        that were missed.
    classes : sequence of str

    Returns
    -------
    dict of ndarray
        Of shape (..., n), for each of `classes`: ``beats``, ``tp``, ``fn``, ``fp``,
        ``sensitivity``, ``precision`` (positive predictivity) and ``f1``, NaN for a class without
        beats.
        Of shape (...): ``macro_f1``, the mean F1 of those that have beats, and ``accuracy``,
        the share of their beats that is called right.
    """
    columns = [CLASSES.index(c) for c in classes]
    truths = [*CLASSES, "no beat"][: matrix.shape[-2]]
    counted = np.array([[true not in FORGIVEN.get(c, "") for c in classes] for true in truths])
    beats = matrix.sum(-1)[..., columns]
    tp = np.diagonal(matrix, axis1=-2, axis2=-1)[..., columns]
    called = (matrix[..., columns] * counted).sum(-2)
    f1 = np.where(beats > 0, ratio(2 * tp, beats + called), np.nan)
    return {
        "beats": beats,
        "tp": tp,
        "fn": beats - tp,
        "fp": called - tp,
        "sensitivity": ratio(tp, beats),
        "precision": ratio(tp, called),
        "f1": f1,
        "macro_f1": mean_of_present(f1),
        "accuracy": ratio(tp.sum(-1), beats.sum(-1)),
    }


def headline(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray, n: int = 1000, seed: int = 0
) -> dict[str, float | int]:
    """The numbers in which protocols can be compared: N, S and V, without paced records.

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
    found = ec57_scores(confusion_matrix(label, predicted))
    ways = {"": ec57_scores(resampled_matrices(label, predicted, None, n, seed))}
    if len(np.unique(record)) > 1:
        ways["_records"] = ec57_scores(resampled_matrices(label, predicted, record, n, seed))
    row = {"beats": len(label)}
    for key in ("accuracy", "macro_f1"):
        row[key] = float(found[key])
        for way in ("", "_records"):
            ends = interval(ways[way][key]) if way in ways else (np.nan, np.nan)
            row |= {f"{key}{way}_low": ends[0], f"{key}{way}_high": ends[1]}
    return row | {f"f1_{c}": float(found["f1"][k]) for k, c in enumerate(SCORED)}


def gross_table(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Gross and average scores of S and V, with and without two records that decide much.

    Record 232 alone holds three quarters of the S beats of DS2; record 202 (DS2) is of the same
    person as 201 (DS1).

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
    rows = []
    for choice, name in LEFT_OUT.items():
        if name and name not in record:
            continue
        keep = record != name
        args = label[keep], predicted[keep]
        gross = ec57_scores(confusion_matrix(*args))
        single = ec57_scores(_by_record(*args, record[keep])[1])
        several = n and len(np.unique(record[keep])) > 1
        drawn = ec57_scores(resampled_matrices(*args, record[keep], n, seed)) if several else None
        for k, c in enumerate(SCORED[1:], 1):
            row = {"records": choice, "class": c}
            row |= {key: int(gross[key][k]) for key in ("beats", "tp", "fn", "fp")}
            for key in ("sensitivity", "precision", "f1"):
                row[key] = float(gross[key][k])
                if drawn:
                    row[f"{key}_low"], row[f"{key}_high"] = interval(drawn[key][:, k])
            for key in ("sensitivity", "precision"):
                defined = single[key][np.isfinite(single[key][:, k]), k]
                row[f"average_{key}"] = float(ratio(defined.sum(), len(defined)))
            rows.append(row)
        row = {"records": choice, "class": ", ".join(SCORED), "beats": int(gross["beats"].sum())}
        for key, score in {"f1": "macro_f1", "accuracy": "accuracy"}.items():
            row[key] = float(gross[score])
            if drawn:
                row[f"{key}_low"], row[f"{key}_high"] = interval(drawn[score])
        rows.append(row)
    return pd.DataFrame(rows)


def record_table(label: np.ndarray, predicted: np.ndarray, record: np.ndarray) -> pd.DataFrame:
    """Scores of S and V of every record that has beats of them, or calls some so.

    Parameters
    ----------
    label, predicted, record
        As in `gross_table`.

    Returns
    -------
    DataFrame
        One row a record and class: ``record``, ``class``, ``beats``, ``tp``, ``fn``, ``fp``,
        ``sensitivity``, ``precision``, ``f1`` (NaN where not defined).
    """
    names, matrices = _by_record(*_not_paced(label, predicted, record))
    scores = ec57_scores(matrices)
    of_class = ("beats", "tp", "fn", "fp", "sensitivity", "precision", "f1")
    table = pd.concat(
        [
            pd.DataFrame({"record": names, "class": c} | {s: scores[s][:, k] for s in of_class})
            for k, c in enumerate(SCORED) if c != "N"
        ]
    )  # fmt: skip
    asked = (table["beats"] > 0) | (table["fp"] > 0)
    return table[asked].sort_values(["record", "class"], ignore_index=True)


def _not_paced(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    arrays = tuple(np.asarray(a) for a in (label, predicted, record))
    if len({len(a) for a in arrays}) > 1:
        raise ValueError(
            "True class, predicted class and record must be of the same beats, in the same order; "
            f"there are {', '.join(str(len(a)) for a in arrays)} of them."
        )
    keep = ~np.isin(arrays[2], PACED)
    if not keep.any():
        raise ValueError("Nothing is left to score: all beats are of paced records.")
    return tuple(a[keep] for a in arrays)


def _by_record(
    label: np.ndarray, predicted: np.ndarray, record: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Names of the records, and the confusion matrix of each, shape (records, 5, 5)."""
    names = np.unique(record)
    of_each = [confusion_matrix(label[record == r], predicted[record == r]) for r in names]
    return names, np.stack(of_each)
