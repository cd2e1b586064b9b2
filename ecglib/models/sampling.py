"""Which beats an epoch visits: each once, every class equally often, or fewer of the easy ones."""

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ecglib.models.recipes import Recipe

FINISH = 0.85  # after this share of the epochs no beat is skipped any more


def draw(
    label: Tensor, last_loss: Tensor, recipe: Recipe, epoch: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Choose the beats of one epoch and what each of them counts.

    Parameters
    ----------
    label, last_loss : Tensor, shape (n,)
        Label of every training beat and its loss when it was last visited, NaN before that.
    recipe : Recipe
    epoch, seed : int
        The same ones draw the same beats.

    Returns
    -------
    order : Tensor of int64
        Positions to visit. With ``weighted_sampling`` every class is drawn equally often; with
        ``skip_easy`` a random share of the easy beats is left out (Qin et al. 2024, InfoBatch).
    importance : Tensor, shape (n,)
        Weight of each beat's loss: 1, or more for easy beats that stand for those left out.
    """
    rng = np.random.default_rng([seed, epoch])
    importance = torch.ones(len(label))
    if recipe.weighted_sampling:
        share = 1.0 / np.bincount(label)[label]
        drawn = rng.choice(len(label), len(label), p=share / share.sum())
        return torch.from_numpy(drawn), importance
    visited = np.ones(len(label), dtype=bool)
    if recipe.skip_easy and epoch < FINISH * recipe.epochs:
        easy = (last_loss < last_loss.nanmean()).numpy()
        visited = ~(easy & (rng.random(len(label)) < recipe.skip_easy))
        importance[torch.from_numpy(easy)] = 1 / (1 - recipe.skip_easy)
    return torch.from_numpy(rng.permutation(np.flatnonzero(visited))), importance


def share_losses(accelerator: Accelerator, mine: Tensor, last_loss: Tensor) -> Tensor:
    """Bring together the losses that several processes have seen, so that all draw alike."""
    if accelerator.num_processes == 1:
        return last_loss
    seen = torch.zeros_like(last_loss)
    seen[mine] = 1.0
    known = torch.where(seen > 0, last_loss, 0.0)
    both = accelerator.reduce(torch.stack([known, seen]).to(accelerator.device)).cpu()
    return torch.where(both[1] > 0, both[0] / both[1].clamp(min=1), last_loss)
