"""How a network is trained: ``reference`` as published, ``fast`` in minutes on two cores,
``thorough`` in more of them.
"""

import math
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ecglib.labels import CLASSES


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run; the defaults are shared by most recipes."""

    epochs: int = 50  # passes over the training beats, at most
    patience: int = 10  # epochs without a better validation macro F1; not with `one_cycle`
    batch_size: int = 128
    learning_rate: float = 1e-3  # of AdamW; with `one_cycle`, the highest one of the cycle
    weight_decay: float = 2e-5
    clip_norm: float = 1.0  # largest norm of a step's gradient
    one_cycle: bool = False  # otherwise the learning rate is halved after 5 epochs without progress
    averaging: float = 0.0  # decay of the running average of the weights, which is kept; 0 for none
    # Share of the easy beats (loss below the mean at their last visit) that an epoch leaves out.
    # The other easy beats count for them, so the gradient is the same on average.
    skip_easy: float = 0.0
    focal_gamma: float = 0.0  # exponent of the focal loss; 0 is cross-entropy
    class_weight_power: float = 0.0  # loss weights are (1 / count) to this power; 0 for none
    weighted_sampling: bool = False  # draw every class equally often instead of each beat once
    augmented_share: float = 0.0  # of each batch
    copies: tuple[int, ...] = (0, 0, 0, 0, 0)  # augmented copies of each beat of N, S, V, F, Q
    no_rhythm: float = 0.1  # share of the beats that a network with rhythm sees without it

    def to_dict(self) -> dict:
        """The settings as JSON can hold them."""
        return {n: list(v) if isinstance(v, tuple) else v for n, v in asdict(self).items()}


RECIPES = {
    "reference": Recipe(
        focal_gamma=2.5,
        class_weight_power=0.45,
        weighted_sampling=True,
        copies=(0, 6, 3, 15, 1),
    ),
    "fast": Recipe(
        epochs=20,
        patience=20,
        batch_size=256,
        learning_rate=4e-3,
        weight_decay=0.02,
        one_cycle=True,
        averaging=0.998,
        skip_easy=0.5,
        augmented_share=0.7,
    ),
}
# The best of the study for `compact`, at one and a half times the cost of `fast`. Weight decay
# keeps the longer training from memorising its beats.
RECIPES["thorough"] = replace(RECIPES["fast"], epochs=30, patience=30, weight_decay=0.1)


def pick_recipe(name: str, epochs: int = 0) -> Recipe:
    """A recipe by its name.

    Parameters
    ----------
    name : {"reference", "fast", "thorough"}
    epochs : int
        Passes over the training beats; 0 takes the recipe's.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        There is no such recipe, or the number of epochs is negative.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no recipe '{name}'. Choose from {', '.join(RECIPES)}.")
    if epochs < 0:
        raise ValueError(f"{epochs} epochs are impossible: give 1 or more, or 0 for the recipe's.")
    return replace(RECIPES[name], epochs=epochs) if epochs else RECIPES[name]


def one_cycle(done: float, rise: float = 0.25) -> float:
    """Factor of the learning rate after a share of the training: up for a quarter, then down.

    It goes from 0.04 up to 1, then down to nearly 0. (Torch's own scheduler needs the number of
    steps, which is unknown while easy beats are skipped.)
    """
    if done < rise:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / rise)) / 2
    return max((1 + math.cos(math.pi * (done - rise) / (1 - rise))) / 2, 1e-4)


def class_weights(label: Tensor, power: float) -> Tensor:
    """Loss weight of each class, (1 / count) to a power, with a mean of 1; 0 without beats."""
    count = torch.bincount(label, minlength=len(CLASSES)).float()
    weight = torch.where(count > 0, count.clamp(min=1) ** -power, 0.0)
    return weight * (count > 0).sum() / weight.sum()


def focal_loss(logits: Tensor, label: Tensor, gamma: float, weight: Tensor) -> Tensor:
    """Focal loss of each beat (Lin et al. 2017), shape (batch,); ``gamma`` 0 is cross-entropy.

    The probability in the focal factor is the network's own. (The published code took it from the
    class-weighted cross-entropy, which mixes the two corrections.)
    """
    entropy = cross_entropy(logits, label, reduction="none")
    focus = (1 - torch.exp(-entropy)) ** gamma if gamma else 1.0
    return weight[label] * focus * entropy
