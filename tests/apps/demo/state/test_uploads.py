"""Uploaded files: how they are read, and which are refused with a sentence."""

import numpy as np
import pytest

from bad_files import zipped
from ecglib.apps.demo.state.uploads import Corrections, Upload, read_upload
from ecglib.datasets.synthetic import cached

ROWS = np.round(np.random.default_rng(0).random((3, 187)), 4)
LABELLED = np.column_stack([ROWS, [0, 2, 4]])
WAVE = np.round(np.sin(np.arange(2000) / 20), 4)


def text(rows: np.ndarray) -> bytes:
    return "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows).encode()


COLUMN = text(WAVE[:, None])


def read(content: bytes, name: str = "mine.csv", **corrections) -> Upload:
    return read_upload({name: content}, Corrections(**corrections))


def wfdb_files(**changes: bytes) -> dict[str, bytes]:
    path = sorted(cached().glob("*.hea"))[0]
    kinds = ("hea", "dat", "atr")
    return {
        f"{path.stem}.{k}": changes.get(k, path.with_suffix(f".{k}").read_bytes()) for k in kinds
    }


def signal(upload: Upload, lead: int = 0) -> np.ndarray:
    return upload.recording.read(0, upload.recording.n_samples, lead)


def test_beats() -> None:
    upload = read(text(LABELLED))
    assert np.allclose(upload.beats.signal, ROWS) and upload.beats.label.tolist() == [0, 2, 4]
    assert upload.ready and "Labels are in the last column." in upload.describe()
    assert read(text(ROWS)).describe() == "mine.csv: 3 beats."
    one = read(text(ROWS[:1, :150]), "sample_007_Fusion_label3.csv")
    assert one.beats.label.tolist() == [3] and not one.beats.signal[0, 150:].any()
    assert "label is from the file's name" in one.describe() and ": 1 beat." in one.describe()


def test_several_files_and_a_zip_of_them() -> None:
    files = {f"b{i}.csv": text(ROWS[i : i + 1]) for i in range(3)}
    inside = {f"in/{name}": content for name, content in files.items()}
    hidden = {"__MACOSX/x": b"", "in/.DS_Store": b""}
    for given_files in (files, {"all.zip": zipped(*(inside | hidden).items())}):
        upload = read_upload(given_files)
        assert upload.name == "3 files" and np.allclose(upload.beats.signal, ROWS)
        assert upload.beats.record.tolist() == ["b0.csv", "b1.csv", "b2.csv"]
    with pytest.raises(ValueError, match="Only files of beats can be read together"):
        read_upload(files | {"long.csv": COLUMN})


def test_a_column_is_a_recording_of_unknown_rate() -> None:
    upload = read(COLUMN)
    assert not upload.ready and "sampling rate is unknown" in upload.describe()
    assert upload.recording.leads == ("lead 0",) and np.allclose(signal(upload), WAVE)
    known = read(COLUMN, fs=250)
    assert known.ready and "at 250 Hz, 8.0 s long, lead 0." in known.describe()


def test_rate_and_lead() -> None:
    lines = [f"{k / 250:.3f};{v:.4f};{-v:.4f}" for k, v in enumerate(WAVE)]
    content = "\n".join(["time;II (mV);V5", *lines]).encode()
    upload = read(content)
    assert upload.recording.leads == ("II (mV)", "V5") and upload.recording.units[0] == "mV"
    assert upload.recording.fs == pytest.approx(250, rel=1e-3)
    other = read(content, lead=1, fs=500)
    assert (other.recording.fs, other.lead) == (500, 1) and np.allclose(signal(other, 1), -WAVE)
    assert "long, V5" in other.describe()
    with pytest.raises(ValueError, match="There is no lead 2 in mine.csv"):
        read(content, lead=2)


def test_wfdb_files_together_or_in_a_zip() -> None:
    files = wfdb_files()
    for given_files in (files, {"r.zip": zipped(*((f"some/{n}", c) for n, c in files.items()))}):
        upload = read_upload(given_files)
        assert upload.ready and upload.recording.units[0] == "mV" and upload.recording.fs == 360
        assert len(upload.recording.mark_sample) > 100 and "annotations" in upload.describe()
    without = read_upload({n: c for n, c in files.items() if not n.endswith(".atr")})
    assert len(without.recording.mark_sample) == 0


