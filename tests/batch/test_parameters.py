import pytest

from ecglib.batch import parameters
from notebook_cells import CELL, notebook, problems


def test_type_default_help_limits_and_choices_are_read(tmp_path):
    found = parameters.inspect(notebook(tmp_path / "{03}.ipynb", (CELL, ["parameters"])))
    epochs, protocol = found["epochs"], found["protocol"]
    assert list(found) == ["epochs", "rate", "augment", "protocol", "record"]
    assert (epochs.type, epochs.default, epochs.limits) == (int, 14, (1, 200))
    assert epochs.help == "passes over the training beats (1 to 200)"
    assert protocol.choices == ("kaggle", "patients", "random")
    assert found["record"].choices == ()


@pytest.mark.parametrize(
    "line, reason",
    [
        ("epochs = 3  # no type", "must read"),
        ("epochs: int = 3", "must read"),
        ("epochs: int  # no value", "must read"),
        ("import os  # code", "must read"),
        ("epochs: int = 3  # three\nimport os  # code", "must read"),
        ("text: str = 'a=b'  # two", "a single ="),
        ("epochs: list[int] = [3]  # a list", "type is 'list[int]'"),
        ("epochs: int = 2 * 7  # computed", "literal"),
        ("epochs: int = {[]: 1}  # no value", "literal"),
        ("epochs: int = True  # not a number", "type bool"),
        ("epochs: int = 0  # too small (1 to 9)", "between 1 and 9"),
        ("epochs: int = 3  # one\nepochs: int = 4  # two", "appears twice"),
        ("epochs: int = = 3  # typo", "not Python"),
    ],
)
def test_a_faulty_parameters_cell_is_refused(tmp_path, line, reason):
    path = notebook(tmp_path / "03.ipynb", (line, ["parameters"]))
    found = problems(parameters.inspect, path)
    assert reason in found[-1] and "03.ipynb" in found[-1]


@pytest.mark.parametrize("tagged", [0, 2])
def test_exactly_one_parameters_cell(tmp_path, tagged):
    path = notebook(tmp_path / "03.ipynb", *[(CELL, ["parameters"])] * tagged, ("1", []))
    assert problems(parameters.inspect, path) == [
        f"03.ipynb has {tagged} cells tagged 'parameters', not one"
    ]


def test_a_missing_or_broken_notebook_is_a_problem_not_a_traceback(tmp_path):
    assert "does not exist" in problems(parameters.inspect, tmp_path / "no.ipynb")[0]
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": [', encoding="utf-8")
    assert "cannot be read" in problems(parameters.inspect, broken)[0]
