"""The published beats: which record and sample stands behind each row of Kaggle's files.

The index that ships with the project names the 109,446 beats in the order of ``load_beats`` and,
for the 21,892 of ``mitbih_test.csv``, their row there. Made by ``scripts/make_index.py``.
"""

from functools import cache

import numpy as np

from ecglib.paths import PACKAGE_DATA

INDEX_FILE = PACKAGE_DATA / "mitbih_index.npz"


@cache
def load_index() -> dict[str, np.ndarray]:
    """Arrays of the index: ``record`` (str), ``sample``, ``label``, ``test_row`` (-1 = training)
    and what identifies a Kaggle row without the recordings (see ``kaggle_csv``)."""
    with np.load(INDEX_FILE, allow_pickle=False) as stored:
        index = {name: stored[name] for name in stored.files}
    index["record"] = index["record"].astype(str)
    index["sample"] = index["sample"].astype(np.int64)
    return index


def test_rows(record: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Row of each beat in ``mitbih_test.csv``, -1 for the training file's beats.

    Parameters
    ----------
    record : ndarray, shape (n,), str
    sample : ndarray, shape (n,), int

    Returns
    -------
    ndarray, shape (n,), int64

    Raises
    ------
    ValueError
        Some beats are not among the published ones.
    """
    index = load_index()
    known = _code(index["record"], index["sample"])
    wanted = _code(record, sample)
    order = np.argsort(known)
    position = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    foreign = known[position] != wanted
    if foreign.any():
        first = int(np.flatnonzero(foreign)[0])
        raise ValueError(
            f"{int(foreign.sum())} of {len(wanted)} beats are not in the published split (the "
            f"first is record {record[first]}, sample {sample[first]}). The protocol "
            "'kaggle' is for MIT-BIH beats only; use 'random' for recordings of your own."
        )
    return index["test_row"][position].astype(np.int64)


def _code(record: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """One number for each beat; records of other databases, whose names may not be numbers, get
    one that no MIT-BIH beat has."""
    names, which = np.unique(record, return_inverse=True)
    number = np.array([int(n) if n.isdecimal() and len(n) < 6 else -1 for n in names], np.int64)
    return number[which] * 10_000_000 + np.asarray(sample, dtype=np.int64)
