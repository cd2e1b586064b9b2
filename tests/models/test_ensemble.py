"""Several networks as one: their mean, its file, a training that goes on where it was."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecglib.datasets.splits import split_beats
from ecglib.evaluation import model_cards
from ecglib.models.classifier import Classifier
from ecglib.models.ensemble import Ensemble, fit_together
from ecglib.models.model_file import ModelFileError, load_model, save_model
from ecglib.models.network import CNNLSTM, CONFIGS
from ecglib.models.training import fit
from ecglib.paths import Run
from tiny_training import QUICK, TINY, bumps


@pytest.fixture(scope="module")
def beats():
    return bumps()


@pytest.fixture(scope="module")
def split(beats):
    return split_beats(beats, "random")


@pytest.fixture(scope="module")
def trained(beats, split, tmp_path_factory):
    """An ensemble of two, its history, and where its checkpoints are."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return *fit_together(TINY, beats, split, QUICK, 2, 7, folder, "no", str), folder


@pytest.mark.parametrize("config", [TINY, replace(CONFIGS["rhythm"], dropout=0.0)])
def test_probabilities_are_the_mean_of_the_networks(config):
    torch.manual_seed(0)
    ensemble = Ensemble([CNNLSTM(config) for _ in range(3)])
    beats = np.random.default_rng(0).random((9, 187))
    rhythm = np.random.default_rng(1).normal(size=(9, 6))
    each = [Classifier(network, {}).predict_proba(beats, rhythm) for network in ensemble.networks]
    together = Classifier(ensemble, {})
    assert np.allclose(together.predict_proba(beats, rhythm), np.mean(each, axis=0), atol=1e-6)
    assert together.attention(beats).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_its_file_loads(tmp_path):
    ensemble, path = Ensemble([CNNLSTM(TINY) for _ in range(2)]), tmp_path / "two.safetensors"
    save_model(ensemble, path, {"name": "two"})
    loaded, card = load_model(path)
    assert card["architecture"]["networks"] == len(loaded.networks) == 2
    assert all(torch.equal(t, loaded.state_dict()[n]) for n, t in ensemble.state_dict().items())


@pytest.mark.parametrize("networks", [2**40, 3, 1, 0, -1, "two", None, 2.0])
def test_an_impossible_number_of_networks_is_refused(tmp_path, monkeypatch, networks):
    path, ensemble = tmp_path / "two.safetensors", Ensemble([CNNLSTM(TINY) for _ in range(2)])
    wrong = ensemble.architecture | {"networks": networks}
    monkeypatch.setattr(Ensemble, "architecture", wrong)
    save_model(ensemble, path, {"name": "two"})
    with pytest.raises(ModelFileError, match="does not fit|do not fit"):
        load_model(path)


def test_each_network_is_refitted_on_its_own(beats, split, trained):
    torch.manual_seed(8)
    alone = CNNLSTM(TINY)
    learnt = replace(split, train=np.concatenate([split.train, split.validation]))
    fit(alone, beats, learnt, QUICK, 8, precision="no", report=str)
    second = trained[0].networks[1].state_dict()
    assert all(torch.equal(second[name], tensor) for name, tensor in alone.state_dict().items())


def test_an_interrupted_training_goes_on(beats, split, trained):
    ensemble, history, folder = trained
    last = folder / "ensemble-random-8.pt"
    last.unlink()  # as if killed before the second network had its first epoch
    lines = []
    again, _ = fit_together(TINY, beats, split, QUICK, 2, 7, folder, "no", lines.append)
    assert [line.split()[0] for line in lines] == ["Network", "Going", "Network"] + ["epoch"] * 3
    assert last.is_file() and history.cpu_seconds.iloc[-1] >= history.cpu_seconds.iloc[0]
    state = again.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in ensemble.state_dict().items())


def test_it_is_judged_on_beats_that_it_has_not_learnt(beats, split, trained, tmp_path):
    ensemble, history, _ = trained
    run, learnt = Run(str(tmp_path), beats), split.for_refit()
    card = model_cards.evaluate_and_save(
        "pair", ensemble, 0.5, beats, learnt, QUICK, history, run, {"seed": 7}
    )
    assert set(card["metrics"]) == {"train", "test"}
    assert card["beats"]["train"] == len(split.train) + len(split.validation)
    assert sorted(path.name for path in run.predictions.iterdir()) == [
        "pair_test.npz",
        "pair_train.npz",
    ]
    served = Classifier.load(run.model_file("pair"))
    assert served.engine == "onnxruntime" and served.threshold == 0.5
