"""Augmentation changes beats, but not their length, their class or the padding behind them."""

import pytest
import torch

from ecglib.models import augment
from ecglib.models.network import lengths


@pytest.fixture
def beats():
    torch.manual_seed(0)
    rows = 0.1 + 0.9 * torch.rand(64, 187)
    for i, row in enumerate(rows):
        row[60 + i :] = 0
    return rows


def test_lengths(beats):
    assert lengths(beats).squeeze(1).tolist() == [60 + i for i in range(64)]


@pytest.mark.parametrize("change", [augment.scale, augment.jitter])
def test_padding_stays_zero(beats, change):
    changed = change(beats)
    assert changed.shape == beats.shape
    assert not torch.equal(changed, beats)
    assert (changed[beats == 0] == 0).all()


def test_time_warp_stretches_within_bounds(beats):
    ratio = lengths(augment.time_warp(beats, stretch=0.08, bend=0)) / lengths(beats)
    assert ratio.min() > 0.9 and ratio.max() < 1.11
    assert ratio.std() > 0.01
    assert torch.allclose(augment.time_warp(beats, stretch=0, bend=0), beats, atol=1e-6)


def test_roll_is_a_rotation(beats):
    rolled = augment.roll(beats, largest=5)
    for before, after in zip(beats, rolled, strict=True):
        assert any(torch.equal(torch.roll(before, k), after) for k in range(-5, 6))


def test_share_of_changed_beats(beats):
    many = beats.repeat(50, 1)
    torch.manual_seed(1)
    changed = (augment.augment(many, share=0.7) != many).any(dim=1).float().mean()
    assert 0.65 < changed < 0.75
    assert torch.equal(augment.augment(beats, share=0.0), beats)


def test_copies_of_the_published_recipe(beats):
    label = torch.tensor([0, 1, 2, 3, 4] * 12 + [0] * 4)
    rhythm = torch.arange(len(beats)).float().unsqueeze(1)
    signal, around, labels = augment.augmented_copies(beats, rhythm, label, (0, 6, 3, 15, 1))
    assert torch.bincount(labels).tolist() == [16, 12 * 7, 12 * 4, 12 * 16, 12 * 2]
    assert torch.equal(signal[:64], beats)
    same, _, _ = augment.augmented_copies(beats, rhythm, label, (0, 0, 0, 0, 0))
    assert same is beats


def test_the_seed_decides_and_the_input_stays(beats):
    before = beats.clone()
    torch.manual_seed(3)
    one = augment.augment(beats)
    torch.manual_seed(3)
    assert torch.equal(one, augment.augment(beats))
    assert torch.equal(before, beats)
