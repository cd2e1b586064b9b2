"""Runs that fail or are stopped: faults that papermill lets pass are found, no file is torn."""

import os
import signal
import sys

import nbformat
import pytest

from ecglib.batch import runner
from ecglib.batch.runner import Stage
from run_project import COMMON, STAGES, WRITE, Project, wait_for


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
    kept = sorted(path.name for path in project.executed.iterdir())
    assert kept == ["01_first.ipynb", "02_second.ipynb"]
    assert list(project.manifest()["notebooks"]) == ["01_first", "02_second"]


GOOD = WRITE.format(name="01_first")
FAILURES = {
    "calls sys.exit(0)": (["import sys; sys.exit(0)", GOOD], "cell [3]: SystemExit: 0"),
    "ends its kernel": ([GOOD, "import os; os._exit(0)", "1"], "cell [4]: the kernel died"),
    "skips a cell": (["1 / 0"], "cell [3]: it was not run"),
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
    project.write("01_first", *cells, tags=["skip-execution"] if how == "skips a cell" else ())
    assert project.run("--only", "01") == 1
    assert reason in capsys.readouterr().err
    assert good.read_text() == "the last good one"
    nbformat.read(project.executed / "01_first_FAILED.ipynb", as_version=4)
    assert project.leftovers() == []


def test_a_kernel_that_does_not_start_is_a_failure(project, monkeypatch, capsys):
    command = {"argv": [sys.executable, "-c", "pass"], "language": "python"}
    monkeypatch.setattr(runner, "get_kernel_dict", lambda: command)
    assert project.run() == 1
    assert "01_first.ipynb, Kernel died before" in capsys.readouterr().err


def test_a_promised_model_must_be_there(project, capsys):
    project.write("01_first", GOOD, parameters=COMMON + 'net: str = "compact"  # which network')
    stage = Stage("01_first", "", STAGES[0].makes, models=("{net}",))
    assert project.run("-p", "net", "deep", stages=[stage]) == 1
    assert "models/deep.safetensors (missing)" in capsys.readouterr().err


def test_promised_files_are_new_and_not_empty(tmp_path):
    old, new = tmp_path / "01_old.png", tmp_path / "01_new.png"
    old.write_text("x")
    os.utime(old, (1, 1))
    before = runner._versions([tmp_path / "01_*.png"])
    assert len(before) == 1
    assert "from an earlier run" in runner._broken_promises([tmp_path / "01_*.png"], before)
    new.touch()
    os.utime(new, (0, 0))  # made after a clock was set back
    assert "01_*.png (empty)" in runner._broken_promises([tmp_path / "01_*.png"], before)
    new.write_text("x")
    os.utime(new, (1, 1))
    assert runner._broken_promises([tmp_path / "01_*.png"], before) == ""


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
KERNEL = "import os; from pathlib import Path; Path(run_dir, 'kernel').write_text(str(os.getpid()))"


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing_torn(tmp_path, number, status):
    project = Project(tmp_path)
    project.write("01_first", KERNEL, SLEEPER)
    good = project.executed / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    process = project.start()
    wait_for(lambda: (project.output / "asleep").exists() or process.poll() is not None)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error.decode()
    assert "Traceback" not in error.decode()
    assert (project.output / "checkpoint").read_text() == "saved"
    assert good.read_text() == "the last good one"
    assert list(good.parent.iterdir()) == [good]
    assert project.leftovers() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((project.output / "kernel").read_text()), 0)
