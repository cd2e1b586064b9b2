"""Bad inputs that come in as a notebook's parameter, or through run_all.py.

A notebook is run here as far as its first beats, in this process; run_all starts its kernels.
"""

import errno
import itertools
import os
import pickle
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from bad_files import INPUTS
from ecglib.datasets import kaggle, physionet, sources
from ecglib.paths import ROOT
from failing_disk import Faults
from foreign_models import Bomb
from own_python import HELPERS, run_python
from run_project import COMMON

pytestmark = pytest.mark.faults


def opened(name: str, **values) -> dict:
    """What a notebook knows after its first beats, for somebody who has set these parameters."""
    known: dict = {"display": lambda *shown: None}
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, known)
            if "parameters" in cell.metadata.get("tags", []):
                assert values.keys() <= known.keys()
                known |= values
            if "load_beats(" in cell.source:
                return known
    raise AssertionError(f"{name} loads no beats")


# --- the recordings that a parameter names -------------------------------------------------------


def root_of(name: str, folder: Path, recordings: Path) -> Path:
    """A folder of recordings, or of Kaggle's two files, that holds the bad input."""
    for own, content in INPUTS[name][0]().items():
        for called in kaggle.FILES if own.endswith(".csv") else [own]:
            (folder / called).write_bytes(content)
    if not (folder / "s01.atr").exists() and (folder / "s01.hea").exists():
        shutil.copy(recordings / "s01.atr", folder)  # a recording without annotations is no lesson
    return folder


@pytest.mark.parametrize("name", INPUTS)
def test_a_root_in_a_notebook(name: str, tmp_path: Path, recordings: Path) -> None:
    root = root_of(name, tmp_path, recordings)
    with pytest.raises((ValueError, sources.DataSourceError)) as error:
        opened("01_data", root=str(root))
    said = str(error.value)
    assert said.endswith(".") and len(said) > 40, said


@pytest.mark.parametrize("name", ["1 an empty file", "5 a value that is no number",
                                  "9 a truncated .dat", "9 10^12 samples"])  # fmt: skip
def test_a_root_of_a_run(name: str, project, monkeypatch, tmp_path, recordings, capsys) -> None:
    monkeypatch.undo()  # the real sources
    (root := tmp_path / "mine").mkdir()
    root_of(name, root, recordings)
    project.write("01_first", "from ecglib import load_beats\nload_beats(source, root)")
    assert project.run("--only", "01", "--root", str(root)) == 1
    said = capsys.readouterr().err
    assert re.search(r"cell \[3\]: \w*Error: ", said) and "Traceback" not in said
    assert project.leftovers() == [] and not (project.output / "run.json").exists()


@pytest.mark.parametrize(
    "root", ["nowhere", "a\0b", "~nobody-of-this-name/ecg", "x" * 5000, "loop", "-"]
)
def test_a_root_that_is_none(root: str, project, no_kernel, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(sources, "locate", LOCATE)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.chdir(tmp_path)
    assert project.run("-p", "root", root) == 2
    assert "Nothing was run." in capsys.readouterr().err


LOCATE = sources.locate


# --- parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notebook", "values", "words"),
    [
        ("01_data", {"source": "nope"}, "Choose from auto"),
        ("02_knn_baseline", {"protocol": "nope"}, "Choose from kaggle"),
        ("02_knn_baseline", {"seed": -1}, "non-negative|negative"),
        ("03_cnn_lstm_training", {"recipe": "nope"}, "Choose from fast|Choose from reference"),
        ("03_cnn_lstm_training", {"epochs": -1}, "impossible"),
    ],
)
def test_a_value_in_a_notebook(notebook: str, values: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        opened(notebook, **({"source": "synthetic"} | values))


def test_no_network_in_a_notebook(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    monkeypatch.setattr(physionet, "BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(physionet, "RETRIES", 0)
    with pytest.raises(sources.DataSourceError, match="the connection failed"):
        opened("01_data", source="physionet")


# --- models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["missing", "pickle"])
def test_a_model_in_a_notebook(how: str, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.safetensors"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="03_cnn_lstm_training"):
        opened("05_classifier_demo", source="synthetic", model=str(path))
    assert not (tmp_path / "exploded").exists()


def test_a_model_of_a_run(project, tmp_path: Path, capsys) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    project.write(
        "01_first",
        "from ecglib import Classifier\nClassifier.load(model)",
        parameters=COMMON + 'model: str = ""  # model file',
    )
    assert project.run("--only", "01", "-p", "model", str(path)) == 1
    assert "is not a complete safetensors file" in capsys.readouterr().err
    assert not list(tmp_path.rglob("exploded"))


# --- the place and the machine -------------------------------------------------------------------


def test_outputs_that_cannot_be_written_to(project, no_kernel, monkeypatch, capsys) -> None:
    """Whichever call is refused before the first kernel starts."""
    faults = Faults(monkeypatch, project.folder / "outputs")
    refused = 0
    for number in itertools.count(1):
        with faults.at(number, errno.EACCES):
            try:
                assert project.run() == 1
            except AssertionError as error:
                assert "a notebook was executed" in str(error)
                if not faults.reached:
                    break  # every call was refused once
            else:
                said = capsys.readouterr().err
                assert "Stopped: " in said and "Permission denied" in said and "outputs" in said
                refused += 1
        assert not (project.output / ".lock-owner").exists()
    assert refused >= 3  # the folder, the lock, who holds it


def test_a_file_in_the_way(project, no_kernel, capsys) -> None:
    project.output.parent.write_text("mine", encoding="utf-8")
    assert project.run() == 1
    assert "Stopped: " in capsys.readouterr().err
    assert project.output.parent.read_text(encoding="utf-8") == "mine"


RUN = """
import sys
from pathlib import Path
import run_project as t
from ecglib.datasets import sources
sources.locate = t.located
project = t.Project(Path(sys.argv[1]))
project.write("01_first", t.WRITE.format(name="01_first"), "print('\\u2192 \\u00fc')")
sys.exit(project.run("--only", "01"))
"""


def test_a_bare_machine(tmp_path: Path) -> None:
    """As a service or container may have it: no home to write to, ASCII only, nobody watching."""
    bare = {"HOME": os.devnull, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TERM": "dumb"}
    status, out, err = run_python("-c", RUN, tmp_path, PYTHONPATH=HELPERS, **bare)
    assert status == 0, err
    assert r"\u2192 \xfc" in out


def test_an_odd_place(tmp_path: Path) -> None:
    """A folder's name may hold whatever the system lets it, and outputs may be a link."""
    names = ["spaces and {braces}", "\u00fc\u2192 'quoted'", "#a%20b&c"]
    names += ["two\nlines"] if os.name == "posix" else []
    (folder := tmp_path.joinpath(*names)).mkdir(parents=True)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (folder / "outputs").symlink_to(elsewhere, target_is_directory=True)
    status, _, err = run_python("-c", RUN, folder, PYTHONPATH=HELPERS)
    assert status == 0, err
    made = elsewhere / "quick"
    assert (made / "metrics" / "01_first.json").exists() and (made / "run.json").exists()
    assert {p.name for p in made.iterdir()} <= {".lock", "metrics", "notebooks", "run.json"}
