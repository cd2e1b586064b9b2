"""Prepared beats from somebody's table: what is understood, and what is refused with a sentence."""

import numpy as np
import pytest

from ecglib.beats.beats import Beats, join
from ecglib.beats.prepared import prepared_beats
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.recording import EcgFileError

ROWS = np.round(np.random.default_rng(0).random((3, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 2, 4]])


def text(rows: np.ndarray, separator: str = ",", decimal: str = ".", end: str = "\n") -> bytes:
    lines = [separator.join(f"{v:.4f}".replace(".", decimal) for v in row) for row in rows]
    return end.join(lines).encode()


@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", ","), (" ", ".")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_separators(separator: str, decimal: str, end: str) -> None:
    beats = read_text(text(LABELLED, separator, decimal, end), "mine.csv")
    assert np.allclose(beats.signal, ROWS) and beats.signal.dtype == np.float32
    assert beats.label.tolist() == [0, 2, 4] and beats.label.dtype == np.int64
    assert beats.record.tolist() == ["mine.csv"] * 3 and beats.sample.tolist() == [1, 2, 3]
    commas = ("Commas are decimal marks.",) if decimal == "," else ()
    assert beats.assumed == (*commas, "Labels are in the last column.")


def test_header_byte_order_mark_and_trailing_separator() -> None:
    header = ",".join(f"s{i}" for i in range(187)).encode()
    content = b"\xef\xbb\xbf" + header + b"\n" + text(ROWS).replace(b"\n", b",\n") + b",\n"
    beats = read_text(content, "mine.csv")
    assert np.allclose(beats.signal, ROWS)
    assert beats.label.tolist() == [-1, -1, -1] and beats.assumed == (
        "The numbers begin in line 2.",
    )


@pytest.mark.parametrize("values", [ROWS[0], LABELLED[1]])
def test_one_beat_as_a_column(values: np.ndarray) -> None:
    beats = read_text(text(values[:, None]), "mine.txt")
    assert isinstance(beats, Beats) and len(beats) == 1
    assert np.allclose(beats.signal[0], values[:187])


def test_kaggles_way_of_writing() -> None:
    content = "\n".join(",".join(f"{v:.18e}" for v in row) for row in LABELLED).encode()
    beats = read_text(content, "mitbih_test.csv")
    assert beats.label.tolist() == [0, 2, 4] and np.allclose(beats.signal, ROWS)


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
        (np.column_stack([ROWS, [0, 7, 1]]), "labels 0 to 4"),
        (np.column_stack([ROWS, [0, 0.5, 1]]), "labels 0 to 4"),
    ],
)
def test_what_is_refused(table: np.ndarray, message: str) -> None:
    with pytest.raises(EcgFileError) as error:
        prepared_beats(table, "mine.csv")
    assert message in str(error.value)
