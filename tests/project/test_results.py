"""What the project ships is what it says: the model, its card, the README's numbers."""

import json
import re
import runpy
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from ecglib import Classifier, split_beats
from ecglib.metrics.tables import summary
from ecglib.models.model_file import read_card
from ecglib.paths import MODELS

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("compact", "deep", "rhythm", "best", "best_beat", "ensemble")


@pytest.fixture(scope="module")
def metrics():
    return json.loads((ROOT / "outputs" / "quick" / "run.json").read_text())["metrics"]


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load()


@pytest.mark.data
@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_models_are_as_good_as_their_cards_say(name, mitdb_beats):
    classifier = Classifier.load(MODELS / f"{name}.safetensors")
    index = split_beats(mitdb_beats, "kaggle").test
    rhythm = mitdb_beats.rhythm
    proba = classifier.predict_proba(mitdb_beats.signal[index], rhythm[index])
    found, said = summary(mitdb_beats.label[index], proba), classifier.card["metrics"]["test"]
    for score in ("accuracy", "macro_f1", "ece"):
        assert found[score] == pytest.approx(said[score], abs=1e-3), score


@pytest.mark.parametrize("name", NETWORKS)
def test_readme_quotes_every_shipped_model(name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    test = read_card(MODELS / f"{name}.safetensors")["metrics"]["test"]
    assert f"{100 * test['accuracy']:.2f}" in readme and f"{100 * test['macro_f1']:.2f}" in readme


def test_model_card_page_says_what_the_cards_say():
    page = runpy.run_path(str(ROOT / "scripts" / "make_model_card.py"))["card_page"]()
    assert (MODELS / "README.md").read_text(encoding="utf-8") == page


def test_every_network_has_its_onnx_form():
    for name in NETWORKS:
        assert Classifier.load(MODELS / f"{name}.safetensors").engine == "onnxruntime", name


def test_shipped_model_is_the_one_of_the_quick_run(classifier, metrics):
    said = classifier.card["metrics"]["test"]
    assert metrics["compact_test_accuracy"] == pytest.approx(said["accuracy"], abs=1e-5)
    assert metrics["compact_test_macro_f1"] == pytest.approx(said["macro_f1"], abs=1e-5)
    assert classifier.card["trained_on"]["synthetic"] is False


def test_ecg_of_real_size_is_calm(classifier):
    """A flat line and noise are no reason to crash, whatever they are called."""
    rng = np.random.default_rng(0)
    for beat in (np.zeros(187), np.ones(187), rng.random(187)):
        assert np.isfinite(classifier.predict_proba(beat)).all()


@pytest.mark.parametrize("model", ["knn", "compact"])
@pytest.mark.parametrize("score", ["accuracy", "macro_f1"])
def test_readme_quotes_the_quick_run(metrics, model, score):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{100 * metrics[f'{model}_test_{score}']:.2f}" in readme


def test_readme_quotes_the_spread_over_seeds():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    seeds = pd.read_csv(ROOT / "benchmarks" / "results" / "seeds.csv")
    for name, own in seeds.groupby(["architecture", "recipe"]):
        accuracy, macro_f1 = 100 * own.test_accuracy, 100 * own.test_macro_f1
        quoted = f"mean ± SD of {len(own)} seeds | {accuracy.mean():.2f} ± {accuracy.std():.2f} | "
        assert len(own) >= 3, name
        assert quoted + f"{macro_f1.mean():.2f} ± {macro_f1.std():.2f} |" in readme, name
    sprint = seeds[(seeds.architecture == "compact") & (seeds.recipe == "sprint")]
    assert f"(`-p recipe sprint`) take {sprint.cpu_seconds.mean():.0f} CPU seconds" in readme


def test_readme_quotes_what_the_split_gives_away():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    leak = pd.read_csv(ROOT / "benchmarks" / "results" / "leak.csv")
    leak = leak[(leak.beats_asked == "all") & (leak.seed == 0)]
    assert {"kaggle", "patients"} <= set(leak.protocol)
    for row in leak.itertuples():
        quoted = f"{100 * row.macro_f1:.1f} ({100 * row.f1_S:.1f}, {100 * row.f1_V:.1f})"
        assert quoted in readme, (row.protocol, row.model)


def test_readme_quotes_the_scores_on_new_patients():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    seeds = pd.read_csv(ROOT / "benchmarks" / "results" / "patients_seeds.csv")
    assert {"both leads", "first lead"} <= set(seeds.leads)
    for leads, own in seeds.groupby("leads"):
        assert own.seed.nunique() == 5
        mean = 100 * own.groupby("records").mean(numeric_only=True)
        for records in ["all", "without 202", "without 232"] if leads == "both leads" else ["all"]:
            row = mean.loc[records]
            quoted = (
                f"| {row.accuracy:.2f} | {row.macro_f1:.2f} ({row.macro_f1_low:.1f} to "
                f"{row.macro_f1_high:.1f}) | {row.S_f1:.2f} | {row.V_f1:.2f} |"
            )
            assert quoted in readme, (leads, records)


@pytest.mark.data
def test_the_shipped_patient_wise_model_is_the_one_that_was_scored(mitdb):
    from ecglib.models.patientwise.classifier import PatientwiseClassifier
    from ecglib.models.patientwise.training import described_beats
    from ecglib.recordings.wfdb import read_recording

    found, label = described_beats(read_recording(mitdb / "231"))
    predicted = PatientwiseClassifier.load().judge(found).argmax(axis=1)
    records = pd.read_csv(ROOT / "benchmarks" / "results" / "patients_records.csv")
    own = records[(records.record == 231)].set_index("class")
    assert ((label == 0) & (predicted == 0)).sum() == own.tp["N"]


@pytest.mark.parametrize("snr_db", [0, float("inf")])
def test_readme_quotes_what_training_with_noise_does(snr_db):
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    table = pd.read_csv(ROOT / "benchmarks" / "results" / "noise.csv")
    table = table[table.noise.isin(["em", "none"]) & (table.snr_db == snr_db)]
    table = table.set_index("training")
    without, hardened = 100 * table.macro_f1[["without noise", "with noise"]]
    assert f"{without:.1f} to {hardened:.1f} %" in readme


def test_the_page_on_serving_quotes_what_archives_and_days_take():
    page = " ".join((ROOT / "app" / "README.md").read_text(encoding="utf-8").split())
    archive = pd.read_csv(ROOT / "benchmarks" / "results" / "archive.csv")
    one, two = archive[archive.kills == 0].set_index("workers").seconds[[1, 2]]
    assert f"took one worker {one:.0f} s and two {two:.0f} s" in page
    assert archive.beats.nunique() == 1 and archive.kills.max() == 10
    day = pd.read_csv(ROOT / "benchmarks" / "results" / "recording_speed.csv").iloc[-1]
    assert day.hours == 24
    said = f"A day of two leads took {day.wall_seconds:.0f} s and never more than"
    assert f"{said} {day.peak_mb / 1000:.2f} GB" in page


def test_the_page_on_serving_says_what_was_measured_of_growth() -> None:
    """Half a minute, an hour, an hour and a half and 73 GB, within a factor of 1.5."""
    table = pd.read_csv(ROOT / "benchmarks" / "results" / "archive_growth.csv", index_col="step")
    hours = 1e6 / table["per_second"] / 3600
    said = {"list": 0.5 / 60, "hand out": 1.0, "put together": 1.5}
    assert all(said[step] / 1.5 < hours[step] < said[step] * 1.5 for step in said)
    assert round(table["bytes_each"]["put together"] * 1e6 / 1e9) == 73


def test_readme_quotes_the_cost_of_the_quick_run():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    history = pd.read_csv(ROOT / "outputs" / "quick" / "metrics" / "03_history.csv")
    assert f"{history.cpu_seconds.iloc[-1]:.0f} CPU seconds" in readme


def test_quick_run_is_whole_and_real(metrics):
    run = json.loads((ROOT / "outputs" / "quick" / "run.json").read_text())
    assert len(run["notebooks"]) == 5
    assert run["project"]["dirty"] is False
    assert metrics["data"] == "MIT-BIH" and metrics["protocol"] == "kaggle"
    assert len({entry["data_sha256"] for entry in run["notebooks"].values()}) == 1


@pytest.mark.parametrize("profile", ["quick", "full"])
@pytest.mark.parametrize(
    "lesson", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem
)
def test_executed_notebooks_are_those_of_today(profile, lesson):
    """Whoever reads an executed notebook reads the lesson as it is, not as it was."""
    executed = nbformat.read(ROOT / "outputs" / profile / "notebooks" / lesson.name, as_version=4)
    shown = {
        cell.id: cell.source
        for cell in executed.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    }
    cells = nbformat.read(lesson, as_version=4).cells
    assert shown == {cell.id: cell.source for cell in cells}


@pytest.mark.parametrize("page", ["README.md", "app/README.md", "benchmarks/README.md"])
def test_pages_name_only_files_and_headings_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
    links = [link for pair in links for link in pair if link and "://" not in link]
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in headings}
    assert [link for link in links if link[0] == "#" and link[1:] not in anchors] == []
    files = [link.partition("#")[0] for link in links if link[0] != "#"]
    files += re.findall(
        r"`((?:benchmarks|outputs|models|scripts|tests|ecglib)/[\w./]+\.\w+)`", text
    )
    files = [name for name in files if "PROFILE" not in name]
    assert files
    there = [(folder / name).exists() or (ROOT / name).exists() for name in files]
    assert [name for name, found in zip(files, there, strict=True) if not found] == []


def test_the_page_says_what_the_recipe_study_found():
    page = " ".join((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").split())
    study = pd.read_csv(ROOT / "benchmarks" / "results" / "study.csv")
    mean = study.groupby("variant").mean()
    macro_f1 = 100 * (mean.validation_macro_f1 - mean.validation_macro_f1["sprint"])
    loss = mean.validation_loss / mean.validation_loss["sprint"] - 1
    found = {
        "macro F1 lower by more than 0.5 points": macro_f1 < -0.5,
        "macro F1 higher by more than 0.5 points": macro_f1 > 0.5,
        "cross-entropy higher by more than 5 %": loss > 0.05,
        "cross-entropy lower by more than 5 %": loss < -0.05,
    }
    for what, variants in found.items():
        names = ", ".join(f"*{name}*" for name in mean.index[variants])
        assert f"**{what}**: {names}." in page, what


def test_every_benchmark_has_its_line():
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert f"| `{path.name}` |" in page, path.name
    for path in (ROOT / "benchmarks" / "results").glob("*.csv"):
        assert f"`{path.stem}`" in page, path.name
