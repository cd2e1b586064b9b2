"""What somebody hands in: what is understood, and what is refused with a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_files import zipped
from ecglib.apps.demo.state.uploads import Corrections, read_upload
from ecglib.datasets.synthetic import cached

ROWS = np.round(np.random.default_rng(0).random((3, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 2, 4]])
WAVE = np.round(np.sin(np.arange(2000) / 20), 4)


def text(rows: np.ndarray, separator: str = ",", decimal: str = ".", end: str = "\n") -> bytes:
    lines = [separator.join(f"{v:.4f}".replace(".", decimal) for v in row) for row in rows]
    return end.join(lines).encode()


def read(content: bytes, name: str = "mine.csv", **corrections):
    return read_upload({name: content}, Corrections(**corrections))


def wfdb_files() -> dict[str, bytes]:
    folder = cached()
    name = sorted(folder.glob("*.hea"))[0].stem
    return {f"{name}.{k}": (folder / f"{name}.{k}").read_bytes() for k in ("hea", "dat", "atr")}


# --- beats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("separator", "decimal"),
    [(",", "."), (";", "."), (";", ","), ("\t", ","), (" ", "."), (" ", ",")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_separators(separator: str, decimal: str, end: str) -> None:
    upload = read(text(LABELLED, separator, decimal, end))
    beats = upload.beats
    assert np.allclose(beats.signal, ROWS) and beats.signal.dtype == np.float32
    assert beats.label.tolist() == [0, 2, 4] and beats.label.dtype == np.int64
    assert beats.record.tolist() == ["mine.csv"] * 3 and beats.sample.tolist() == [1, 2, 3]
    assert ("Commas are decimal marks." in upload.describe()) == (decimal == ",")
    assert "Labels are in the last column." in upload.describe()


def test_without_labels() -> None:
    upload = read(text(ROWS))
    assert upload.beats.label.tolist() == [-1, -1, -1]
    assert upload.describe() == "mine.csv: 3 beats."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_header_byte_order_mark_comment_and_trailing_separator(encoding: str) -> None:
    header = ",".join(f"s{i}" for i in range(187))
    content = "# mine\n" + header + "\n" + text(ROWS).decode().replace("\n", ",\n") + ",\n"
    upload = read(content.encode(encoding))
    assert np.allclose(upload.beats.signal, ROWS) and "begin in line 3" in upload.describe()


@pytest.mark.parametrize("values", [ROWS[0], LABELLED[1]])
@pytest.mark.parametrize("column", [True, False])
def test_one_beat_as_a_row_or_a_column(values: np.ndarray, column: bool) -> None:
    beats = read(text(values[:, None] if column else values[None])).beats
    assert len(beats) == 1 and np.allclose(beats.signal[0], values[:187])


def test_kaggles_way_of_writing() -> None:
    content = "\n".join(",".join(f"{v:.18e}" for v in row) for row in LABELLED).encode()
    beats = read(content).beats
    assert beats.label.tolist() == [0, 2, 4] and np.allclose(beats.signal, ROWS)


def test_a_short_beat_is_filled_up_and_a_name_may_tell_the_class() -> None:
    upload = read(text(ROWS[:1, :150]), "sample_007_Fusion_label3.csv")
    assert not upload.beats.signal[0, 150:].any() and upload.beats.label.tolist() == [3]
    assert "filled up with zeros to 187" in upload.describe()
    assert "label is from the file's name" in upload.describe()


def test_other_units_are_scaled_and_padding_stays() -> None:
    rows = ROWS.copy()
    rows[0] = rows[0] * 4 - 2  # mV
    rows[0, 100:] = 0
    upload = read(text(rows))
    signal = upload.beats.signal
    assert "1 of 3 beats were scaled to 0 … 1." in upload.describe()
    assert (signal[0, :100].min(), signal[0, :100].max()) == (0, 1) and not signal[0, 100:].any()
    assert np.allclose(signal[1:], rows[1:])
    assert np.allclose(upload.beats.written[0], rows[0], atol=1e-4)
    flat = read(text(np.full((1, 187), 7.0)))
    assert not flat.beats.signal.any() and "flat" in flat.describe()


def test_several_files_and_a_zip_of_them() -> None:
    files = {f"b{i}.csv": text(ROWS[i : i + 1]) for i in range(3)}
    inside = {f"in/{name}": content for name, content in files.items()}
    hidden = {"__MACOSX/x": b"", "in/.DS_Store": b""}
    for given_files in (files, {"all.zip": zipped(*(inside | hidden).items())}):
        upload = read_upload(given_files)
        assert upload.name == "3 files" and np.allclose(upload.beats.signal, ROWS)
        assert upload.beats.record.tolist() == ["b0.csv", "b1.csv", "b2.csv"]
    with pytest.raises(ValueError, match="Only files of beats can be read together"):
        read_upload(files | {"long.csv": text(WAVE[:, None])})


# --- recordings ----------------------------------------------------------------------------------


def test_a_column_is_a_recording_of_unknown_rate() -> None:
    upload = read(text(WAVE[:, None]))
    assert not upload.ready and "sampling rate is not known" in upload.describe()
    assert upload.recording.signal.shape == (2000, 1)
    told = read(text(WAVE[:, None]), fs=250)
    assert told.ready and "at 250 Hz, 8.0 s long, lead 0." in told.describe()
    assert read(text(WAVE[None]), fs=250).recording.signal.shape == (2000, 1)


@pytest.mark.parametrize(
    ("title", "step", "fs"),
    [
        ("time", 0.004, 250),
        ("t (ms)", 4, 250),
        ("t", 4, 250),
        ("sample", 1, None),
        ("t", 1 / 360, 360),
    ],
)
def test_a_time_column_tells_the_rate(title: str, step: float, fs: float | None) -> None:
    times = np.arange(2000) * step
    lines = [f"{t:.3f};{v:.4f};{-v:.4f}" for t, v in zip(times, WAVE, strict=True)]
    upload = read("\n".join([f"{title};II (mV);V5", *lines]).encode(), lead=0)
    assert upload.recording.leads == ("II (mV)", "V5") and upload.unit == "mV"
    if fs is None:
        assert not upload.ready
    else:
        assert upload.recording.fs == pytest.approx(fs, rel=1e-3)
    other = read("\n".join([f"{title};II (mV);V5", *lines]).encode(), lead=1, fs=500)
    assert (other.recording.fs, other.recording.leads[other.lead]) == (500, "V5")
    with pytest.raises(ValueError, match="There is no lead 2 in mine.csv"):
        read("\n".join(lines).encode(), lead=2)


def test_wfdb_files_together_or_in_a_zip() -> None:
    files = wfdb_files()
    for given_files in (files, {"r.zip": zipped(*((f"some/{n}", c) for n, c in files.items()))}):
        upload = read_upload(given_files)
        assert upload.ready and upload.unit == "mV" and upload.recording.fs == 360
        assert len(upload.recording.mark_sample) > 100 and "annotations" in upload.describe()
    without = read_upload({n: c for n, c in files.items() if not n.endswith(".atr")})
    assert len(without.recording.mark_sample) == 0


def test_a_file_of_a_device(tmp_path) -> None:
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(WAVE * 1000, 250, label="II", physical_dimension="uV")
    edfio.Edf([signal]).write(tmp_path / "a.edf")
    content = (tmp_path / "a.edf").read_bytes()
    for files in ({"a.edf": content}, {"a.zip": zipped(("some/a.edf", content))}):
        upload = read_upload(files)
        assert upload.ready and (upload.recording.fs, upload.unit) == (250, "mV")
        assert np.allclose(upload.recording.signal[:, 0], WAVE, atol=1e-3)
        assert "No lead is called ECG" in upload.describe()
    told = read_upload({"a.edf": content}, Corrections(fs=500))
    assert told.recording.fs == 500 and "500 Hz as given, not 250" in told.describe()


def damaged(**changes: bytes) -> dict[str, bytes]:
    files = wfdb_files()
    return {n: changes.get(n.rpartition(".")[2], content) for n, content in files.items()}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.dat": b"x"}, "a.hea is missing"),
        ({"a.hea": b"a 1 360 10\n/etc/passwd 16 200\n"}, "elsewhere"),
        (damaged(dat=b"short"), "truncated"),
        ({"a.edf": b"0       " + b"9" * 300}, "Export it again"),
    ],
)
def test_recordings_that_are_refused(files: dict[str, bytes], told: str) -> None:
    with pytest.raises(ValueError) as error:
        read_upload(files)
    assert told in str(error.value)


# --- what is refused -----------------------------------------------------------------------------


def test_files_of_the_same_name_in_folders_of_a_zip_stay_apart() -> None:
    upload = read(zipped(*((f"{k}/beat.csv", text(ROWS[k : k + 1])) for k in range(3))), "all.zip")
    assert len(upload.beats) == 3
    record = wfdb_files()
    header, data, marks = ((name, record[name]) for name in record)
    apart = zipped(("1/" + header[0], header[1]), ("1/" + data[0], data[1]), ("2/" + marks[0], b""))
    assert not len(read(apart, "all.zip").recording.mark_sample)  # the marks are of another one


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no numbers"),
        (b"\n \n", "holds no numbers"),
        (b"time,mV\n", "holds no numbers"),
        (b"1,2,3", "A row of mine.csv has 3 values. A beat has 187 numbers"),
        (text(ROWS) + b"\n1,2,3", "mine.csv can't be read as a table of numbers, at row 4"),
        (
            text(ROWS).replace(b"\n0.", b"\nx.", 1),
            "mine.csv can't be read as a table of numbers, at row 2, column 1",
        ),
        (text(ROWS).replace(b"\n0.", b"\nnan,0.", 1), "mine.csv can't be read as a table"),
        (b"nan," + text(ROWS[:1, 1:]), "Row 1, column 1 of mine.csv is not a finite number"),
        (b"1e99," + text(ROWS[:1, 1:]), "is not a finite number, or too large for an ECG"),
        (b"1e999," + text(ROWS[:1, 1:]), "Row 1, column 1 of mine.csv"),
        (text(np.column_stack([ROWS, [0, 7, 1]])), "labels 0 to 4"),
        (text(np.column_stack([ROWS, [0, 0.5, 1]])), "labels 0 to 4"),
        (b"\x89PNG\r\n\x1a\n\x00", "not a text file"),
        (b"1\n" * 25_000_001, "the limit of text files is"),
        (b"PK\x03\x04junk", "is damaged"),
        (zipped(*((f"{i}.csv", b"1") for i in range(1001))), "1,001 files"),
        (zipped(("mine.zip", b"PK")), "no ECG"),
        (zipped(("../../evil.csv", b"x")), "evil.csv"),
        (zipped(("a#1.csv", b"1"), ("a&1.csv", b"2")), "Two files are called a_1.csv"),
        (zipped(("1/a.hea", b"a 1"), ("2/a.hea", b"a 1")), "One recording is wanted"),
    ],
)
def test_what_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ValueError) as error:
        read(content)
    assert told in str(error.value) and len(str(error.value)) < 400


def test_no_file() -> None:
    with pytest.raises(ValueError, match="no ECG"):
        read_upload({})


def test_corrections_count_more_than_what_it_looks_like() -> None:
    assert len(read(text(ROWS), header=True).beats) == 2
    with pytest.raises(ValueError, match="at row 1, column 1"):
        read(b"a,b\n" + text(ROWS), header=False)
    column = text(WAVE[:150, None])
    assert read(column).beats.signal.shape == (1, 187)
    assert read(column, kind="recording").recording.signal.shape == (150, 1)
    assert read(text(ROWS), kind="recording").recording.signal.shape == (187, 3)
    with pytest.raises(ValueError, match="has 2000 values. A beat has 187"):
        read(text(WAVE[:, None]), kind="beats")
    ambiguous = "\n".join(f"{i % 7},{i % 10}" for i in range(2000)).encode()
    assert read(ambiguous, decimal=".").recording.signal.shape == (2000, 2)
    assert read(ambiguous, decimal=",").recording.signal.shape == (2000, 1)


@given(st.binary(max_size=400) | st.text("0123456789.,;\t\n -e#", max_size=2000).map(str.encode))
def test_any_file_gives_something_or_a_sentence(content: bytes) -> None:
    try:
        upload = read(content, "x.csv")
    except ValueError as error:
        assert "x.csv" in str(error)
    else:
        assert upload.beats is not None or upload.recording is not None
