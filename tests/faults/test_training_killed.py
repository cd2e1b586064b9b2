"""A training that is killed at any moment ends like an uninterrupted one."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

import tiny_training
from own_python import start_python

KILLS = int(os.environ.get("KILLS", "10"))  # a hundred in `make faults`


def start(folder: Path) -> subprocess.Popen:
    return start_python(tiny_training.__file__, folder / "state.pt", folder / "weights")


@pytest.mark.slow
@pytest.mark.faults
def test_killed_training_ends_with_the_same_weights(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(whole)
    uninterrupted.communicate()
    assert uninterrupted.returncode == 0
    rng = random.Random(0)
    resumed = 0
    for _ in range(KILLS):
        process = start(killed)
        resumed += process.stdout.readline().startswith("Going on")  # it trains by now
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        process.communicate()
    last = start(killed)
    output, _ = last.communicate()
    assert last.returncode == 0 and output.startswith("Going on")
    assert resumed >= KILLS // 2
    expected, found = load_file(whole / "weights"), load_file(killed / "weights")
    assert expected.keys() == found.keys()
    assert all((expected[name] == found[name]).all() for name in expected)
    assert {path.name for path in killed.iterdir()} == {"state.pt", "weights"}
