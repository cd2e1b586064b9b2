"""A small WFDB record for the tests of this folder."""

from pathlib import Path

import pytest

from ecglib.datasets.synthetic import write_recordings


@pytest.fixture(scope="session")
def wfdb_files(tmp_path_factory) -> dict[str, bytes]:
    """The files of a synthetic minute, s01, by name."""
    folder = write_recordings(tmp_path_factory.mktemp("wfdb") / "x", n_records=1, minutes=1)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def s01(wfdb_files: dict[str, bytes], tmp_path: Path) -> Path:
    """The path of that record in a folder of its own."""
    (folder := tmp_path / "s01").mkdir()
    for name, content in wfdb_files.items():
        (folder / name).write_bytes(content)
    return folder / "s01"
