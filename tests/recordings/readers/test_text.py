"""Texts of any dialect: the numbers, the time column, the words above them."""

import numpy as np
import pytest

from ecglib.beats.prepared import read_ecg
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.recording import EcgFileError, Rows

N = 1000
ECG = np.round(np.random.default_rng(0).normal(size=(N, 2)).cumsum(axis=0) / 20, 4)


def lines(form: str, first: str = "") -> bytes:
    """A line a sample, below a header."""
    rows = (form.format(i=i, a=a, b=b) for i, (a, b) in enumerate(ECG))
    return (first + "\n".join(rows)).encode()


def comma(content: bytes) -> bytes:
    return content.replace(b".", b",")


def row(form: str) -> bytes:
    return lines(form).replace(b"\n", b",")


def clocks() -> bytes:
    rows = (f"'0:{i / 360:06.3f}',{a},{b}" for i, (a, b) in enumerate(ECG))
    return ("'Elapsed time','MLII','V5'\n'hh:mm:ss.mmm','mV','mV'\n" + "\n".join(rows)).encode()


def gap() -> bytes:
    """Five seconds are missing after sample 700."""
    rows = (f"{i // 100 + 5 * (i > 700)}.{i % 100:02},{a}" for i, (a, _) in enumerate(ECG))
    return ("time (s),I\n" + "\n".join(rows)).encode()


def polar() -> bytes:
    """A chest strap's: the telephone's clock, the strap's, milliseconds and the ECG."""
    rows = (
        f"2021-05-01T10:00:{i / 130:06.3f};{10**15 + i * 10**9 // 130};{i / 0.13:.3f};{a}"
        for i, (a, _) in enumerate(ECG)
    )
    title = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [mV]\n"
    return (title + "\n".join(rows)).encode()


APPLE = """Name,Ann
Recorded Date,2021-03-04 10:11:12 +0100
Classification,Heart Rate Over 150
Device,"Watch4,4"
Sample Rate,512 hertz


Lead,Lead I
Unit,mV

"""
KARDIA = "Heart Rate: 72 bpm\nFilter: 0.5-40 Hz\nFrequency: 300 Hz\nGain: 1000 ADC/mV\n"
GERMAN = APPLE.replace("Sample Rate", "Abtastrate").encode()
TEXTS = {
    "a column": (lines("{a}"), None, 1),
    "decimal commas": (comma(lines("{a:.4f}")), None, 1),
    "two columns": (lines("{a},{b}"), None, 2),
    "tabs": (lines("{a}\t{b}"), None, 2),
    "spaces": (lines(" {a}  {b} "), None, 2),
    "semicolons, decimal commas": (comma(lines("{a};{b}")), None, 2),
    "byte order mark": (b"\xef\xbb\xbf" + lines("{a},{b}"), None, 2),
    "UTF-16": (lines("{a}\t{b}", "I\tII\n").decode().encode("utf-16"), None, 2),
    "a row": (row("{a}"), None, 1),
    "two rows": (row("{a}") + b"\n" + row("{b}"), None, 2),
    "Windows": (lines("{a},{b}", "MLII,V5\n").replace(b"\n", b"\r\n"), None, 2),
    "Apple": (lines("{a}", APPLE), 512, 1),
    "Apple in German": (GERMAN + comma(lines("{a:.4f}")), 512, 1),
    "heart rate, filter and gain": (lines("{a}", KARDIA), 300, 1),
    "several clocks": (polar(), 130, 1),
    "microseconds": (lines("{i}000,{a}", "time_us,ecg_mV\n"), 1000, 1),
    "a gap": (gap(), 100, 1),
    "seconds": (lines("{i}e-2,{a},{b}", "time (s),MLII,V5\n"), 100, 2),
    "milliseconds": (b"ms;ECG\n" + comma(lines("{i}0;{a}")), 100, 1),
    "elapsed time": (clocks(), 360, 2),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(kind: str) -> None:
    content, fs, leads = TEXTS[kind]
    read = read_ecg({"my ecg.csv": content}, fs=None if fs else 250)
    assert read.fs == (fs or 250) and read.signal.dtype == np.float32
    assert np.allclose(read.signal, ECG[:, :leads], atol=1e-6)


def test_names_units_and_assumptions() -> None:
    read = read_ecg({"a.csv": lines("{i}0,{a},{b}", "time (ms),II (µV),V1\n")})
    assert read.leads == ("II (µV)", "V1") and read.fs == 100
    assert np.allclose(read.signal, ECG / 1000, atol=1e-6)
    assert read.assumed == ("The numbers begin in line 2.",)
    read = read_ecg({"a.csv": lines("{i},{a}")}, fs=250, units="uV")
    assert read.assumed == ("The first column counts the samples.",)
    assert np.allclose(read.signal[:, 0], ECG[:, 0] / 1000, atol=1e-6)


@pytest.mark.parametrize("n", [1, 3])
def test_rows_as_short_as_a_beat_are_no_recording(n: int) -> None:
    rows = np.round(np.random.default_rng(0).random((n, 188)), 4)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    for content in (text, text.replace(",", ";").replace(".", ","), text + ",\n\n"):
        read = read_text(content.encode(), "a.csv")
        assert isinstance(read, Rows) and np.allclose(read.values, rows)
    column = read_text("\n".join(map(str, rows[0])).encode(), "a.csv")
    assert isinstance(column, Rows) and np.allclose(column.values, rows[:1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,2\n3\n", "at row 2"),
        (b"1,2\n" * 500 + b"x,2\n", "at row 501, column 1"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
        (b"nan\n" * 500, "no finite"),
        ((b"1," * 199 + b"1\n") * 400, "neither the leads"),
        (b"5:00,1\n" * 300, "times in a.csv"),
    ],
)
def test_texts_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(EcgFileError, match=message):
        read_ecg({"a.csv": content}, fs=250)
