"""How files get their names and their permissions."""

import os
import stat
from pathlib import Path

import pytest

from ecglib.paths import atomic_write


def test_files_are_as_readable_as_the_umask_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the umask touched to find it out: it belongs to all threads of the process."""
    before, umask = os.umask(0o027), os.umask
    monkeypatch.delattr(os, "umask")
    try:
        with atomic_write(tmp_path / "x.json") as path:
            path.write_text("{}")
    finally:
        umask(before)
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o640
