"""The published beats: the record and sample of each row of Kaggle's files.

The index that ships with the project names the 109,446 beats in the order of ``load_beats`` and,
for the 21,892 of ``mitbih_test.csv``, their row there. It also holds a few projections of every
row: a row of Kaggle's files is the one beat whose projections and label agree with it. Made by
``scripts/make_index.py``.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

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
    """Arrays of the index, which ``scripts/make_index.py`` describes; ``record`` as text."""
    with np.load(INDEX_FILE, allow_pickle=False) as stored:
        index = {name: stored[name] for name in stored.files}
    index["record"] = index["record"].astype(str)
    index["sample"] = index["sample"].astype(np.int64)
    return index


def test_rows(record: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Row of each beat in ``mitbih_test.csv``, -1 for beats of the training file."""
    index = load_index()
    known = pd.MultiIndex.from_arrays([index["record"], index["sample"]])
    position = known.get_indexer(pd.MultiIndex.from_arrays([record, sample]))
    foreign = position < 0
    if foreign.any():
        first = int(np.argmax(foreign))
        raise ValueError(
            f"{int(foreign.sum())} of {len(foreign)} beats are not in the published split (the "
            f"first is record {record[first]}, sample {sample[first]}). The protocol "
            "'kaggle' is for MIT-BIH beats only; use 'random' for recordings of your own."
        )
    return index["test_row"][position].astype(np.int64)


def identify(signal: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Position in the index of each row (n, 187) with its label."""
    from scipy.spatial import KDTree

    index = load_index()
    tree = KDTree(index["key"].astype(np.float64))
    distance, position = tree.query(keys(signal), p=np.inf, distance_upper_bound=TOLERANCE)
    foreign = ~np.isfinite(distance)
    position = np.where(foreign, 0, position)
    repeated = np.ones(len(position), dtype=bool)
    repeated[np.unique(position, return_index=True)[1]] = False
    for bad, fault in (
        (foreign, "do not belong to the published data set"),
        (index["label"][position] != label, "have another label than in the published data set"),
        (repeated, "are repeated"),
    ):
        if bad.any():
            raise ValueError(
                f"{int(bad.sum())} of {len(signal)} rows {fault} (the first is row "
                f"{int(np.argmax(bad)) + 1}). {_FOREIGN}"
            )
    return position


_FOREIGN = (
    "Use the files as Kaggle serves them, or some of their rows; the record and the time of other "
    "rows are unknown."
)


def keys(signal: np.ndarray) -> np.ndarray:
    """Projections (n, 4) of rows (n, 187) on fixed chirps; the index holds them rounded."""
    chirps = np.cos(np.outer(np.arange(BEAT_SAMPLES) ** 2, 0.5 * np.sqrt([2, 3, 5, 7])))
    low, high = KEY_RANGE
    projection = np.asarray(signal, dtype=np.float64) @ chirps
    return (projection - low) / (high - low) * KEY_STEPS


def rr_intervals(index: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """RR interval in seconds before and after each beat of the index, from its samples."""
    record, sample = index["record"], index["sample"]
    # The last beat of each record has no row, but ends the interval after the one before.
    first = np.append(True, record[1:] != record[:-1])
    last = np.append(first[1:], True)
    following = np.append(sample[1:], 0)
    following[last] = index["last_sample"]
    rr = ((following - sample) / RECORDING_FS).astype(np.float32)
    before = np.append(np.float32(np.nan), rr[:-1])
    before[first] = np.nan
    return before, rr
