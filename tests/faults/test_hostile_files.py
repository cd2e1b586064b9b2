"""A hostile file ends in an error or an ECG, and takes 200 MB of memory at most.

`python tests/helpers/hostile_files.py` also measures the time: at most 2 s on an idle machine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hostile_files
from ecglib.paths import ROOT

pytest.importorskip("resource", reason="memory is measured by POSIX")
PROGRAM = Path(hostile_files.__file__)
MEGABYTES = 200


@pytest.mark.slow
def test_no_file_takes_much_memory() -> None:
    places = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::RuntimeWarning"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], env=places, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 30
    for cost in found:
        assert cost["said"].endswith(".") or cost["said"].startswith("read: "), cost
        assert cost["mb"] <= MEGABYTES, cost
