"""Only networks that were not trained on the test beats are compared."""

import pytest
import torch

from ecglib import paths
from ecglib.evaluation import model_cards
from ecglib.models.model_file import save_model
from ecglib.models.network import build_model
from ecglib.paths import Run


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
