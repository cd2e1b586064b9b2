"""`run_all.py --check` names what is wrong with a machine, and how to mend it."""

import ast
import os
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

import run_all
from ecglib.batch import doctor
from ecglib.datasets import kaggle, physionet, sources
from ecglib.paths import ROOT


def test_ten_lines_and_an_exit_status(monkeypatch, capsys):
    assert len(doctor.CHECKS) == 10
    states = {"fine": (doctor.OK, "it is", "no need"), "so so": (doctor.NOTE, "hm", "do this")}
    monkeypatch.setattr(doctor, "CHECKS", {n: lambda s=s: s for n, s in states.items()})
    assert run_all.main(["--check"]) == 0
    said = capsys.readouterr().out
    assert "mend: do this" in said and "no need" not in said

    def broken():
        raise RuntimeError("odd")

    monkeypatch.setitem(doctor.CHECKS, "bad", broken)
    assert run_all.main(["--check"]) == 2
    said = capsys.readouterr().out
    assert "WRONG  bad        RuntimeError: odd" in said and "pip install" in said


def test_it_runs_where_nothing_else_does(tmp_path):
    """The libraries can't be imported, and `run_all.py` says which are missing instead of dying."""
    for name in ("papermill", "torch", "jupyter_client", "pooch", "filelock"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} today')")
    done = subprocess.run(
        [sys.executable, ROOT / "run_all.py"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "This Python can't run the notebooks" in done.stderr
    assert "no kernel starts: ImportError: no jupyter_client today" in done.stdout
    assert "torch does not work here: ImportError: no torch today" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 10 + done.stdout.count("mend:") + 1


def test_an_old_python_can_read_it():
    ast.parse(Path(doctor.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    tree = ast.parse((ROOT / "run_all.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    assert isinstance(tree, ast.Module)


@pytest.mark.parametrize(
    ("number", "state"),
    [((3, 11, 4), "WRONG"), ((3, 11, 5), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "WRONG")],
)
def test_python(monkeypatch, number, state):
    fake = SimpleNamespace(version="x y", executable="python", version_info=number)
    monkeypatch.setattr(doctor, "sys", fake)
    assert doctor._python()[0] == state


def test_packages(monkeypatch):
    real = doctor.version

    def without(change):
        def find(name):
            found = change.get(name, real(name))
            if found is None:
                raise PackageNotFoundError(name)
            return found

        monkeypatch.setattr(doctor, "version", find)
        return doctor._packages()

    state, text, mend = without({"torch": None, "numpy": "1.26.4"})
    assert state == doctor.WRONG and "missing: torch" in text and "numpy 1.26.4 (needs" in text
    assert "-c constraints.txt" in mend
    assert without({"torch": "99.0+cpu"})[0] == doctor.NOTE


def test_another_ecglib_in_the_way(tmp_path, monkeypatch):
    (tmp_path / "ecglib").mkdir()
    (tmp_path / "ecglib" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    state, text, mend = doctor._ecglib()
    assert state == doctor.WRONG and str(tmp_path) in text and "uninstall -y ecglib" in mend
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert doctor._ecglib()[0] == doctor.OK


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((0, sys.executable), "ok"),
        ((0, "python"), "ok"),  # jupyter_client's word for this very one
        ((0, str(Path("elsewhere", "python"))), "note"),
        ((1, "ImportError: no zmq"), "WRONG"),
    ],
)
def test_kernel(monkeypatch, answer, state):
    monkeypatch.setattr(doctor, "_child", lambda code, folder: answer)
    assert doctor._kernel()[0] == state


def test_a_child_that_crashes_or_hangs(monkeypatch):
    assert doctor._child("import os; os.abort()", ROOT)[0] != 0
    monkeypatch.setattr(doctor, "CHILD_SECONDS", 0.2)
    assert "no answer" in doctor._child("import time; time.sleep(60)", ROOT)[1]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ((0, "1 bf16 False"), "ok", "1 thread, bf16 in hardware"),
        ((0, "1 no True"), "ok", "no bf16, so training takes longer, with a GPU"),
        ((0, "4096 no False"), "note", "slow it down"),
        ((-4, "it ended with status -4"), "WRONG", "does not work"),
    ],
)
def test_processor(monkeypatch, answer, state, words):
    monkeypatch.setattr(doctor, "_child", lambda code, folder: answer)
    found = doctor._processor()
    assert found[0] == state and words in found[1]


def test_disk(monkeypatch):
    assert doctor._disk()[0] == doctor.OK
    with monkeypatch.context() as patch:
        patch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=2e8))
        assert doctor._disk()[:2] == (doctor.WRONG, "0.2 GB free, 1 GB are needed")

    def refuse(**where):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert doctor._disk()[1:] == (
        "outputs/ can't be written to (Permission denied)",
        "make outputs/ writable for you",
    )


@pytest.mark.parametrize(("free", "state"), [(1e9, "WRONG"), (9e9, "ok"), (None, "ok")])
def test_memory(monkeypatch, free, state):
    monkeypatch.setattr(doctor, "available_memory", lambda: free)
    assert doctor._memory()[0] == state


def test_memory_of_a_container(monkeypatch):
    """What its limit leaves, and the files it keeps in memory, which go when room is needed."""
    files = {
        "/proc/meminfo": "MemAvailable: 9000000 kB\n",
        "/sys/fs/cgroup/memory.max": "4000000000\n",
        "/sys/fs/cgroup/memory.current": "3500000000\n",
        "/sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 3000000000\n",
    }
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: files[path.as_posix()])
    assert doctor.available_memory() == 3_500_000_000


def test_data(monkeypatch, tmp_path):
    def nowhere(source):
        raise sources.DataSourceError("No usable data: nothing. Ways out")

    def offline():
        raise physionet.DownloadError("no")

    monkeypatch.setattr(sources, "locate", nowhere)
    monkeypatch.setattr(physionet, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(kaggle, "cached", lambda: None)
    monkeypatch.setattr(physionet, "probe", offline)
    state, text, mend = doctor._data()
    assert state == doctor.NOTE and "SYNTHETIC" in text and "data/mitdb/" in mend
    monkeypatch.setattr(physionet, "probe", lambda: None)
    assert doctor._data()[0] == doctor.OK
    monkeypatch.setattr(sources, "locate", lambda source: SimpleNamespace(describe=lambda: "here"))
    assert doctor._data()[1] == "here"


def test_chromium_and_ports(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert doctor._chromium()[0] == doctor.NOTE
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(doctor, "PORTS", {port: "the web app"})
        assert doctor._ports()[:2] == (
            doctor.NOTE,
            f"in use by another program: {port} (the web app)",
        )
    assert doctor._ports()[0] == doctor.OK
