import pytest

from ecglib.batch import parameters, profiles
from notebook_cells import CELL, notebook, problems


@pytest.fixture
def known(tmp_path):
    draws = "draws: int = 9  # bootstrap draws"
    cells = {"03": CELL, "04": draws}
    return {
        name: parameters.inspect(notebook(tmp_path / f"{name}.ipynb", (cell, ["parameters"])))
        for name, cell in cells.items()
    }


def yaml_file(folder, text, name="mine.yml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_later_values_win(known, tmp_path):
    profile = yaml_file(tmp_path, "epochs: 2\nrate: 0.5\ndraws: 7", "quick.yml")
    mine = yaml_file(tmp_path, "epochs: 3\nrate: 1e-4")
    pairs = [("epochs", "4"), ("epochs", "5")]
    values = profiles.merge(known, ["03"], [profile, mine], pairs)
    assert values == {"03": {"epochs": 5, "rate": 1e-4}}


def test_texts_become_values_of_the_declared_type(known):
    pairs = [("record", "007"), ("rate", "1"), ("augment", "False"), ("epochs", "20")]
    values = profiles.merge(known, ["03"], pairs=pairs)["03"]
    assert values == {"record": "007", "rate": 1.0, "augment": False, "epochs": 20}
    assert type(values["rate"]) is float


@pytest.mark.parametrize(
    "text, reason",
    [
        ("epoch: 3", "did you mean 'epochs'?"),
        ("zzz: 3", "no notebook has a parameter 'zzz'"),
        ("epochs: true", "must be of type int, but True is of type bool"),
        ("epochs: 3.0", "must be of type int"),
        ("epochs: '3'", "must be of type int"),
        ("record: 007", "must be of type str"),
        ("rate: .nan", "finite"),
        ("rate: " + "9" * 400, "too large"),
        ("epochs: 0", "between 1 and 200"),
        ("protocol: patient", "one of kaggle, patients, random"),
        ("epochs: [3]", "must be of type int"),
        ("epochs:", "must be of type int, but None"),
        ("'epochs; import os': 3", "no notebook has a parameter 'epochs; import os'"),
        ("5: 3", "no notebook has a parameter '5'"),
        ("epochs: 3\nrate: 0.1\nepochs: 4", "'epochs' appears more than once"),
        ("epochs: [3", "line 1: not YAML"),
        ("epochs: 3\n\trate: 1", "line 2: not YAML"),
        ("epochs: !!python/object/apply:os.getcwd []", "not YAML"),
        ("- epochs", "lines of the form"),
        ("epochs", "lines of the form"),
        ("epochs: 2020-13-45", "cannot be read"),
        ("run_dir: elsewhere", "set by the runner"),
    ],
)
def test_a_faulty_file_is_refused(known, tmp_path, text, reason):
    mine = yaml_file(tmp_path, text)
    (problem,) = problems(profiles.merge, known, ["03"], [mine])
    assert problem.startswith("mine.yml") and reason in problem


def test_every_problem_is_listed_at_once(known, tmp_path):
    files = [
        yaml_file(tmp_path, "epoch: 3\nepochs: x", "quick.yml"),
        yaml_file(tmp_path, "rate: 1\nrate: 2"),
        tmp_path / "missing.yml",
    ]
    pairs = [("epochs", "many"), ("draws", "5"), ("x=1;y", "1"), ("augment", "yes")]
    found = problems(profiles.merge, known, ["03"], files, pairs)
    assert len(found) == 8
    # an overridden value is checked as well, and so is a parameter of a notebook that is not run
    assert any(p.startswith("quick.yml: 'epochs'") for p in found)
    assert any("'draws' belongs to 04" in p for p in found)


@pytest.mark.parametrize("text", ["draws: 5", "# nothing"])
def test_a_file_may_be_empty_or_for_notebooks_that_are_not_run(known, tmp_path, text):
    assert profiles.merge(known, ["03"], [yaml_file(tmp_path, text)]) == {"03": {}}
