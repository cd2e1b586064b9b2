"""The repository's text files."""

import subprocess
from collections.abc import Iterator

import pytest

from ecglib.paths import ROOT


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Names and contents of the project's text files: those that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # binary, or removed but not yet committed
