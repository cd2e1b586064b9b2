"""The published beats: which record and sample stands behind each row of Kaggle's files.

The index that ships with the project names the 109,446 beats in the order of ``load_beats`` and,
for the 21,892 of ``mitbih_test.csv``, their row there. It also holds a few projections of every
row: a row of Kaggle's files whose projections and label agree with one beat, and with one only, is
that beat. Made by ``scripts/make_index.py``.
"""

from functools import cache
from pathlib import Path

import numpy as np

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.recordings.recording import RECORDING_FS

INDEX_FILE = Path(__file__).with_name("mitbih_index.npz")

# Projections are stored as 16-bit numbers over KEY_RANGE. Equal rows differ by half a step in each
# at most, rows rounded to four decimals by about two; no two different rows are closer than
# TOLERANCE in all of them (scripts/make_index.py checks that).
N_KEYS = 4
KEY_RANGE = (-20.0, 20.0)
KEY_STEPS = 2**16 - 1
TOLERANCE = 3.0  # steps


@cache
def load_index() -> dict[str, np.ndarray]:
    """Arrays of the index: ``record`` (str), ``sample``, ``label``, ``test_row`` (-1 = training),
    ``key`` (see `keys`) and ``last_sample`` (see `rr_intervals`)."""
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


def identify(signal: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Find the beat behind each row.

    Parameters
    ----------
    signal : ndarray, shape (n, 187)
    label : ndarray, shape (n,), int

    Returns
    -------
    ndarray, shape (n,), int64
        Positions in the index: record and sample follow from ``load_index``.

    Raises
    ------
    ValueError
        Some rows are not of the published data set, carry another label there, or are repeated.
    """
    from scipy.spatial import KDTree

    index = load_index()
    tree = KDTree(index["key"].astype(np.float64))
    distance, position = tree.query(keys(signal), p=np.inf, distance_upper_bound=TOLERANCE)
    known = np.isfinite(distance)
    position = np.where(known, position, 0)
    if foreign := int((~known).sum()):
        raise ValueError(
            f"{foreign} of {len(signal)} rows do not belong to the published data set "
            f"(the first is row {int(np.argmin(known)) + 1}). {_FOREIGN}"
        )
    wrong = index["label"][position] != label
    if wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} of {len(signal)} rows have another label than in the published "
            f"data set (the first is row {int(np.argmax(wrong)) + 1}). {_FOREIGN}"
        )
    repeated = len(position) - len(np.unique(position))
    if repeated:
        raise ValueError(f"{repeated} of {len(signal)} rows are repeated. {_FOREIGN}")
    return position


_FOREIGN = (
    "Use the files as Kaggle serves them, or a part of their rows; rows of your own have no record "
    "and no time to be known by."
)


def keys(signal: np.ndarray) -> np.ndarray:
    """Project rows on fixed chirps, in steps of the index's ``key``.

    Parameters
    ----------
    signal : ndarray, shape (n, 187)

    Returns
    -------
    ndarray, shape (n, 4), float64
        Not rounded: the index holds the nearest integers.
    """
    chirps = np.cos(np.outer(np.arange(BEAT_SAMPLES) ** 2, 0.5 * np.sqrt([2, 3, 5, 7])))
    low, high = KEY_RANGE
    projection = np.asarray(signal, dtype=np.float64) @ chirps
    return (projection - low) / (high - low) * KEY_STEPS


def rr_intervals(index: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Preceding and following RR interval of each beat of the index, in seconds, from its samples.

    The last beat of each record has no row, but ends the interval after the one before.
    """
    record, sample = index["record"], index["sample"]
    first = np.append(True, record[1:] != record[:-1])
    last = np.append(first[1:], True)
    following = np.append(sample[1:], 0)
    following[last] = index["last_sample"]
    rr = ((following - sample) / RECORDING_FS).astype(np.float32)
    before = np.append(np.float32(np.nan), rr[:-1])
    before[first] = np.nan
    return before, rr