def test_a_file_of_a_device(tmp_path) -> None:
    edfio = pytest.importorskip("edfio")
    one = edfio.EdfSignal(WAVE * 1000, 250, label="II", physical_dimension="uV")
    edfio.Edf([one]).write(tmp_path / "a.edf")
    content = (tmp_path / "a.edf").read_bytes()
    for files in ({"a.edf": content}, {"a.zip": zipped(("some/a.edf", content))}):
        upload = read_upload(files)
        assert (upload.recording.fs, upload.recording.units) == (250, ("mV",))
        assert np.allclose(signal(upload), WAVE, atol=1e-3)
        assert "No lead is called ECG" in upload.describe()
    other = read_upload({"a.edf": content}, Corrections(fs=500))
    assert other.recording.fs == 500 and "not 250" in other.describe()


def test_files_of_the_same_name_in_folders_of_a_zip_stay_apart() -> None:
    upload = read(zipped(*((f"{k}/beat.csv", text(ROWS[k : k + 1])) for k in range(3))), "all.zip")
    assert len(upload.beats) == 3
    header, data, marks = wfdb_files().items()
    apart = zipped(("1/" + header[0], header[1]), ("1/" + data[0], data[1]), ("2/" + marks[0], b""))
    assert not len(read(apart, "all.zip").recording.mark_sample)  # of another recording


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no ECG"),
        ({"a.dat": b"x"}, "a.hea is missing"),
        ({"a.hea": b"a 1 360 10\n/etc/passwd 16 200\n"}, "elsewhere"),
        (wfdb_files(dat=b"short"), "truncated"),
        ({"a.edf": b"0       " + b"9" * 300}, "Export it again"),
        ({"a.csv": b"time,mV\n"}, "holds no numbers"),
        ({"a.csv": text(ROWS) + b"\n1,2,3"}, "a.csv can't be read as a table of numbers, at row 4"),
        ({"a.csv": text(ROWS).replace(b"\n0.", b"\nx.", 1)}, "at row 2, column 1"),
        ({"a.csv": b"nan," + text(ROWS[:1, 1:])}, "Row 1, column 1 of a.csv is not a finite"),
        ({"a.csv": b"1e999," + text(ROWS[:1, 1:])}, "Row 1, column 1 of a.csv"),
        ({"a.csv": b"1\n" * 25_000_001}, "the limit of text files is"),
        ({"a.zip": b"PK\x03\x04junk"}, "is damaged"),
        ({"a.zip": zipped(*((f"{i}.csv", b"1") for i in range(1001)))}, "1,001 files"),
        ({"a.zip": zipped(("mine.zip", b"PK"))}, "no ECG"),
        ({"a.zip": zipped(("../../evil.csv", b"x"))}, "evil.csv"),
        ({"a.zip": zipped(("a#1.csv", b"1"), ("a&1.csv", b"2"))}, "Two files are called a_1.csv"),
        ({"a.zip": zipped(("1/a.hea", b"a 1"), ("2/a.hea", b"a 1"))}, "One recording is wanted"),
    ],
)
def test_what_is_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError) as error:
        read_upload(files)
    assert message in str(error.value) and len(str(error.value)) < 400


def test_corrections() -> None:
    assert len(read(text(ROWS), header=True).beats) == 2
    with pytest.raises(ValueError, match="at row 1, column 1"):
        read(b"a,b\n" + text(ROWS), header=False)
    assert len(read(COLUMN[:900]).beats) == 1
    assert read(COLUMN[:900], kind="recording").recording.n_samples > 100
    assert len(read(text(ROWS), kind="recording").recording.leads) == 3
    with pytest.raises(ValueError, match="has 2000 values. A beat has 187"):
        read(COLUMN, kind="beats")
    ambiguous = "\n".join(f"{i % 7},{i % 10}" for i in range(2000)).encode()
    assert len(read(ambiguous, decimal=".").recording.leads) == 2
    assert len(read(ambiguous, decimal=",").recording.leads) == 1
