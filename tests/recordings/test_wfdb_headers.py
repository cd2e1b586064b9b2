"""Headers of WFDB records that are false or unsafe; ``bad_files`` has more, for every entrance."""

from pathlib import Path

import pytest

from ecglib.recordings.recording import EcgFileError
from ecglib.recordings.wfdb_headers import check_wfdb_header


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "empty"),
        (b"#" * 70_000, "64 kB"),
        (b"s01 99999999 360 100\n", "signals"),
        (b"s01 1 -360 100\ns01.dat 212\n", "sampling rate of '-360'"),
        (b"s01 1 360 100\n/etc/passwd 212 200\n", "elsewhere"),
        (b"s01 1 360 100\nother.dat 212 200\n", "'other.dat' is missing"),
        (b"s01 1 360 99999999999\ns01.dat 212 200 11 1024\n", "truncated"),
        (b"s01/3 2 360 100\n", "describes 0"),
    ],
)
def test_a_hostile_header(s01: Path, header: bytes, message: str) -> None:
    assert check_wfdb_header(s01) == 60 * 360
    s01.with_suffix(".hea").write_bytes(header)
    with pytest.raises(EcgFileError, match=message):
        check_wfdb_header(s01)
