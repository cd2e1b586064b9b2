"""The one reader: what it understands of anybody's ECG, and what it refuses with a sentence."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.beats.beats import Beats
from ecglib.beats.prepared import read_ecg
from ecglib.datasets.synthetic import write_recordings
from ecglib.recordings.readers.ishne import ISHNE_HEADER
from ecglib.recordings.reading import MissingRateError, open_ecg
from ecglib.recordings.recording import EcgFileError, Recording

N = 1000
ECG = np.round(np.random.default_rng(0).normal(size=(N, 2)).cumsum(axis=0) / 20, 4)


@pytest.fixture(scope="module")
def wfdb_files(tmp_path_factory) -> dict[str, bytes]:
    folder = write_recordings(tmp_path_factory.mktemp("wfdb") / "x", n_records=1, minutes=1)
    return {f.name: f.read_bytes() for f in folder.iterdir()}


def lines(form: str, n: int = N) -> bytes:
    return "\n".join(form.format(i=i, a=ECG[i, 0], b=ECG[i, 1]) for i in range(n)).encode()


def comma(content: bytes) -> bytes:
    return content.replace(b".", b",")


def clocks() -> bytes:
    rows = (f"'0:{i / 360:06.3f}',{a},{b}" for i, (a, b) in enumerate(ECG))
    return ("'Elapsed time','MLII','V5'\n'hh:mm:ss.mmm','mV','mV'\n" + "\n".join(rows)).encode()


APPLE = b"""Name,Ann
Recorded Date,2021-03-04 10:11:12 +0100
Classification,Heart Rate Over 150
Device,"Watch4,4"
Sample Rate,512 hertz


Lead,Lead I
Unit,mV

