"""Training in two processes, as several GPUs do it, ends as well as in one."""

import os
import re
import subprocess
import sys

import pytest

from test_training_killed import PROGRAM

LAUNCHERS = {
    1: [sys.executable],
    # the launcher for several devices; which kind they are, the environment says
    2: [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    + ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    + ["--main_process_port", "0"],
}


def run(processes: int, folder) -> tuple[list[str], float]:
    """The lines that a training reports and the accuracy of its last epoch."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROGRAM.parents[1])}
    environment |= {"ACCELERATE_USE_CPU": "true"} if processes > 1 else {}
    files = [str(folder / f"{name}-{processes}") for name in ("state.pt", "weights")]
    done = subprocess.run(
        [*LAUNCHERS[processes], str(PROGRAM), *files],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("epoch")]
    return lines, float(re.search(r"accuracy ([\d.]+)%", lines[-1])[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torch has no libuv launcher there")
def test_two_processes_learn_as_well_as_one(tmp_path):
    alone, accuracy = run(1, tmp_path)
    together, accuracy_of_two = run(2, tmp_path)
    assert len(together) == len(alone)  # only one of them reports
    assert together != alone  # both took part
    assert accuracy > 50 and accuracy_of_two > 50  # of five equally frequent classes
    assert abs(accuracy - accuracy_of_two) < 20  # 35 validation beats
