"""Several networks that answer as one: each began with other weights, so each errs elsewhere.

They are refitted: once everything has been chosen, the validation beats are worth more as training
beats. So nothing is left to fit a temperature on, but the mean of several opinions is less sure of
itself than one is, and needs none.
"""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.models.network import CNNLSTM, ModelConfig
from ecglib.models.recipes import Recipe


class Ensemble(nn.Module):
    """Networks of one kind, used like one `CNNLSTM`; their probabilities are averaged.

    Parameters
    ----------
    networks : list of CNNLSTM
    """

    def __init__(self, networks: list[CNNLSTM]):
        super().__init__()
        self.config = networks[0].config
        self.register_buffer("temperature", torch.ones(()))
        self.networks = nn.ModuleList(networks)

    @property
    def architecture(self) -> dict:
        """As `CNNLSTM.architecture`, and how many ``networks``."""
        return self.networks[0].architecture | {"networks": len(self.networks)}

    def forward(self, beats: Tensor, rhythm: Tensor | None = None) -> Tensor:
        """Logarithms of the mean probabilities, shape (batch, 5); see `CNNLSTM.forward`."""
        return self.forward_with_attention(beats, rhythm)[0]

    def forward_with_attention(
        self, beats: Tensor, rhythm: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits, shape (batch, 5), and the mean attention, shape (batch, steps)."""
        answers = [network.forward_with_attention(beats, rhythm) for network in self.networks]
        logits, attention = (torch.stack(part) for part in zip(*answers, strict=True))
        together = logits.log_softmax(dim=2).logsumexp(dim=0) - math.log(len(self.networks))
        return together, attention.mean(dim=0)


def fit_together(
    config: ModelConfig,
    beats: Beats,
    split: Split,
    recipe: Recipe,
    networks: int,
    seed: int,
    folder: Path,
    precision: str = "auto",
    report=print,
    device: str = "auto",
) -> tuple[Ensemble, pd.DataFrame]:
    """Train an ensemble on the training and validation beats together.

    Parameters
    ----------
    config : ModelConfig
        Of each network.
    beats : Beats
    split : Split
        Its test beats are not looked at.
    recipe : Recipe
    networks : int
        How many.
    seed : int
        Of the first; each other one has the next.
    folder : Path
        Keeps ``ensemble-PROTOCOL-SEED.pt``, the checkpoint of each, from which an interrupted call
        goes on. They stay until the caller removes them.
    precision, report, device
        As in :func:`ecglib.models.training.fit`. The validation scores it reports are of beats that the
        networks learn from.

    Returns
    -------
    ensemble : Ensemble
    history : DataFrame
        Of the last network, with the CPU seconds of all.
    """
    from ecglib.models.training import (
        fit,  # slow to load, and reading a model file needs none of it
    )

    learnt = replace(split.for_refit(), validation=split.validation)
    trained, spent = [], 0.0
    for number in range(seed, seed + networks):
        report(f"Network {number - seed + 1} of {networks}")
        torch.manual_seed(number)
        network = CNNLSTM(config)
        checkpoint = folder / f"ensemble-{split.protocol}-{number}.pt"
        work = (network, beats, learnt, recipe, number, checkpoint, precision, report)
        history = fit(*work, device=device)
        history["cpu_seconds"] += spent
        spent = history.cpu_seconds.iloc[-1]
        trained.append(network)
    return Ensemble(trained), history
