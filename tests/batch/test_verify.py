"""`run_all.py --verify` repeats a run and compares the results."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from ecglib.batch import manifest, verify
from ecglib.batch.parameters import ParameterError, inspect
from ecglib.batch.runner import Stage
from ecglib.paths import ROOT
from notebook_cells import notebook
from run_project import COMMON, WRITE

SCORE = (
    WRITE.format(name="01_first")
    + """
content = f'{{"knn_test_accuracy": {seed + 0.5}}}'
made.with_name("headline.json").write_text(content)
"""
)
SEED = COMMON + "seed: int = 0  # of what is drawn (0 to 9)\n"

THEN = {
    "schema": manifest.SCHEMA,
    "profile": "quick",
    "data": {"source": "folder", "sha256": "d0"},
    "project": {"commit": "c0ffee", "dirty": False},
    "software": {"python": "3.11.7", "torch": "2.13.0"},
    "machine": {"platform": "Linux", "processor": "X", "features": ["avx2"], "threads": 2},
    "metrics": {"data": "MIT-BIH", "test_beats": 9, "a_test_accuracy": 0.9, "a_test_f1_s": 0.8},
    "notebooks": {
        "03": {
            "data_sha256": "d0",
            "parameters": {"seed": 0},
            "models": {"a": {"weights_sha256": "w0", "precision": "bf16"}},
        }
    },
}


def changed(*path_and_value):
    """THEN with one value changed."""
    *path, last, value = path_and_value
    content = copy.deepcopy(THEN)
    place = content
    for name in path:
        place = place[name]
    place[last] = value
    return content


@pytest.fixture
def project(project, monkeypatch):
    monkeypatch.setattr(manifest, "_project", lambda: {"commit": "c0ffee", "dirty": False})
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    project.write("01_first", SCORE, parameters=SEED)
    return project


def test_a_run_is_repeated_with_its_parameters(project, capsys):
    assert project.run("-p", "seed", "3") == 0
    file = project.output / "run.json"
    assert project.manifest()["metrics"]["knn_test_accuracy"] == 3.5
    assert project.run("--verify", str(file)) == 0
    printed = capsys.readouterr().out
    assert "Repeating the run with the code that made it." in printed
    assert "Conditions: the same" in printed and "1 of 1 are identical" in printed
    assert "The same result." in printed
    again = json.loads((project.folder / "outputs" / "quick-again" / "run.json").read_text())
    assert again["notebooks"]["01_first"]["parameters"]["seed"] == 3

    content = project.manifest()
    content["metrics"]["knn_test_accuracy"] = 3.6
    file.write_text(json.dumps(content))
    assert project.run("--verify", str(file)) == 1
    assert "-0.100000" in capsys.readouterr().out

    content["data"]["sha256"] = "other"
    for entry in content["notebooks"].values():
        entry["data_sha256"] = "other"
    file.write_text(json.dumps(content))
    assert project.run("--verify", str(file)) == 2
    assert "used other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "is not the run.json"),
        ({"schema": 0}, "is not the run.json"),
        ({"schema": manifest.SCHEMA}, "is incomplete"),
        (changed("notebooks", [1]), "is incomplete"),
        (changed("machine", {}), "is incomplete"),
        (changed("machine", "threads", "2; rm"), "is incomplete"),
        (changed("profile", "../../elsewhere"), "is incomplete"),
        (changed("software", None), "is incomplete"),
        (changed("notebooks", "03", "models", "x"), "is incomplete"),
        (changed("metrics", 3), "is incomplete"),
        (changed("data", "sha256", "d1"), "03 was made from other data"),
    ],
)
def test_an_incomplete_manifest_is_refused(tmp_path, content, words):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ParameterError, match=words):
        verify.read(file)


def test_other_files_end_in_a_sentence(tmp_path, project, capsys):
    (tmp_path / "run.json").write_text("[" * 10**5)
    (tmp_path / "folder" / "run.json").mkdir(parents=True)
    for path in ("run.json", "folder/run.json", "folder", "nowhere/run.json"):
        assert project.run("--verify", str(tmp_path / path)) == 2
        assert "is not the run.json" in capsys.readouterr().err


def test_data_of_ones_own_have_to_be_named_again(tmp_path):
    known = {"03": inspect(notebook(tmp_path / "03.ipynb", (SEED, ["parameters"])))}
    then = changed("notebooks", "03", "parameters", {"root": "mine"})
    stages = [Stage("03", "", ())]
    with pytest.raises(ParameterError, match="--root FOLDER"):
        verify.plan(then, stages, known)
    assert verify.plan(then, stages, known, [("root", "here")])[1] == {"03": {"root": "here"}}
    with pytest.raises(ParameterError, match="03: 'seed' must be of type int"):
        verify.plan(then, stages, known, [("root", "here"), ("seed", "many")])


def test_parameters_that_are_gone_are_named():
    with pytest.raises(ParameterError, match="has no parameter 'seed' any more\n.*commit c0ffee"):
        verify.plan(THEN, [Stage("03", "", ())], {"03": {}})
    with pytest.raises(ParameterError, match="no notebook '03' any more"):
        verify.plan(THEN, [], {})


OTHER_THREADS = changed("machine", "threads", 1)


def both(other, **metrics):
    return other | {"metrics": THEN["metrics"] | metrics}


def model(name, value):
    return changed("notebooks", "03", "models", "a", name, value)


@pytest.mark.parametrize(
    ("now", "same", "words"),
    [
        (THEN, True, "The same result."),
        (OTHER_THREADS, True, "The same result."),
        (both(THEN, a_test_accuracy=0.901), False, "although nothing else has changed"),
        (both(OTHER_THREADS, a_test_accuracy=0.901), True, "What differs: threads"),
        (both(OTHER_THREADS, a_test_accuracy=0.91), False, "Another result."),
        (both(OTHER_THREADS, a_test_f1_s=0.78), True, "within the tolerance"),
        (both(OTHER_THREADS, a_test_f1_s=None), False, "Another result."),
        (both(OTHER_THREADS, new=1), False, "Another result."),
        (both(OTHER_THREADS, data="SYNTHETIC"), False, "Another result."),
        (model("weights_sha256", "w1"), False, "Weights of a: not identical"),
        (changed("notebooks", "03", "models", {}), True, "Weights of a: not recorded"),
        (model("precision", "no"), True, "precision of a: bf16 then, no now"),
    ],
)
def test_results_are_compared(now, same, words, capsys):
    assert verify.report(THEN, now) is same
    assert words in capsys.readouterr().out


def at(commit, then=THEN, **metrics):
    """A run of another commit, with further metrics."""
    return both(then | {"project": {"commit": commit, "dirty": False}}, **metrics)


FA57, DIRTY = changed("notebooks", "03", "commit", "fa57"), changed("project", "dirty", True)


@pytest.mark.parametrize(
    ("then", "now", "same", "words"),
    [
        (THEN, at("d0c5"), True, "Conditions: the same"),  # only the README has changed
        (THEN, at("d0c5", a_test_accuracy=0.901), False, "although nothing else has changed"),
        (THEN, at("fa57", a_test_accuracy=0.901), True, "  code of 03: c0ffee then, fa57 now"),
        (THEN, at("fa57", a_test_accuracy=0.91), False, "Another result."),
        (THEN, at("fa57", new=1), True, "Metrics only now: new\n"),
        (at("fa57", new=1), THEN, True, "Metrics only then: new\n"),
        (at(None), at(None), True, "code of 03: unknown then, unknown now"),
        (DIRTY, THEN, True, "code of 03: c0ffee with changes then, c0ffee now"),
        (FA57, THEN, True, "code of 03: fa57 then, c0ffee now"),
    ],
)
def test_only_the_code_of_a_commit_matters(monkeypatch, then, now, same, words, capsys):
    trees = {"c0ffee": "a", "d0c5": "a", "fa57": "b"}
    monkeypatch.setattr(manifest, "code", trees.get)
    assert verify.report(then, now) is same
    assert words in capsys.readouterr().out


def test_notebooks_of_different_runs_have_conditions_of_their_own(monkeypatch, capsys):
    monkeypatch.setattr(manifest, "code", lambda commit: commit)
    then = changed("started", "2026-02-02")
    early = {"finished": "2026-01-01", "commit": "fa57", "data_sha256": "d0", "parameters": {}}
    then["notebooks"] |= {"01": early, "04": early | {"finished": "2026-02-03", "commit": "c0ffee"}}
    printed = verify.foreword(then, THEN)
    assert printed.startswith("The code of 01 is not that of the run (fa57), so results may differ")
    now = changed("notebooks", "01", {"parameters": {}})
    assert verify.report(then, both(now, a_test_accuracy=0.901))
    printed = capsys.readouterr().out
    assert "  code of 01: fa57 then, c0ffee now" in printed and "code of 04" not in printed
    assert "  software and machine of 01: unknown then, recorded now" in printed


def test_the_code_of_a_commit():
    if (head := manifest._project()["commit"]) is None:
        pytest.skip("no git here")
    assert manifest.code(head).count("\n") == 2
    assert manifest.code("0" * 40) is manifest.code("--all") is manifest.code(None) is None


def test_weights_are_told_apart_but_not_cards(tmp_path):
    described = []
    for number, (weight, seconds) in enumerate([(1.0, "3"), (1.0, "400000"), (2.0, "3")]):
        path = tmp_path / f"{number}.safetensors"
        card = json.dumps({"training": {"precision": "no", "cpu_seconds": seconds}})
        save_file({"x": np.array([weight])}, path, metadata={"card": card})
        described.append(manifest.describe_model(path))
    assert described[0] == described[1] != described[2]
    assert described[0]["precision"] == "no"


def test_a_tolerance_is_wider_than_between_seeds_and_that_of_an_interval_is_its_scores():
    assert verify.tolerance("compact_test_accuracy_records_low") == verify.TOLERANCES["accuracy"]
    assert verify.tolerance("compact_test_f1_f") == verify.TOLERANCE
    table = pd.read_csv(ROOT / "benchmarks" / "results" / "seeds.csv")
    seeds = table.query("architecture == 'compact' and recipe == 'fast'")
    assert len(seeds) > 1
    for score in ("accuracy", "macro_f1"):
        assert np.ptp(seeds[f"test_{score}"]) < verify.tolerance(f"compact_test_{score}")
