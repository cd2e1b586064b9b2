"""Make ``ecglib/datasets/mitbih_index.npz``, the index of the published beats. It is needed once
and kept here so that everyone can check the file's origin.

    python scripts/make_index.py MITDB TEST_BEATS

MITDB is the folder of the 48 MIT-BIH records. TEST_BEATS is an npz file with the arrays ``record``
and ``sample``: the beat behind each row of Kaggle's ``mitbih_test.csv``, found by comparing the
rows with beats cut from the recordings.

The index holds the 109,446 beats, ordered by record, then by time:

==============  =======  ===========================================================================
``record``      int16    record name
``sample``      int32    sample of the beat's annotation, at 360 Hz
``label``       int8     AAMI class, 0 to 4 = N S V F Q
``test_row``    int16    row in ``mitbih_test.csv`` counted from 0; -1: the row is in the other file
``key``         uint16   (n, 4) projections of the row, see ``ecglib.datasets.published.keys``
``last_sample`` int32    (48,) per record: the last beat, which has no row but ends an RR interval
==============  =======  ===========================================================================
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from ecglib.beats.beats import cut_beats, join
from ecglib.datasets import physionet, published
from ecglib.labels import MITDB_RECORDS
from ecglib.paths import atomic_write
from ecglib.recordings.wfdb import read_recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mitdb", type=Path, help="folder of the 48 records")
    parser.add_argument("test_beats", type=Path, help="npz with record and sample of the test rows")
    parser.add_argument("--out", type=Path, default=published.INDEX_FILE)
    arguments = parser.parse_args()

    if damaged := physionet.missing(arguments.mitdb):
        raise SystemExit(f"{arguments.mitdb} is not the published database: {damaged[0]} differs.")
    parts, last_sample = [], []
    for name in MITDB_RECORDS:
        recording = read_recording(arguments.mitdb / name, leads=[0])
        is_beat = recording.is_beat
        parts.append(cut_beats(recording))
        last_sample.append(recording.mark_sample[is_beat][-1])
    beats = join(parts, "folder")

    position = {beat: i for i, beat in enumerate(zip(beats.record, beats.sample, strict=True))}
    with np.load(arguments.test_beats, allow_pickle=False) as test:
        rows = zip(test["record"].astype(str), test["sample"], strict=True)
        where = np.array([position[beat] for beat in rows])
    test_row = np.full(len(beats), -1, dtype=np.int16)
    test_row[where] = np.arange(len(where))
    if (test_row >= 0).sum() != len(where):
        raise SystemExit("Two rows of the test file are the same beat.")

    key = np.rint(published.keys(beats.signal))
    if key.min() < 0 or key.max() > published.KEY_STEPS:
        raise SystemExit("A key does not fit: widen published.KEY_RANGE.")
    distance, _ = KDTree(key).query(key, k=2, p=np.inf)
    if distance[:, 1].min() <= 2 * published.TOLERANCE:
        raise SystemExit("Two rows are too similar: add a key.")

    with atomic_write(arguments.out) as temporary:
        np.savez_compressed(
            temporary,
            record=beats.record.astype(np.int16),
            sample=beats.sample.astype(np.int32),
            label=beats.label.astype(np.int8),
            test_row=test_row,
            key=key.astype(np.uint16),
            last_sample=np.array(last_sample, dtype=np.int32),
        )
    print(
        f"{len(beats):,} beats, {len(where):,} of them in mitbih_test.csv; nearest two rows "
        f"{distance[:, 1].min():.0f} steps apart; {arguments.out.stat().st_size / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
