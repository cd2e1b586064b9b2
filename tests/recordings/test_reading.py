"""Any source: arrays, paths, folders, uploads; a recording, or a sentence that says why not."""

from pathlib import Path

import numpy as np
import pytest

from bad_files import zipped
from ecglib.beats.prepared import read_ecg
from ecglib.recordings import reading
from ecglib.recordings.reading import MissingRateError, open_ecg
from ecglib.recordings.recording import EcgFileError


def test_wfdb_by_path_folder_zip_and_upload(wfdb_files, s01: Path, tmp_path: Path) -> None:
    whole = read_ecg(s01)
    (tmp_path / "a.zip").write_bytes(zipped(*wfdb_files.items()))
    for source in (s01.with_suffix(".hea"), str(s01.parent), tmp_path / "a.zip", wfdb_files):
        read = read_ecg(source)
        assert np.array_equal(read.signal, whole.signal)
        assert np.array_equal(read.mark_sample, whole.mark_sample)
    assert np.array_equal(read_ecg(wfdb_files, lead="v5").signal[:, 0], whole.signal[:, 1])


def test_the_sampling_rate_and_unit_given_count_more(s01: Path) -> None:
    with open_ecg(s01, fs=500, units="uV") as ecg:
        assert ecg.fs == 500 and "500 Hz as given, not 360 Hz" in ecg.assumed[0]
        assert np.allclose(1000 * ecg.read(0, 100, 0), read_ecg(s01).signal[:100, 0])
    for source in ({"a.csv": b"1\n2\n" * 300}, np.zeros((300, 2))):
        with pytest.raises(MissingRateError, match="give fs in Hz"):
            read_ecg(source)
        with reading.open_source(source, need_fs=False) as ecg:
            assert np.isnan(ecg.fs)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"s01.hea": b"s01 1 360 9\ns01.dat 212\n"}, "missing"),
        ({}, "there is no ECG"),
        ({"a.dat": b"x"}, "a.hea is missing"),
        ({"a.zip": zipped(("mine.zip", b"PK"))}, "no ECG"),
        ({"a.zip": zipped(("1/a.hea", b"a 1"), ("2/a.hea", b"a 1"))}, "One recording is wanted"),
        ({"a.zip": zipped(("a#1.csv", b"1"), ("a&1.csv", b"2"))}, "Two files are called a_1.csv"),
        ({"a.csv": b"1\n" * 25_000_001}, "the limit of text files is"),
        ({"a.csv": b"0.5," * 186 + b"1", "b.csv": b"1\n" * 500}, "Only files of beats can be read"),
        ({"..": b"1"}, "name"),
        ({"a#1.csv": b"1\n" * 500, "a&1.csv": b"2\n" * 500}, "Two files are called a_1.csv"),
        ({"a.csv": b"1\n" * 500, "b.csv": b"2"}, "One recording is wanted"),
        ({f"{k}.csv": b"1" for k in range(1001)}, "1,001 files .* limit"),
        ("no/such/file", "no such file"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((2, 3600)), "array.T"),
        (np.zeros((10, 0)), "no leads"),
        (["a"], "array of numbers"),
    ],
)
def test_sources_that_are_refused(files, message: str) -> None:
    with pytest.raises(EcgFileError, match=message):
        read_ecg(files, fs=250)


def test_only_what_is_unpacked_needs_a_folder(wfdb_files, s01: Path, temporary: Path) -> None:
    """So that a worker that is killed while it reads leaves none."""
    with open_ecg(s01):
        assert not any(temporary.iterdir())
    with open_ecg(wfdb_files) as ecg:
        assert len(list(temporary.iterdir())) == 1
        assert (ecg.read(0, 100, 0) == read_ecg(s01).signal[:100, 0]).all()
    assert not any(temporary.iterdir())
