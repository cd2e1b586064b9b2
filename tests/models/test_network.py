"""The networks: sizes, shapes, what travels with the weights."""

import numpy as np
import pytest
import torch

from ecglib.models.network import (
    CNNLSTM,
    CONFIGS,
    ModelConfig,
    build_model,
    count_parameters,
    predict_logits,
)


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
    beat[0, :4] = torch.tensor([1.0, 0.4, 0.0, 0.2])  # a zero inside a beat is no padding
    _, slope, inside = model.inputs(beat)[0]
    assert slope[:5].tolist() == pytest.approx([0, -6, -4, 2, -2], abs=1e-5)
    assert inside.tolist() == [1.0] * 4 + [0.0] * 183
    assert build_model("deep").inputs(beat).shape == (1, 1, 187)


def test_deep_is_the_published_size():
    assert count_parameters(build_model("deep")) == 2_649_350


def test_compact_is_a_tenth_of_it():
    assert count_parameters(build_model("compact")) < 264_935


def test_unknown_architecture():
    with pytest.raises(ValueError, match="compact, deep"):
        build_model("wide")


def test_config_survives_json():
    import json

    for config in CONFIGS.values():
        assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


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
