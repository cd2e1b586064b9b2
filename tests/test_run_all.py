import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import run_all
from ecglib import guards, manifest, paths, runner, sources
from ecglib.runner import Stage

COMMON = """\
run_dir: str = "outputs/lab"  # where results go
source: str = "auto"  # where beats come from
root: str = ""  # folder with recordings
"""
WRITE = """\
from pathlib import Path
made = Path(run_dir) / "metrics" / "{name}.json"
made.parent.mkdir(parents=True, exist_ok=True)
made.write_text("{{}}")
"""
STAGES = tuple(
    Stage(name, f"Does {name} run?", "nothing", (f"metrics/{name}.json",))
    for name in ("01_first", "02_second")
)


class Project:
    """Two small notebooks, a profile and an output folder, run as run_all runs the real ones."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output = folder / "outputs" / "quick"
        self.executed = self.output / "notebooks"
        (folder / "notebooks").mkdir()
        (folder / "profiles").mkdir()
        (folder / "profiles" / "quick.yml").write_text("", encoding="utf-8")
        for stage in STAGES:
            self.write(stage.name, WRITE.format(name=stage.name))

    def write(self, name: str, *cells: str, parameters: str = COMMON, tags: tuple = ()) -> None:
        notebook = nbformat.v4.new_notebook()
        new = nbformat.v4.new_code_cell
        notebook.cells = [
            nbformat.v4.new_markdown_cell("# A notebook"),
            new(parameters, metadata={"tags": ["parameters"]}),
            *(new(source, metadata={"tags": list(tags)}) for source in cells),
        ]
        nbformat.write(notebook, self.folder / "notebooks" / f"{name}.ipynb")

    def run(self, *arguments: str, stages=STAGES) -> int:
        return run_all.main(
            arguments,
            stages=stages,
            notebooks=self.folder / "notebooks",
            profile_files=self.folder / "profiles",
            outputs=str(self.folder / "outputs"),
        )

    def leftovers(self) -> list[str]:
        """Hidden files in the output folder, but for the lock itself."""
        return [p.name for p in self.output.rglob(".*") if p.name != ".lock"]

    def manifest(self) -> dict:
        return json.loads((self.output / "run.json").read_text(encoding="utf-8"))


def located(source="auto", root=None):
    """Stands for sources.locate."""
    return SimpleNamespace(source="synthetic", describe=lambda: "some data", checksum=lambda: "c0")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "locate", located)
    return Project(tmp_path)


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a notebook was executed")

    monkeypatch.setattr(runner.papermill, "execute_notebook", refuse)


# Calls that must end before a kernel starts


def test_every_problem_is_listed_and_nothing_runs(project, no_kernel, capsys):
    (project.folder / "profiles" / "quick.yml").write_text("sourc: x\nroot: 3", encoding="utf-8")
    mine = project.folder / "mine.yml"
    mine.write_text("source: a\nsource: b", encoding="utf-8")
    assert project.run("-f", str(mine), "-p", "x=1;y", "1", "-p", "run_dir", "z") == 2
    error = capsys.readouterr().err
    for part in ("did you mean 'source'", "'root' must be", "more than once", "'x=1;y'", "run_dir"):
        assert part in error
    assert not project.output.exists()


def test_notebooks_without_a_parameters_cell_are_refused(project, no_kernel, capsys):
    for stage in STAGES:
        path = project.folder / "notebooks" / f"{stage.name}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(), path)
    assert project.run() == 2
    assert capsys.readouterr().err.count("0 cells tagged 'parameters'") == 2


@pytest.mark.parametrize("arguments", [["--only", "07"], ["--from", "0"]])
def test_an_unknown_notebook_is_refused(project, no_kernel, capsys, arguments):
    assert project.run(*arguments) == 2
    assert "there are: 01_first, 02_second" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--profile", "nope"], ["--only", "01", "--from", "02"], ["--nope"], ["-p", "x"]]
)
def test_a_bad_call_ends_with_status_2(project, no_kernel, arguments):
    with pytest.raises(SystemExit) as leave:
        project.run(*arguments)
    assert leave.value.code == 2


def test_a_source_out_of_reach_ends_before_any_kernel(project, no_kernel, monkeypatch, capsys):
    def locate(source, root):
        raise sources.DataSourceError("no data there")

    monkeypatch.setattr(sources, "locate", locate)
    assert project.run("--source", "folder") == 2
    assert "no data there" in capsys.readouterr().err
    assert project.leftovers() == []


def test_a_second_run_names_the_first(project, no_kernel, capsys):
    with guards.one_at_a_time(project.output):
        assert project.run() == 3
    error = capsys.readouterr().err
    assert f"process {os.getpid()}, started 20" in error
    with guards.one_at_a_time(project.output):
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


# Runs that succeed


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
    notebook = nbformat.read(project.executed / "01_first.ipynb", as_version=4)
    printed = notebook.cells[4].outputs[0].text
    shown_python = manifest.without_private_paths(sys.executable)
    assert printed.split()[:4] == [
        shown_python, "module://matplotlib_inline.backend_inline", "synthetic", "beats"
    ]  # fmt: skip
    assert printed.split()[4] == "./ecglib/__init__.py"
    assert str(paths.ROOT) not in json.dumps(notebook)

    record = project.manifest()
    assert record["data"] == {"source": "synthetic", "sha256": "c0"}
    assert record["metrics"] == headline
    assert record["machine"]["cores"] >= 1 and record["peak_memory_mb"] > 10
    assert record["software"]["papermill"][0].isdigit()
    first = record["notebooks"]["01_first"]
    assert first["parameters"]["source"] == "synthetic" and first["parameters"]["root"] == "beats"
    assert first["seconds"] > 0 and first["cpu_seconds"] > 0
    assert list(record["notebooks"]) == ["01_first", "02_second"]


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
    "leaves quietly": (["import sys; sys.exit(0)", GOOD], "cell [3]: SystemExit: 0"),
    "kernel leaves": ([GOOD, "import os; os._exit(0)", "1"], "cell [4]: the kernel died"),
    "hangs": (["import time; time.sleep(60)"], "cell [3]: it took longer than the 1 s"),
    "makes nothing": (["1"], "metrics/01_first.json (from an earlier run)"),
}


@pytest.mark.parametrize("cells, reason", FAILURES.values(), ids=FAILURES)
def test_a_failure_is_seen_and_the_last_good_notebook_stays(project, capsys, cells, reason):
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
    assert "from an earlier run" in runner._unkept([tmp_path / "01_*.png"], before)
    new.touch()
    assert "01_*.png (empty)" in runner._unkept([tmp_path / "01_*.png"], before)
    new.write_text("x")
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
import test_run_all as t
t.sources.locate = t.located
project = t.Project(Path(sys.argv[1]))
project.write("01_first", "import os; (Path := __import__('pathlib').Path)(run_dir, 'kernel')"
              ".write_text(str(os.getpid()))", t.SLEEPER)
sys.exit(project.run())
"""


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing_torn(tmp_path, number, status):
    output = tmp_path / "outputs" / "quick"
    good = output / "notebooks" / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    where = {"PYTHONPATH": os.pathsep.join([str(paths.ROOT), str(Path(__file__).parent)])}
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, str(tmp_path)], env=os.environ | where, stderr=subprocess.PIPE
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


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


# What other people see


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
