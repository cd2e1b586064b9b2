"""Prepared beats from a person's table: read, or refused with a sentence."""

import numpy as np
import pytest

from bad_files import zipped
from ecglib.beats.beats import Beats, join
from ecglib.beats.prepared import prepared_beats, read_ecg
from ecglib.recordings.recording import EcgFileError

ROWS = np.round(np.random.default_rng(0).random((3, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 2, 4]])


@pytest.mark.parametrize("form", ["{:.4f}", "{:.18e}"])  # the second is Kaggle's
def test_files_of_beats(form: str) -> None:
    text = "\n".join(",".join(map(form.format, row)) for row in LABELLED)
    beats = read_ecg({"mine.csv": text.replace(",", ";").replace(".", ",").encode("utf-16")})
    assert isinstance(beats, Beats) and np.allclose(beats.signal, ROWS)
    assert beats.signal.dtype == np.float32 and beats.label.dtype == np.int64
    assert beats.label.tolist() == [0, 2, 4] and beats.sample.tolist() == [1, 2, 3]
    assert beats.record.tolist() == ["mine.csv"] * 3
    assert beats.assumed == ("Commas are decimal marks.", "Labels are in the last column.")
    two = read_ecg({"a.csv": text.encode(), "b_label3.csv": ("s,t\n" + "0\n1\n" * 90).encode()})
    assert two.label.tolist() == [0, 2, 4, 3] and two.record[-1] == "b_label3.csv"
    own = [(f"{folder}/a.csv", text.encode()) for folder in (1, 2)]
    others = [("1/.DS_Store", b""), ("__MACOSX/x", b"")]
    assert len(read_ecg({"all.zip": zipped(*own, *others)})) == 6


def test_other_units_are_scaled_and_padding_stays() -> None:
    rows = ROWS.copy()
    rows[0] = rows[0] * 4 - 2  # mV
    rows[0, 100:] = 0
    given = rows.copy()
    beats = prepared_beats(rows, "mine.csv")
    assert "1 of 3 beats were scaled to 0 … 1." in beats.assumed
    assert (beats.signal[0, :100].min(), beats.signal[0, :100].max()) == (0, 1)
    assert not beats.signal[0, 100:].any()
    assert np.allclose(beats.signal[1:], rows[1:]) and np.array_equal(rows, given)
    assert np.allclose(beats.written, rows) and np.allclose(beats[[0]].written, rows[:1])
    assert np.array_equal(join([beats, beats], "x").written[3:], beats.written)
    flat = prepared_beats(np.full((1, 187), 7.0), "flat.csv")
    assert not flat.signal.any() and "flat" in flat.assumed[-1]
    short = prepared_beats(ROWS[:, :150], "short.csv")
    assert not short.signal[:, 150:].any() and "filled up" in short.assumed[0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (ROWS[:, :3], "A row of mine.csv has 3 values. A beat has 187 numbers"),
        (np.ones((5000, 1)), "Classifier.classify_recording"),
        (np.where(ROWS == ROWS[1, 4], np.nan, ROWS), "Row 2, column 5 of mine.csv is not a finite"),
        (np.where(ROWS == ROWS[0, 0], np.inf, ROWS), "Row 1, column 1 of mine.csv"),
        (np.column_stack([ROWS, [0, 7, 1]]), "labels 0 to 4"),
        (np.column_stack([ROWS, [0, 0.5, 1]]), "labels 0 to 4"),
    ],
)
def test_tables_that_are_refused(table: np.ndarray, message: str) -> None:
    with pytest.raises(EcgFileError) as error:
        prepared_beats(table, "mine.csv")
    assert message in str(error.value)
