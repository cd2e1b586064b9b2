"""Evaluated networks and their model cards; networks that know the test beats are left out."""

import pytest
import torch

from ecglib import paths
from ecglib.datasets.splits import split_beats
from ecglib.evaluation import model_cards
from ecglib.models.classifier import Classifier
from ecglib.models.model_file import save_model
from ecglib.models.network import build_model
from ecglib.paths import Run
from tiny_training import QUICK, bumps, train


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a run with networks of three protocols; one more is shipped."""
    monkeypatch.setattr(paths, "MODELS", tmp_path / "models")
    torch.manual_seed(0)
    model = build_model("compact")
    networks = {"a": ("kaggle", False), "b": ("patients", False), "c": ("kaggle", True)}
    for name, (protocol, synthetic) in (networks | {"d": ("kaggle", False)}).items():
        card = {"name": name, "trained_on": {"protocol": protocol, "synthetic": synthetic}}
        place = tmp_path if name == "d" else tmp_path / "run"
        save_model(model, place / "models" / f"{name}.safetensors", card)
    return str(tmp_path / "run")


@pytest.mark.parametrize(
    ("synthetic", "protocol", "expected"),
    [(False, "kaggle", ["d", "a"]), (False, "patients", ["b"]), (True, "kaggle", ["c"])],
)
def test_networks_of_the_run_and_of_the_project(folder, synthetic, protocol, expected):
    names = ["d", "a", "absent", "", "b", "c", "a"]
    run = Run(folder, synthetic=synthetic)
    assert list(model_cards.find_networks(run, names, protocol)) == expected


def test_a_network_is_evaluated_on_the_sets_that_it_was_not_chosen_on(tmp_path):
    beats = bumps()
    split, run = split_beats(beats, "random"), Run(str(tmp_path), beats)
    model, history, _ = train(beats, split=split)
    threshold, refit = model_cards.calibrate(model, beats, split), split.for_refit()
    card = model_cards.evaluate_and_save(
        "tiny", model, threshold, beats, refit, QUICK, history, run, {"seed": 7}
    )
    assert set(card["metrics"]) == {"train", "test"}  # no validation beats are left
    assert card["beats"]["train"] == len(split.train) + len(split.validation)
    names = sorted(path.name for path in run.predictions.iterdir())
    assert names == ["tiny_test.npz", "tiny_train.npz"]
    saved = Classifier.load(run.model_file("tiny"))
    assert saved.engine == "onnxruntime" and saved.threshold == threshold
    assert saved.card["training"]["seed"] == 7 and saved.card["trained_on"]["synthetic"]
