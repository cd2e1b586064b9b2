import pytest

from ecglib.batch import parameters
from notebook_cells import CELL, notebook, problems


def test_inspect_reads_type_default_help_and_what_is_allowed(tmp_path):
    found = parameters.inspect(notebook(tmp_path / "03.ipynb", (CELL, ["parameters"])))
    epochs, protocol = found["epochs"], found["protocol"]
    assert list(found) == ["epochs", "rate", "augment", "protocol", "record", "seeds"]
    assert (epochs.type, epochs.default, epochs.limits) == (int, 14, (1, 200))
    assert epochs.help == "passes over the training beats (1 to 200)"
    assert protocol.choices == ("kaggle", "patients", "random")
    assert found["record"].choices == ()
    assert found["seeds"].type_name == "list[int]"


@pytest.mark.parametrize(
    "line, reason",
    [
        ("epochs = 3  # no type", "must read"),
        ("epochs: int = 3", "must read"),
        ("epochs: int  # no value", "must read"),
        ("import os  # code", "must read"),
        ("epochs: list = [3]  # of what?", "type is 'list'"),
        ("epochs: list[dict] = []  # too much", "type is 'list[dict]'"),
        ("epochs: list[int] = 3  # no list", "must be a list"),
        ("epochs: int = 2 * 7  # computed", "literal"),
        ("epochs: int = True  # not a number", "type bool"),
        ("epochs: int = 0  # too small (1 to 9)", "between 1 and 9"),
        ("epochs: int = 3  # one\nepochs: int = 4  # two", "appears twice"),
        ("epochs: int = = 3  # typo", "not Python"),
    ],
)
def test_a_faulty_parameters_cell_is_refused(tmp_path, line, reason):
    path = notebook(tmp_path / "03.ipynb", (line, ["parameters"]))
    (problem,) = problems(parameters.inspect, path)
    assert reason in problem and "03.ipynb" in problem


@pytest.mark.parametrize("tagged", [0, 2])
def test_exactly_one_parameters_cell(tmp_path, tagged):
    path = notebook(tmp_path / "03.ipynb", *[(CELL, ["parameters"])] * tagged, ("1", []))
    assert problems(parameters.inspect, path) == [
        f"03.ipynb has {tagged} cells tagged 'parameters' where exactly one is needed"
    ]


def test_a_missing_or_broken_notebook_is_a_problem_not_a_traceback(tmp_path):
    assert "does not exist" in problems(parameters.inspect, tmp_path / "no.ipynb")[0]
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": [', encoding="utf-8")
    assert "cannot be read" in problems(parameters.inspect, broken)[0]
