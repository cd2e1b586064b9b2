"""Zips: nothing outside the temporary folder, nothing too large; ``hostile_files`` has more."""

from pathlib import Path

import numpy as np
import pytest

from bad_files import bomb, zipped
from ecglib.beats.prepared import read_ecg
from ecglib.recordings.readers.unpacking import names_in
from ecglib.recordings.recording import EcgFileError


def test_folders_in_a_zip_are_not_followed(wfdb_files, s01: Path) -> None:
    packed = zipped(*((f"../../evil/{name}", content) for name, content in wfdb_files.items()))
    (path := s01.parent / "a.zip").write_bytes(packed)
    assert sorted(names_in(path)) == sorted(wfdb_files)
    assert np.array_equal(read_ecg(path).signal, read_ecg(s01).signal)
    assert not list(s01.parents[2].rglob("evil"))


def test_files_of_one_name_in_folders_of_a_zip_stay_apart(wfdb_files) -> None:
    folders = {".hea": 1, ".dat": 1, ".atr": 2}
    files = ((f"{folders[name[-4:]]}/{name}", content) for name, content in wfdb_files.items())
    assert not len(read_ecg({"all.zip": zipped(*files)}).mark_sample)  # of another recording


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04broken", "damaged"),
        (bomb(), "266 MB"),
        (zipped(*((f"{k}.csv", b"1") for k in range(1001))), "1,001 files"),
        (zipped(*((f"{k}/", b"") for k in range(4001))), "more than 4,000 entries"),
        (zipped(("b", zipped(("a.csv", b"1")))), "zip file in the zip file"),
    ],
)
def test_zips_that_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(EcgFileError, match=message):
        read_ecg({"a.zip": content})
