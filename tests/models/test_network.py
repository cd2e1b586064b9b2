"""The networks: sizes, shapes, standardisation, and several networks as one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ecglib.models.network import (
    CNNLSTM,
    CONFIGS,
    Ensemble,
    ModelConfig,
    build_model,
    count_parameters,
    layer_table,
    predict_logits,
)
from tiny_training import TINY


@pytest.mark.parametrize("name", CONFIGS)
def test_shapes(name):
    model = build_model(name).eval()
    logits, attention = model.forward_with_attention(torch.rand(3, 187))
    assert logits.shape == (3, 5)
    assert attention.shape[0] == 3
    assert attention.shape[1] > 8  # the LSTM reads a sequence, not one step
    assert torch.allclose(attention.sum(dim=1), torch.ones(3), atol=1e-5)


def test_slope_and_padding_are_seen():
    model = build_model("compact")
    beat = torch.zeros(1, 187)
    beat[0, :4] = torch.tensor([1.0, 0.4, 0.0, 0.2])  # a zero inside a beat is not padding
    _, slope, inside = model.inputs(beat)[0]
    assert slope[:5].tolist() == pytest.approx([0, -6, -4, 2, -2], abs=1e-5)
    assert inside.tolist() == [1.0] * 4 + [0.0] * 183
    assert build_model("deep").inputs(beat).shape == (1, 1, 187)


def test_sizes():
    assert count_parameters(build_model("deep")) == 2_649_350  # as published
    assert count_parameters(build_model("compact")) < 264_935


def test_layers_are_listed_in_order():
    table = layer_table(build_model("compact"))
    assert table.layer.tolist() == ["Conv1d"] * 4 + ["LSTM"] + ["Linear"] * 3
    assert table.output.iloc[[0, -1]].tolist() == ["32 × 94", "5"]


def test_configs_survive_json():
    for config in CONFIGS.values():
        assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="compact, deep"):
        build_model("wide")


def test_standardisation_is_scikit_learns():
    from sklearn.preprocessing import StandardScaler

    signal = np.random.default_rng(0).random((50, 187), dtype=np.float32)
    signal[:, 180:] = 0.0  # never varies: left as it is, not divided by zero
    model = CNNLSTM(CONFIGS["compact"])
    model.fit_standardisation(torch.from_numpy(signal))
    scaler = StandardScaler().fit(signal)
    assert np.allclose(model.mean, scaler.mean_, atol=1e-6)
    assert np.allclose(model.scale, scaler.scale_, atol=1e-6)


def test_batches_do_not_change_logits():
    model = build_model("compact")
    signal = np.random.default_rng(0).random((37, 187), dtype=np.float32)
    together = predict_logits(model, signal)
    assert torch.allclose(together, predict_logits(model, signal, batch_size=5), atol=1e-4)
    assert not together.requires_grad


@pytest.mark.parametrize("config", [TINY, replace(CONFIGS["rhythm"], dropout=0.0)])
def test_an_ensemble_averages_probabilities(config):
    torch.manual_seed(0)
    ensemble = Ensemble([CNNLSTM(config) for _ in range(3)])
    beats = np.random.default_rng(0).random((9, 187), dtype=np.float32)
    rhythm = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
    each = [predict_logits(network, beats, rhythm).softmax(dim=1) for network in ensemble.networks]
    together = predict_logits(ensemble, beats, rhythm).softmax(dim=1)
    assert torch.allclose(together, torch.stack(each).mean(dim=0), atol=1e-6)
    _, attention = ensemble.forward_with_attention(torch.from_numpy(beats))
    assert torch.allclose(attention.sum(dim=1), torch.ones(9), atol=1e-5)
