"""Recipes, losses and the learning rate."""

import math

import numpy as np
import pytest
import torch

from ecglib.models.recipes import RECIPES, class_weights, focal_loss, one_cycle, pick_recipe


def test_recipes_are_found_by_name():
    assert pick_recipe("fast") is RECIPES["fast"]
    assert pick_recipe("thorough", epochs=3).epochs == 3
    with pytest.raises(ValueError, match="reference, fast, thorough"):
        pick_recipe("quick")
    with pytest.raises(ValueError, match="impossible"):
        pick_recipe("fast", -1)


def test_focal_loss_limits():
    logits, label = torch.randn(20, 5), torch.randint(0, 5, (20,))
    plain = torch.nn.functional.cross_entropy(logits, label, reduction="none")
    assert torch.allclose(focal_loss(logits, label, 0.0, torch.ones(5)), plain)
    assert (focal_loss(logits, label, 2.5, torch.ones(5)) < plain).all()
    sure = focal_loss(torch.tensor([[20.0, 0, 0, 0, 0]]), torch.tensor([0]), 2.5, torch.ones(5))
    assert sure.item() == pytest.approx(0, abs=1e-6)


def test_class_weights():
    weight = class_weights(torch.tensor([0] * 1000 + [3] * 10), 0.45)
    assert (weight[3] / weight[0]).item() == pytest.approx(100**0.45, rel=1e-4)
    assert weight[[1, 2, 4]].sum() == 0
    assert weight.sum().item() == pytest.approx(2)


def test_one_cycle():
    assert one_cycle(0.0) == pytest.approx(0.04)
    assert one_cycle(0.25) == pytest.approx(1.0)
    assert one_cycle(1.0) < 1e-3
    assert all(math.isfinite(one_cycle(x)) for x in np.linspace(0, 1, 50))
