"""Beats from somebody's text file: what is understood, and what is refused with a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.uploads import MAX_MB, read_beats

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
    beats, understood = read_beats(text(LABELLED, separator, decimal, end), "mine.csv")
    assert np.allclose(beats.signal, ROWS) and beats.signal.dtype == np.float32
    assert beats.label.tolist() == [0, 2, 4] and beats.label.dtype == np.int64
    assert beats.record.tolist() == ["mine.csv"] * 3 and beats.sample.tolist() == [1, 2, 3]
    assert understood == "mine.csv: 3 beats, labels in the last column."


def test_without_labels() -> None:
    beats, understood = read_beats(text(ROWS), "mine.csv")
    assert beats.label.tolist() == [-1, -1, -1]
    assert understood == "mine.csv: 3 beats, without labels."


def test_header_byte_order_mark_and_trailing_separator() -> None:
    header = ",".join(f"s{i}" for i in range(187)).encode()
    content = b"\xef\xbb\xbf" + header + b"\n" + text(ROWS).replace(b"\n", b",\n") + b",\n"
    beats, _ = read_beats(content, "mine.csv")
    assert np.allclose(beats.signal, ROWS)


@pytest.mark.parametrize("values", [ROWS[0], LABELLED[1]])
def test_one_beat_as_a_column(values: np.ndarray) -> None:
    beats, _ = read_beats(text(values[:, None]), "mine.txt")
    assert len(beats) == 1 and np.allclose(beats.signal[0], values[:187])


def test_kaggles_way_of_writing() -> None:
    content = "\n".join(",".join(f"{v:.18e}" for v in row) for row in LABELLED).encode()
    beats, _ = read_beats(content, "mitbih_test.csv")
    assert beats.label.tolist() == [0, 2, 4] and np.allclose(beats.signal, ROWS)


def test_other_units_are_scaled_and_padding_stays() -> None:
    rows = ROWS.copy()
    rows[0] = rows[0] * 4 - 2  # mV
    rows[0, 100:] = 0
    beats, understood = read_beats(text(rows), "mine.csv")
    assert "1 of them scaled to 0 … 1" in understood
    assert (beats.signal[0, :100].min(), beats.signal[0, :100].max()) == (0, 1)
    assert not beats.signal[0, 100:].any()
    assert np.allclose(beats.signal[1:], rows[1:])
    flat, _ = read_beats(text(np.full((1, 187), 7.0)), "flat.csv")
    assert not flat.signal.any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no numbers"),
        (b"\n \n", "holds no numbers"),
        (b"time,mV\n", "holds no numbers"),
        (b"1,2,3", "Row 1 of mine.csv has 3 values. A beat has 187 numbers"),
        (text(ROWS) + b"\n1,2,3", "Row 4 of mine.csv has 3 values, its first has 187"),
        (text(ROWS[:, :186]), "has 186 values"),
        (text(np.ones((5000, 1))), "For a whole recording, use Classifier.classify_recording"),
        (text(ROWS).replace(b"\n0.", b"\nx.", 1), "Row 2, column 1 of mine.csv is not a number"),
        (text(ROWS).replace(b"\n0.", b"\nnan,0.", 1), "Row 2 of mine.csv has 188 values"),
        (b"nan," + text(ROWS[:1, 1:]), "Row 1, column 1 of mine.csv is not a number: 'nan'"),
        (text(np.column_stack([ROWS, [0, 7, 1]])), "labels 0 to 4"),
        (text(np.column_stack([ROWS, [0, 0.5, 1]])), "labels 0 to 4"),
        (b"\x89PNG\r\n\x1a\n\x00", "not a text file"),
        (text(ROWS).decode().encode("utf-16"), "not a text file"),
        (b"0" * (MAX_MB * 1_000_000 + 1), "the limit is 5 MB"),
    ],
)
def test_what_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError) as error:
        read_beats(content, "mine.csv")
    assert message in str(error.value)


@given(st.binary(max_size=400) | st.text("0123456789.,;\t\n -e", max_size=2000).map(str.encode))
def test_any_file_gives_beats_or_a_sentence(content: bytes) -> None:
    try:
        beats, _ = read_beats(content, "x.csv")
    except ValueError as error:
        assert "x.csv" in str(error)
    else:
        assert beats.signal.shape[1] == 187
