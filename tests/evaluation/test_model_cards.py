"""Networks that are shown beside each other know none of the test beats."""

import pytest
import torch

from ecglib import paths
from ecglib.evaluation import model_cards
from ecglib.models.model_file import save_model
from ecglib.models.network import build_model
from ecglib.paths import Run


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with networks of three protocols, and a shipped one."""
    monkeypatch.setattr(paths, "MODELS", tmp_path / "models")
    run = Run(str(tmp_path / "run"))
    torch.manual_seed(0)
    model = build_model("compact")
    of_run = {"a": ("kaggle", False), "b": ("patients", False), "c": ("kaggle", True)}
    for name, (protocol, synthetic) in of_run.items():
        card = {"name": name, "trained_on": {"protocol": protocol, "synthetic": synthetic}}
        save_model(model, run.folder / "models" / f"{name}.safetensors", card)
    save_model(model, tmp_path / "models" / "d.safetensors", card | {"trained_on": {
        "protocol": "kaggle", "synthetic": False}})  # fmt: skip
    return run


def test_networks_are_found_in_the_run_and_among_the_shipped(run):
    asked = ["d", "a", "absent", "", "b", "c", "a"]
    assert list(model_cards.find_networks(run, asked, "kaggle", False)) == ["d", "a"]
    assert list(model_cards.find_networks(run, asked, "patients", False)) == ["b"]
    assert list(model_cards.find_networks(run, asked, "kaggle", True)) == ["c"]
