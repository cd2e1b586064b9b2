"""The five notebooks, one after the other, on synthetic beats: what `make smoke` does."""

import json

import nbformat
import pandas as pd
import pytest

import run_all
from ecglib.models.classifier import Classifier
from ecglib.models.patientwise.classifier import PatientwiseClassifier
from ecglib.paths import ROOT, Run


@pytest.mark.slow
def test_all_notebooks_run_and_keep_their_promises(tmp_path, capsys):
    run = Run(str(tmp_path / "smoke"), synthetic=True)
    shipped = {path: path.stat().st_mtime_ns for path in (ROOT / "models").glob("*.safetensors")}
    status = run_all.main(["--profile", "smoke"], outputs=str(tmp_path))
    assert status == 0, capsys.readouterr().err
    manifest = json.loads((run.folder / "run.json").read_text())
    assert len(manifest["notebooks"]) == 5
    assert manifest["data"]["source"] == "synthetic"
    assert manifest["metrics"]["knn_test_accuracy"] > 0.9
    for name in manifest["notebooks"]:
        notebook = nbformat.read(run.folder / "notebooks" / f"{name}.ipynb", as_version=4)
        assert not any(cell.metadata.get("widgets") for cell in notebook.cells)
        assert str(ROOT) not in nbformat.writes(notebook)
    # Everything that comes from synthetic beats says so, and no shipped model is touched.
    for path in run.metrics.glob("*.json"):
        assert json.loads(path.read_text())["data"] == "SYNTHETIC", path.name
    for path in run.figures.glob("*.svg"):
        assert "SYNTHETIC" in path.read_text(), path.name
    assert Classifier.load(run.model_file("compact")).card["trained_on"]["synthetic"]
    assert shipped == {p: p.stat().st_mtime_ns for p in (ROOT / "models").glob("*.safetensors")}

    # The same training once more, as run.json describes it: the very same weights.
    manifest["notebooks"] = {k: v for k, v in manifest["notebooks"].items() if k.startswith("03")}
    manifest["metrics"] = {}
    (run.folder / "run.json").write_text(json.dumps(manifest))
    assert run_all.main(["--verify", str(run.folder / "run.json")], outputs=str(tmp_path)) == 0
    assert "Weights of compact: identical" in capsys.readouterr().out


@pytest.mark.slow
def test_new_patients_get_a_model_of_their_own(tmp_path, capsys):
    run = Run(str(tmp_path / "smoke"), synthetic=True)
    shipped = (ROOT / "models" / "patients.safetensors").read_bytes()
    quick = {"02": "", "03": "-p epochs 1", "04": "-p n_explained 2 -p n_bootstrap 50"}
    for number, values in quick.items():
        call = f"--profile smoke --only {number} -p protocol patients {values}".split()
        assert run_all.main(call, outputs=str(tmp_path)) == 0, capsys.readouterr().err
    assert (ROOT / "models" / "patients.safetensors").read_bytes() == shipped
    saved = PatientwiseClassifier.load(run.model_file("patients"))
    assert saved.card["trained_on"]["protocol"] == "patients"
    assert "SYNTHETIC" in (run.figures / "03_context.svg").read_text()
    judged = pd.read_csv(run.metrics / "04_ec57.csv").set_index(["model", "class"])
    assert (judged.f1["patient-wise, both leads", "N, S, V"] > 0.8).all()
    ladder = pd.read_csv(run.metrics / "04_ladder.csv").set_index("model")
    assert ladder.macro_f1["patient-wise, both leads"] == pytest.approx(
        saved.card["metrics"]["test"]["macro_f1"], abs=1e-5
    )
