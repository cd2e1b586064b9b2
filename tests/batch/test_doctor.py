"""`run_all.py --check` names faults of a machine, and how to mend them."""

import ast
import os
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

import run_all
from ecglib.batch import doctor
from ecglib.datasets import kaggle, physionet, sources
from ecglib.paths import ROOT
from own_python import run_python


def test_one_line_per_check_and_an_exit_status(monkeypatch, capsys):
    def _fine():
        return doctor.OK, "it is", "no need"

    def _noted():
        return doctor.NOTE, "hm", "do this"

    def _broken():
        raise RuntimeError("odd")

    monkeypatch.setattr(doctor, "CHECKS", (_fine, _noted))
    assert run_all.main(["--check"]) == 0
    printed = capsys.readouterr().out
    assert "mend: do this" in printed and "no need" not in printed
    monkeypatch.setattr(doctor, "CHECKS", (_broken, _fine))
    assert run_all.main(["--check"]) == 2
    printed = capsys.readouterr().out
    assert "WRONG  broken     RuntimeError: odd" in printed and "pip install" in printed
    assert "ok     fine       it is" in printed


def test_it_runs_where_nothing_else_does(tmp_path):
    """The libraries can't be imported, and `run_all.py` names them instead of dying."""
    for name in ("papermill", "torch", "jupyter_client", "packaging", "pooch", "filelock"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} today')")
    status, out, err = run_python("run_all.py", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert status == 2
    assert "This Python cannot run the notebooks" in err
    assert "no packaging today" in out
    assert "no kernel starts: ImportError: no jupyter_client today" in out
    assert "Traceback" not in out + err
    assert out.count("\n") == 5 + out.count("mend:") + 1


def test_an_old_python_can_read_it():
    for path in (Path(doctor.__file__), ROOT / "run_all.py", ROOT / "ecglib" / "__init__.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


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

    def with_versions(changed):
        def find(name):
            if (found := changed.get(name, real(name))) is None:
                raise PackageNotFoundError(name)
            return found

        monkeypatch.setattr(doctor, "version", find)
        return doctor._packages()

    state, text, mend = with_versions({"torch": None, "numpy": "1.26.4"})
    assert state == doctor.WRONG and "torch is missing" in text and "numpy 1.26.4 (needs >" in text
    assert "-c constraints.txt" in mend
    assert with_versions({"torch": "99.0+cpu"})[0] == doctor.NOTE


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
        ((0, "python"), "ok"),  # jupyter_client's name for this very one
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


def test_data(monkeypatch, tmp_path):
    def fail(error):
        raise error

    monkeypatch.setattr(sources, "locate", lambda source: fail(sources.DataSourceError("none")))
    monkeypatch.setattr(physionet, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(kaggle, "cached", lambda: None)
    monkeypatch.setattr(physionet, "probe", lambda: fail(physionet.DownloadError("no")))
    state, text, mend = doctor._data()
    assert state == doctor.NOTE and "SYNTHETIC" in text and "data/mitdb/" in mend
    monkeypatch.setattr(physionet, "probe", lambda: None)
    assert "downloads them" in doctor._data()[1]
    monkeypatch.setattr(kaggle, "cached", lambda: tmp_path)
    assert "in your cache" in doctor._data()[1]
    monkeypatch.setattr(sources, "locate", lambda source: SimpleNamespace(describe=lambda: "here"))
    assert doctor._data()[1] == "here"