"""
KARDIA = b"Heart Rate: 72 bpm\nFilter: 0.5-40 Hz\nFrequency: 300 Hz\nGain: 1000 ADC/mV\n"
POLAR = "2021-05-01T10:00:{s:06.3f};{ns};{ms:.3f};{a}"


def polar() -> bytes:
    """A chest strap's: the telephone's clock, the strap's, milliseconds and the ECG."""
    rows = (
        POLAR.format(s=i / 130, ns=10**15 + i * 10**9 // 130, ms=i / 0.13, a=a)
        for i, (a, _) in enumerate(ECG)
    )
    title = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [mV]\n"
    return (title + "\n".join(rows)).encode()


TEXTS = {
    "a column": (lines("{a}"), None, 1),
    "decimal commas": (comma(lines("{a:.4f}")), None, 1),
    "two columns": (lines("{a},{b}"), None, 2),
    "tabs": (lines("{a}\t{b}"), None, 2),
    "spaces": (lines(" {a}  {b} "), None, 2),
    "semicolons, decimal commas": (comma(lines("{a};{b}")), None, 2),
    "byte order mark": (b"\xef\xbb\xbf" + lines("{a},{b}"), None, 2),
    "UTF-16": (("I\tII\n" + lines("{a}\t{b}").decode()).encode("utf-16"), None, 2),
    "a row": (lines("{a}").replace(b"\n", b","), None, 1),
    "two rows": (b"\n".join(lines(f).replace(b"\n", b",") for f in ("{a}", "{b}")), None, 2),
    "Windows": (b"MLII,V5\r\n" + lines("{a},{b}").replace(b"\n", b"\r\n"), None, 2),
    "Apple": (APPLE + lines("{a}"), 512, 1),
    "Apple in German": (
        APPLE.replace(b"Sample Rate", b"Abtastrate") + comma(lines("{a:.4f}")),
        512,
        1,
    ),
    "heart rate, filter and gain": (KARDIA + lines("{a}"), 300, 1),
    "several clocks": (polar(), 130, 1),
    "microseconds": (b"time_us,ecg_mV\n" + lines("{i}000,{a}"), 1000, 1),
    "a gap": (
        b"time (s),I\n"
        + b"\n".join(
            b"%d.%02d,%a" % (i // 100 + 5 * (i > 700), i % 100, a)
            for i, a in enumerate(ECG[:, 0].tolist())
        ),
        100,
        1,
    ),
    "seconds": (b"time (s),MLII,V5\n" + lines("{i}e-2,{a},{b}"), 100, 2),
    "milliseconds": (b"ms;ECG\n" + comma(lines("{i}0;{a}")), 100, 1),
    "elapsed time": (clocks(), 360, 2),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(kind: str) -> None:
    content, fs, leads = TEXTS[kind]
    read = read_ecg({"my ecg.csv": content}, fs=None if fs else 250)
    assert isinstance(read, Recording)
    assert read.fs == (fs or 250)
    assert read.signal.dtype == np.float32
    assert np.allclose(read.signal, ECG[:, :leads], atol=1e-6)


def test_names_units_and_what_was_assumed() -> None:
    read = read_ecg({"a.csv": b"time (ms),II (\xc2\xb5V),V1\n" + lines("{i}0,{a},{b}")})
    assert read.leads == ("II (µV)", "V1") and read.fs == 100
    assert np.allclose(read.signal, ECG / 1000, atol=1e-6)
    assert read.assumed == ("The numbers begin in line 2.",)
    read = read_ecg({"a.csv": lines("{i},{a}")}, fs=250, units="uV")
    assert read.assumed == ("The first column counts the samples.",)
    assert np.allclose(read.signal[:, 0], ECG[:, 0] / 1000, atol=1e-6)


def test_a_rate_nobody_tells_has_an_error_of_its_own() -> None:
    with pytest.raises(MissingRateError, match="give fs in Hz"):
        read_ecg({"a.csv": lines("{a}")})
    with pytest.raises(MissingRateError):
        read_ecg(ECG)


def test_prepared_beats_are_no_recording() -> None:
    rows = np.random.default_rng(0).random((3, 188)).round(4)
    rows[:, -1] = [0, 2, 4]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    for content in (text.encode(), text.replace(",", ";").encode("utf-16")):
        beats = read_ecg({"kaggle.csv": content})
        assert isinstance(beats, Beats) and beats.label.tolist() == [0, 2, 4]
        assert np.allclose(beats.signal, rows[:, :187], atol=1e-6)


def test_wfdb_by_path_folder_zip_and_upload(wfdb_files, tmp_path: Path) -> None:
    for name, content in wfdb_files.items():
        (tmp_path / name).write_bytes(content)
    whole = read_ecg(tmp_path / "s01")
    assert whole.fs == 360 and whole.leads == ("MLII", "V5") and len(whole.mark_sample) > 50
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in wfdb_files.items():
            archive.writestr(f"../../evil/{name}", content)
    for source in (tmp_path / "s01.hea", str(tmp_path), tmp_path / "a.zip", wfdb_files):
        assert np.array_equal(read_ecg(source).signal, whole.signal)
    assert np.array_equal(read_ecg(wfdb_files, lead="v5").signal[:, 0], whole.signal[:, 1])
    assert not (tmp_path.parent / "evil").exists()
    with open_ecg(tmp_path / "s01") as ecg:
        parts = [ecg.read(k, min(k + 777, ecg.n_samples), 1) for k in range(0, ecg.n_samples, 777)]
    assert np.array_equal(np.concatenate(parts), whole.signal[:, 1])


def test_edf(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    ecg = edfio.EdfSignal(1000 * ECG[:, 0], 250, label="ECG II", physical_dimension="uV")
    edfio.Edf([edfio.EdfSignal(np.arange(8.0), 2, label="SpO2"), ecg]).write(tmp_path / "a.edf")
    read = read_ecg(tmp_path / "a.edf")
    assert read.fs == 250 and read.leads == ("ECG II",)
    assert np.allclose(read.signal[:, 0], ECG[:, 0], atol=1e-3)
    with open_ecg(tmp_path / "a.edf") as opened:
        parts = [opened.read(k, min(k + 77, N), 0) for k in range(0, N, 77)]
    assert np.array_equal(np.concatenate(parts), read.signal[:, 0])
    (tmp_path / "b.edf").write_bytes((tmp_path / "a.edf").read_bytes()[:-500])
    with pytest.raises(EcgFileError, match="shorter than its header says"):
        read_ecg(tmp_path / "b.edf")


def ishne(n_samples: int = N) -> bytes:
    header = np.zeros(1, ISHNE_HEADER)
    header["n_samples"], header["ecg_at"], header["n_leads"], header["fs"] = n_samples, 522, 2, 200
    header["lead"], header["nanovolt"] = [[6, 11] + [0] * 10], 1000
    samples = np.rint(ECG * 1000).astype("<i2").tobytes()
    return (b"ISHNE1.0\0\0" + header.tobytes()).ljust(522, b"\0") + samples


def test_ishne() -> None:
    read = read_ecg({"a.ecg": ishne()})
    assert read.fs == 200 and read.leads == ("II", "V1")
    assert np.allclose(read.signal, ECG, atol=1e-3)
    with pytest.raises(EcgFileError, match="truncated"):
        read_ecg({"a.ecg": ishne(10 * N)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s01.hea": b"s01 99999999 360 100\n"}, "signals"),
        ({"s01.hea": b"s01 1 360 99999999999\ns01.dat 212 200 11 1024\n"}, "truncated"),
        ({"s01.hea": b"s01 1 -360 100\ns01.dat 212 200\n"}, "sampling rate"),
        ({"s01.hea": b"s01 1 0 100\ns01.dat 212 200\n"}, "sampling rate"),
        ({"s01.hea": b"s01 1 360 100\n../s01.dat 212 200\n"}, "elsewhere"),
        ({"s01.hea": b"s01 1 360 100\n/etc/passwd 212 200\n"}, "elsewhere"),
        ({"s01.hea": b"s01 1 360 100\ns01.dat 999 200\n"}, "format"),
        ({"s01.hea": b"s01/3 2 360 100\n"}, "describes 0"),
        ({"s01.hea": b""}, "empty"),
        ({"s01.hea": b"#" * 70_000}, "64 kB"),
        ({"s01.dat": b"123"}, "truncated"),
        ({"s01.atr": b"\xff" * 3}, "can't be read"),
    ],
)
def test_hostile_wfdb_headers(wfdb_files, change: dict, message: str) -> None:
    with pytest.raises(EcgFileError, match=message):
        read_ecg(wfdb_files | change)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": b""}, "no numbers"),
        ({"a.csv": b"some,words\nonly,words"}, "no numbers"),
        ({"a.csv": b"1,2\n3\n"}, "at row 2"),
        ({"a.csv": b"\x89PNG\r\n\x1a\n\x00\x00"}, "not a text file"),
        ({"a.csv": b"nan\n" * 500}, "no finite"),
        ({"a.zip": b"PK\x03\x04broken"}, "damaged"),
        ({"a.edf": b"0       " + b"9" * 300}, "EDF"),
        ({"s01.hea": b"s01 1 360 9\ns01.dat 212\n"}, "missing"),
        ({"s.hea": b"s/2 1 360 18\ns01 9\ns01 9\n"}, "names a segment twice"),
        ({"..": b"1"}, "name"),
        ({"a#1.csv": b"1\n" * 500, "a&1.csv": b"2\n" * 500}, "Two files are called a_1.csv"),
        ({"a.csv": b"1\n" * 500, "b.csv": b"2"}, "One recording is wanted"),
        ("no/such/file", "no such file"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((2, 3600)), "array.T"),
        (["a"], "array of numbers"),
    ],
)
def test_what_is_refused(files, message: str) -> None:
    with pytest.raises(EcgFileError, match=message):
        read_ecg(files, fs=250)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.csv", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1_000_000))
    with pytest.raises(EcgFileError, match="300 MB"):
        read_ecg(tmp_path / "a.zip")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text("0123456789.,;:\t\n -e\"'#", max_size=600).map(str.encode)
    | st.binary(max_size=80).map(lambda tail: b"ISHNE1.0" + tail)
    | st.binary(max_size=300).map(lambda tail: b"0       " + tail)
)
def test_any_bytes_give_an_ecg_or_a_sentence(content: bytes) -> None:
    try:
        read = read_ecg({"x.csv": content}, fs=250)
    except EcgFileError as error:
        assert str(error).rstrip().endswith((".", "one.", ")"))
    else:
        assert read.signal.ndim == 2


def segmented(files: dict[str, bytes]) -> dict[str, bytes]:
    """A minute as a record of two halves with ten seconds of nothing between them."""
    half = 30 * 360
    lines = files["s01.hea"].decode().splitlines()
    kept = [line.replace("s01.dat", "m_{k}.dat") for line in lines[1:3]]
    data, step = files["s01.dat"], 3 * half  # of two leads in format 212
    made = {
        "m.hea": f"m/3 2 360 {2 * half + 3600}\nm_0001 {half}\n~ 3600\nm_0002 {half}\n".encode()
    }
    for k in (1, 2):
        name, first, second = f"m_{k:04d}", *(line.format(k=f"{k:04d}") for line in kept)
        made[f"{name}.hea"] = f"{name} 2 360 {half}\n{first}\n{second}\n".encode()
        made[f"{name}.dat"] = data[(k - 1) * step : k * step]
    return made


def test_a_wfdb_record_of_several_segments(wfdb_files) -> None:
    whole, read = read_ecg(wfdb_files).signal, read_ecg(files := segmented(wfdb_files))
    half = 30 * 360
    assert read.fs == 360 and read.leads == ("MLII", "V5") and len(read.signal) == 2 * half + 3600
    assert np.array_equal(read.signal[:half], whole[:half])
    assert np.array_equal(read.signal[-half:], whole[half : 2 * half])
    assert np.isnan(read.signal[half:-half]).all()
    header = files["m.hea"]
    for change, message in (
        (header.replace(b"m_0002", b"../m_2"), "elsewhere"),
        (header.replace(b"m_0002", b"m"), "segments in segments"),
        (header.replace(b"25200", b"252000000"), "far more samples"),
        (header.replace(b"m/3", b"m/9999"), "segments"),
        (header.replace(b"m/3", b"m/4"), "describes 3"),
        (header.replace(b"m_0002", b"m_0003"), "missing"),
    ):
        with pytest.raises(EcgFileError, match=message):
            read_ecg(files | {"m.hea": change})


@pytest.mark.filterwarnings("error")
def test_a_number_beyond_any_ecg_counts_as_missing() -> None:
    lines = [f"{np.sin(k / 9):.4f}" for k in range(2000)]
    lines[700] = "1e300"
    ecg = read_ecg({"a.csv": "\n".join(lines).encode()}, fs=360)
    assert np.flatnonzero(~np.isfinite(ecg.signal[:, 0])).tolist() == [700]
