"""Runs that fail or are stopped: what papermill would let pass is seen, and nothing is torn."""

import os
import signal
import subprocess
import sys

import nbformat
import pytest

from ecglib import paths
from ecglib.batch import runner
from ecglib.batch.runner import Stage
from run_project import COMMON, STAGES, WRITE, wait_for


def test_the_first_failure_stops_the_run_and_the_rest_can_follow(project, capsys):
    project.write("01_first", "1 / 0")
    assert project.run() == 1
    error = capsys.readouterr().err
    assert "01_first.ipynb, cell [3]: ZeroDivisionError: division by zero" in error
    assert "01_first_FAILED.ipynb" in error
    assert not (project.executed / "02_second.ipynb").exists()
    assert not (project.output / "run.json").exists()

    assert project.run("--from", "02") == 0
    project.write("01_first", WRITE.format(name="01_first"))
    assert project.run("--only", "01_first") == 0
    assert [p.name for p in sorted(project.executed.iterdir())] == [
        "01_first.ipynb",
        "02_second.ipynb",
    ]
    assert list(project.manifest()["notebooks"]) == ["01_first", "02_second"]


# What papermill would let pass, one by one

GOOD = WRITE.format(name="01_first")
FAILURES = {
    "calls sys.exit(0)": (["import sys; sys.exit(0)", GOOD], "cell [3]: SystemExit: 0"),
    "ends its kernel": ([GOOD, "import os; os._exit(0)", "1"], "cell [4]: the kernel died"),
    "hangs": (["import time; time.sleep(60)"], "cell [3]: it took longer than the 1 s"),
    "makes nothing": (["1"], "metrics/01_first.json (from an earlier run)"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_failure_is_seen_and_the_last_good_notebook_stays(project, capsys, how):
    cells, reason = FAILURES[how]
    good = project.executed / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    earlier = project.output / "metrics" / "01_first.json"
    earlier.parent.mkdir()
    earlier.write_text("{}")
    project.write("01_first", *cells)
    stage = Stage("01_first", "", "", STAGES[0].makes, cell_timeout=1)
    assert project.run(stages=[stage]) == 1
    assert reason in capsys.readouterr().err
    assert good.read_text() == "the last good one"
    nbformat.read(project.executed / "01_first_FAILED.ipynb", as_version=4)
    assert project.leftovers() == []


def test_a_tag_does_not_excuse_a_cell(project, capsys):
    project.write("01_first", "1 / 0", tags=["skip-execution"])
    assert project.run("--only", "01") == 1
    assert "cell [3]: it was not run" in capsys.readouterr().err


def test_a_kernel_that_does_not_start_is_a_failure(project, monkeypatch, capsys):
    command = {"argv": [sys.executable, "-c", "pass"], "language": "python"}
    monkeypatch.setattr(runner, "get_kernel_dict", lambda: command)
    assert project.run() == 1
    assert "01_first.ipynb, Kernel died before" in capsys.readouterr().err


def test_a_promised_model_must_be_there(project, capsys):
    project.write("01_first", GOOD, parameters=COMMON + 'net: str = "compact"  # which network')
    stage = Stage("01_first", "", "", STAGES[0].makes, models=("{net}",))
    assert project.run("-p", "net", "deep", stages=[stage]) == 1
    assert "models/deep.safetensors (missing)" in capsys.readouterr().err


def test_promised_files_are_new_and_not_empty(tmp_path):
    old, new = tmp_path / "01_old.png", tmp_path / "01_new.png"
    old.write_text("x")
    os.utime(old, (1, 1))
    before = runner._versions([tmp_path / "01_*.png"])
    assert len(before) == 1
    assert "from an earlier run" in runner._unkept([tmp_path / "01_*.png"], before)
    new.touch()
    os.utime(new, (0, 0))  # made after a clock was set back
    assert "01_*.png (empty)" in runner._unkept([tmp_path / "01_*.png"], before)
    new.write_text("x")
    os.utime(new, (1, 1))
    assert runner._unkept([tmp_path / "01_*.png"], before) == ""


# Stopping a run

SLEEPER = """
import time
from pathlib import Path
Path(run_dir, "asleep").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    Path(run_dir, "checkpoint").write_text("saved")
    raise
"""
CALL = """
import sys
from pathlib import Path
import run_project as t
from ecglib.datasets import sources
sources.locate = t.located
project = t.Project(Path(sys.argv[1]))
project.write("01_first", "import os; (Path := __import__('pathlib').Path)(run_dir, 'kernel')"
              ".write_text(str(os.getpid()))", sys.argv[2])
sys.exit(project.run())
"""


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing_torn(tmp_path, number, status):
    output = tmp_path / "outputs" / "quick"
    good = output / "notebooks" / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    where = {
        "PYTHONPATH": os.pathsep.join([str(paths.ROOT), str(paths.ROOT / "tests" / "helpers")])
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, str(tmp_path), SLEEPER],
        env=os.environ | where,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: (output / "asleep").exists() or process.poll() is not None)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error.decode()
    assert "Traceback" not in error.decode()
    assert (output / "checkpoint").read_text() == "saved"
    assert good.read_text() == "the last good one"
    assert [p.name for p in good.parent.iterdir()] == [good.name]
    assert [p.name for p in output.rglob(".*") if p.name != ".lock"] == []
    kernel = int((output / "kernel").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
