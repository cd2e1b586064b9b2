"""A hostile file ends in an error or an ECG, and takes 200 MB of memory at most.

`python tests/helpers/hostile_files.py` also measures the time: at most 2 s on an idle machine.
"""

import json

import pytest

import hostile_files
from own_python import run_python

pytest.importorskip("resource", reason="memory is measured by POSIX")
MEGABYTES = 200


@pytest.mark.slow
def test_no_file_takes_much_memory() -> None:
    status, out, err = run_python(hostile_files.__file__, PYTHONWARNINGS="error::RuntimeWarning")
    assert status == 0, err
    found = [json.loads(line) for line in out.splitlines()]
    assert len(found) > 30
    for cost in found:
        assert cost["said"].endswith(".") or cost["said"].startswith("read: "), cost
        assert cost["mb"] <= MEGABYTES, cost
