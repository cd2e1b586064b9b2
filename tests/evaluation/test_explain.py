"""Integrated gradients: they sum up, give the padding no share, and can fail."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from ecglib.evaluation import explain
from ecglib.models.network import build_model


def beats(n=4, seed=0):
    rng = np.random.default_rng(seed)
    signal = np.zeros((n, 187), np.float32)
    for row, length in zip(signal, (60, 187, 90, 120), strict=False):
        row[:length] = 0.1 + 0.9 * rng.random(length)
    return signal


@pytest.fixture
def linear():
    """Logits that are weighted sums of the samples."""
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(dense=nn.Linear(187, 5)))


def test_flat_lines_keep_length_and_median():
    signal = beats()
    flat = explain.flat_lines(signal)
    assert np.array_equal(flat != 0, signal != 0)
    assert flat[0, 0] == np.median(signal[0, :60])


def test_attributions_of_a_linear_model_are_known(linear):
    signal, target = beats(), np.array([0, 1, 2, 3])
    attribution, error = explain.integrated_gradients(linear, signal, target, steps=4)
    weight = linear.dense.weight.detach().numpy()[target]
    assert np.allclose(attribution, weight * (signal - explain.flat_lines(signal)), atol=1e-5)
    assert np.abs(error).max() < 1e-4


def test_attributions_sum_up_and_padding_gets_none():
    torch.manual_seed(0)
    model, signal, target = build_model("compact").eval(), beats(), np.array([0, 1, 2, 3])
    attribution, error = explain.integrated_gradients(model, signal, target)
    with torch.no_grad():
        ends = [model(torch.from_numpy(x)).numpy() for x in (signal, explain.flat_lines(signal))]
    whole = (ends[0] - ends[1])[np.arange(4), target]
    assert np.allclose(attribution.sum(axis=1), whole, atol=0.02 * np.abs(whole).max() + 1e-4)
    assert np.abs(error).max() <= 0.02 * np.abs(whole).max() + 1e-4
    assert (attribution[signal == 0] == 0).all()


def test_shuffling_keeps_the_values_and_the_original():
    model = build_model("compact")
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    broken = explain.shuffled(model, ["head"], seed=1)
    for name, tensor in model.named_parameters():
        assert torch.equal(tensor, before[name])
        other = dict(broken.named_parameters())[name]
        assert torch.equal(other.flatten().sort().values, tensor.flatten().sort().values)
        changed = name.startswith("head") and tensor.unique().numel() > 1
        assert torch.equal(other, tensor) != changed, name


def test_agreement_is_of_ranks_before_the_padding():
    signal = beats()
    first = np.random.default_rng(1).normal(size=signal.shape)
    second = np.where(signal > 0, np.exp(first), -9)  # the padding would break the order
    assert np.allclose(explain.rank_agreement(first, second, signal), 1)
    assert np.allclose(explain.rank_agreement(first, -second, signal), -1)
    assert np.isnan(explain.rank_agreement(first, np.ones_like(first), signal)).all()


def test_explanations_of_a_broken_model_agree_less(linear):
    table = explain.randomisation_test(linear, beats(), np.array([0, 1, 2, 3]), seeds=2, steps=4)
    assert list(table) == ["dense"]
    with_sign, absolute, per_deflection = table["dense"]
    assert table["dense"].shape == (3, 4)
    assert np.abs(with_sign).max() < 0.4
    assert absolute.mean() > per_deflection.mean() + 0.1  # the deflection is a common factor
