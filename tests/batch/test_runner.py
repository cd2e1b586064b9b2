"""Calls that are refused before any kernel starts, and the results of a good run."""

import json
import os
import sys
from pathlib import Path

import nbformat
import pytest

import run_all
from ecglib import paths
from ecglib.batch import locks, manifest
from ecglib.datasets import sources
from notebook_cells import notebook
from run_project import STAGES, WRITE


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


def test_stages_are_the_five_notebooks():
    names = [path.stem for path in sorted((paths.ROOT / "notebooks").glob("*.ipynb"))]
    assert [stage.name for stage in run_all.STAGES] == names


@pytest.mark.parametrize("profile", ["smoke", "quick", "patients", "full"])
def test_the_profiles_fit_the_notebooks(profile, no_kernel):
    assert run_all.main(["--profile", profile, "--dry-run"]) == 0
