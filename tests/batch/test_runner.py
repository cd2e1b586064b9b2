"""Refused calls, a good run, and runs that fail or are stopped: no file is torn."""

import json
import os
import signal
import sys
from pathlib import Path

import nbformat
import pytest

import run_all
from ecglib import paths
from ecglib.batch import locks, manifest, runner
from ecglib.batch.runner import Stage
from ecglib.datasets import sources
from notebook_cells import notebook
from run_project import COMMON, STAGES, WRITE, Project, wait_for


def test_every_problem_is_listed_and_nothing_runs(project, no_kernel, capsys):
    project.profile.write_text("sourc: x\nroot: 3", encoding="utf-8")
    mine = project.folder / "mine.yml"
    mine.write_text("source: a\nsource: b", encoding="utf-8")
    assert project.run("-f", str(mine), "-p", "x=1;y", "1", "-p", "run_dir", "z") == 2
    error = capsys.readouterr().err
    for part in ("did you mean 'source'", "'root' must be", "more than once", "'x=1;y'", "run_dir"):
        assert part in error
    assert not project.output.exists()


def test_notebooks_without_a_parameters_cell_are_refused(project, no_kernel, capsys):
    for stage in STAGES:
        notebook(project.folder / "notebooks" / f"{stage.name}.ipynb")
    assert project.run() == 2
    assert capsys.readouterr().err.count("0 cells tagged 'parameters'") == 2


@pytest.mark.parametrize("arguments", [["--only", "07"], ["--from", "0"]])
def test_an_unknown_notebook_is_refused(project, no_kernel, capsys, arguments):
    assert project.run(*arguments) == 2
    assert "there are: 01_first, 02_second" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["--profile nope", "--only 01 --from 02", "--nope", "-p x",
    "--verify run.json -p seed 1", "--verify run.json --only 01"])  # fmt: skip
def test_a_bad_call_ends_with_status_2(project, no_kernel, call):
    with pytest.raises(SystemExit) as leave:
        project.run(*call.split())
    assert leave.value.code == 2


def test_a_source_out_of_reach_ends_before_any_kernel(project, no_kernel, monkeypatch, capsys):
    def locate(source, root):
        raise sources.DataSourceError("no data there")

    monkeypatch.setattr(sources, "locate", locate)
    assert project.run("--source", "folder") == 2
    assert "no data there" in capsys.readouterr().err
    assert project.leftovers() == []


def test_a_second_run_names_the_first(project, no_kernel, capsys):
    with locks.one_at_a_time(project.output):
        assert project.run() == 3
    error = capsys.readouterr().err
    assert f"process {os.getpid()}, started 20" in error
    with locks.one_at_a_time(project.output):
        pass  # free again


def test_list_and_dry_run_show_and_run_nothing(project, no_kernel, monkeypatch, capsys):
    monkeypatch.setattr(sources, "locate", None)
    assert project.run("--list") == 0
    shown = capsys.readouterr().out
    assert "02_second: Does 02_second run?" in shown and "metrics/02_second.json" in shown
    assert "source: str = 'auto'" in shown and "where beats come from" in shown

    assert project.run("--dry-run", "--from", "02", "--source", "kaggle") == 0
    shown = capsys.readouterr().out
    assert "01_first" not in shown
    assert "source = 'kaggle'\n" in shown and "root = ''  (default)" in shown
    assert not project.output.exists()


def test_a_good_run(project, monkeypatch, capsys, tmp_path):
    # An installed kernel of the same name, another figure backend, another working directory.
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "wrong", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    project.write(
        "01_first",
        WRITE.format(name="01_first"),
        "import os, sys, ecglib\n"
        "print(sys.executable, os.environ['MPLBACKEND'], source, root, ecglib.__file__)",
        "'needs no output'",
        "",
    )
    project.executed.mkdir(parents=True)
    stale = project.executed / "01_first_FAILED.ipynb"
    stale.touch()
    (project.output / ".tmp").mkdir()
    (project.output / "metrics").mkdir()
    headline = {"accuracy": 0.98765, "model": "compact"}
    (project.output / "metrics" / "headline.json").write_text(json.dumps(headline))

    assert project.run("--root", "beats") == 0

    shown = capsys.readouterr().out
    assert "Data: some data" in shown and "[2/2] 02_second" in shown and "0.9877" in shown
    assert not stale.exists() and project.leftovers() == []
    executed = nbformat.read(project.executed / "01_first.ipynb", as_version=4)
    printed = executed.cells[3].outputs[0].text
    python, backend, *rest = printed.split()
    assert python == manifest.without_private_paths(sys.executable)
    assert backend == "module://matplotlib_inline.backend_inline"
    assert rest == ["synthetic", "beats", "./ecglib/__init__.py"]
    assert str(paths.ROOT) not in json.dumps(executed)

    record = project.manifest()
    assert record["data"] == {"source": "synthetic", "sha256": "c0"}
    assert record["metrics"] == headline
    assert record["machine"]["cores"] >= 1 and record["peak_memory_mb"] > 10
    assert record["software"]["papermill"][0].isdigit()
    first = record["notebooks"]["01_first"]
    assert first["parameters"]["source"] == "synthetic" and first["parameters"]["root"] == "beats"
    assert first["seconds"] > 0 and first["cpu_seconds"] > 0
    assert list(record["notebooks"]) == ["01_first", "02_second"]


def test_no_text_names_a_folder_of_this_machine():
    root, home = str(paths.ROOT), str(Path.home())
    content = {
        "text": f"{root}/ecglib/x.py:3 and {home}/.cache, not {home}ish",
        "list": ["/far/data/mitdb/100.dat", 3, None],
        "image/png": f"AAAA{root}/",
    }
    assert manifest.without_private_paths(content, "/far/data/mitdb") == {
        "text": f"./ecglib/x.py:3 and ~/.cache, not {home}ish",
        "list": ["mitdb/100.dat", 3, None],
        "image/png": f"AAAA{root}/",
    }


@pytest.mark.parametrize("profile", ["smoke", "quick", "patients", "full"])
def test_the_profiles_fit_the_notebooks(profile, no_kernel):
    assert run_all.main(["--profile", profile, "--dry-run"]) == 0


# --- failures -------------------------------------------------------------------------------------


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
