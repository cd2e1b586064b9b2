"""What the project ships is what it says: models, their cards, the numbers on its pages."""

import json
import re
import runpy
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from ecglib import Classifier, PatientwiseClassifier, split_beats
from ecglib.metrics.tables import PUBLISHED_RESULTS, summary
from ecglib.models.model_file import read_card
from ecglib.paths import MODELS, ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGES = ("README.md", "CONTRIBUTING.md", "app/README.md", "benchmarks/README.md")
NETWORKS = ("compact", "deep", "rhythm", "ensemble")


@cache
def page(name: str) -> str:
    """A page with its lines joined, as a sentence may be broken anywhere."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


@pytest.fixture(scope="module")
def quick() -> dict:
    return json.loads((ROOT / "outputs/quick/run.json").read_text(encoding="utf-8"))


# --- the models ----------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_models_are_as_good_as_their_cards_say(name: str, mitdb_beats) -> None:
    classifier = Classifier.load(MODELS / f"{name}.safetensors")
    index = split_beats(mitdb_beats, "kaggle").test
    rhythm = mitdb_beats.rhythm
    proba = classifier.predict_proba(mitdb_beats.signal[index], rhythm[index])
    found, said = summary(mitdb_beats.label[index], proba), classifier.card["metrics"]["test"]
    for score in ("accuracy", "macro_f1", "ece"):
        assert found[score] == pytest.approx(said[score], abs=1e-3), score


@pytest.mark.data
def test_the_shipped_patient_wise_model_is_the_one_that_was_scored(mitdb: Path) -> None:
    from ecglib.models.patientwise.training import described_beats
    from ecglib.recordings.wfdb import read_recording

    found, label = described_beats(read_recording(mitdb / "231"))
    predicted = PatientwiseClassifier.load().predict_described(found).argmax(axis=1)
    own = table("patients_records").query("record == 231").set_index("class")
    assert ((label == 0) & (predicted == 0)).sum() == own.tp["N"]


def test_model_card_page_says_what_the_cards_say() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "make_model_card.py"))["card_page"]()
    assert (MODELS / "README.md").read_text(encoding="utf-8") == written


def test_networks_have_their_onnx_form_and_survive_odd_beats() -> None:
    beats = np.stack([np.zeros(187), np.ones(187), np.random.default_rng(0).random(187)])
    for name in NETWORKS:
        classifier = Classifier.load(MODELS / f"{name}.safetensors")
        assert classifier.engine == ("torch" if name == "deep" else "onnxruntime")
        assert np.isfinite(classifier.predict_proba(beats)).all(), name


def test_quick_run_is_whole_real_and_made_the_default_model(quick: dict) -> None:
    assert len(quick["notebooks"]) == 5
    assert quick["project"]["dirty"] is False
    assert quick["metrics"]["data"] == "MIT-BIH" and quick["metrics"]["protocol"] == "kaggle"
    assert len({entry["data_sha256"] for entry in quick["notebooks"].values()}) == 1
    card = read_card(MODELS / "compact.safetensors")
    assert card["trained_on"]["synthetic"] is False
    for score in ("accuracy", "macro_f1"):
        said = pytest.approx(card["metrics"]["test"][score], abs=1e-5)
        assert quick["metrics"][f"compact_test_{score}"] == said


@pytest.mark.parametrize(
    "lesson", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem
)
def test_executed_notebooks_are_those_of_today(lesson: Path) -> None:
    executed = nbformat.read(ROOT / "outputs/quick/notebooks" / lesson.name, as_version=4)
    shown = {
        cell.id: cell.source
        for cell in executed.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    }
    cells = nbformat.read(lesson, as_version=4).cells
    assert shown == {cell.id: cell.source for cell in cells}


# --- the README ----------------------------------------------------------------------------------


def test_readme_quotes_the_scores_on_known_people() -> None:
    readme = page("README.md")
    metrics = ROOT / "outputs" / "quick" / "metrics"
    found = json.loads((metrics / "headline.json").read_text(encoding="utf-8"))
    for model in ("most_frequent", "knn", "compact"):
        row = [
            [100 * found[f"{model}_test_{score}{end}"] for end in ("", "_low", "_high")]
            for score in ("accuracy", "macro_f1")
        ]
        cells = [f"{value:.2f} ({low:.2f} to {high:.2f})" for value, low, high in row]
        assert " | ".join(cells) in readme, model
    ensemble = read_card(MODELS / "ensemble.safetensors")["metrics"]["test"]
    for scores in (ensemble, *PUBLISHED_RESULTS.values()):
        assert f"| {100 * scores['accuracy']:.2f} | {100 * scores['macro_f1']:.2f} |" in readme
    seconds = pd.read_csv(metrics / "03_history.csv").cpu_seconds.iloc[-1]
    parameters = read_card(MODELS / "compact.safetensors")["parameters"]
    assert f"has {parameters:,} parameters and trained for {seconds:.0f} CPU seconds" in readme


def test_readme_quotes_the_scores_on_new_people() -> None:
    readme = page("README.md")
    seeds = table("patients_seeds").query("leads == 'both leads'")
    mean = 100 * seeds.groupby("records").mean(numeric_only=True)
    row = mean.loc["all"]
    interval = f"{row.macro_f1:.2f} ({row.macro_f1_low:.1f} to {row.macro_f1_high:.1f})"
    assert f"| {row.accuracy:.2f} | {interval}, of N, S and V |" in readme
    assert f"macro F1 is {mean.macro_f1['without 232']:.2f}" in readme
    leak = table("leak").query("protocol == 'patients' and beats_asked == 'all' and seed == 0")
    f1 = 100 * leak.set_index("model").macro_f1
    assert f"is {f1['compact']:.1f} for the compact network" in readme
    assert f"and {f1['KNN']:.1f} for the KNN" in readme


def test_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200


def test_readme_code_classifies_a_recording(recordings: Path, monkeypatch, capsys) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(import ecglib\n.*?)```", text, re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line]) <= 5
    file = str(next(recordings.glob("*.hea")))
    exec(code.replace("night.edf", file), {})
    assert "confidence" in capsys.readouterr().out


# --- the other pages -----------------------------------------------------------------------------


def test_benchmarks_page_quotes_the_spread_over_seeds() -> None:
    for name, own in table("seeds").groupby(["architecture", "recipe"]):
        accuracy, macro_f1 = 100 * own.test_accuracy, 100 * own.test_macro_f1
        quoted = f"mean ± SD of {len(own)} seeds | {accuracy.mean():.2f} ± {accuracy.std():.2f} | "
        assert len(own) >= 3, name
        quoted += f"{macro_f1.mean():.2f} ± {macro_f1.std():.2f} |"
        assert quoted in page("benchmarks/README.md"), name


def test_benchmarks_page_quotes_what_a_split_by_beat_reveals() -> None:
    for row in table("leak").query("beats_asked == 'all' and seed == 0").itertuples():
        quoted = f"{100 * row.macro_f1:.1f} ({100 * row.f1_S:.1f}, {100 * row.f1_V:.1f})"
        assert quoted in page("benchmarks/README.md"), (row.protocol, row.model)


def test_benchmarks_page_quotes_the_scores_on_new_patients() -> None:
    seeds = table("patients_seeds")
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
            assert quoted in page("benchmarks/README.md"), (leads, records)


@pytest.mark.parametrize("snr_db", [0, float("inf")])
def test_benchmarks_page_quotes_what_training_with_noise_does(snr_db: float) -> None:
    noise = table("noise").query("noise in ['em', 'none']")
    noise = noise[noise.snr_db == snr_db].set_index("training")
    without, hardened = 100 * noise.macro_f1[["without noise", "with noise"]]
    assert f"{without:.1f} to {hardened:.1f} %" in page("benchmarks/README.md")


def test_benchmarks_page_says_what_the_recipe_study_found() -> None:
    script = (ROOT / "benchmarks" / "study.py").read_text(encoding="utf-8")
    base = re.search(r'^BASE = "(.+)"', script, re.MULTILINE)[1]
    mean = table("study").groupby("variant").mean()
    macro_f1 = 100 * (mean.validation_macro_f1 - mean.validation_macro_f1[base])
    loss = mean.validation_loss / mean.validation_loss[base] - 1
    found = {
        "macro F1 lower by more than 0.5 points": macro_f1 < -0.5,
        "macro F1 higher by more than 0.5 points": macro_f1 > 0.5,
        "cross-entropy higher by more than 5 %": loss > 0.05,
        "cross-entropy lower by more than 5 %": loss < -0.05,
    }
    for what, variants in found.items():
        names = ", ".join(f"*{name}*" for name in mean.index[variants])
        assert f"**{what}**: {names}." in page("benchmarks/README.md"), what


def test_every_benchmark_has_its_line() -> None:
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert f"| `{path.name}` |" in page("benchmarks/README.md"), path.name
    for path in RESULTS.glob("*.csv"):
        assert f"`{path.stem}`" in page("benchmarks/README.md"), path.name


def test_the_page_on_serving_quotes_what_archives_and_days_take() -> None:
    archive = table("archive")
    one, two = archive[archive.kills == 0].set_index("workers").seconds[[1, 2]]
    assert f"took one worker {one:.0f} s and two {two:.0f} s" in page("app/README.md")
    assert archive.beats.nunique() == 1 and archive.kills.max() == 10
    day = table("recording_speed").iloc[-1]
    assert day.hours == 24
    said = f"A day of two leads took {day.wall_seconds:.0f} s and never more than"
    assert f"{said} {day.peak_mb / 1000:.2f} GB" in page("app/README.md")


def test_the_page_on_serving_says_what_was_measured_of_growth() -> None:
    """Half a minute, an hour, an hour and a half and 73 GB, within a factor of 1.5."""
    growth = table("archive_growth").set_index("step")
    hours = 1e6 / growth["per_second"] / 3600
    said = {"list": 0.5 / 60, "hand out": 1.0, "put together": 1.5}
    assert all(said[step] / 1.5 < hours[step] < said[step] * 1.5 for step in said)
    assert round(growth["bytes_each"]["put together"] * 1e6 / 1e9) == 73


@pytest.mark.parametrize("name", PAGES)
def test_pages_name_only_files_and_headings_that_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
    links = [link for pair in links for link in pair if link and "://" not in link]
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}
    assert [link for link in links if link[0] == "#" and link[1:] not in anchors] == []
    files = [link.partition("#")[0] for link in links if link[0] != "#" and "/actions/" not in link]
    files += re.findall(
        r"`((?:benchmarks|outputs|models|scripts|tests|ecglib)/[\w./]+\.\w+)`", text
    )
    there = [(ROOT / name).parent, ROOT]
    missing = [f for f in files if not any((folder / f).exists() for folder in there)]
    assert files and [f for f in missing if not re.search("PROFILE|NAME|FOLDER", f)] == []
