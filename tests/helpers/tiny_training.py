"""A training that takes a second; run as a program, it can be killed:

    python tests/helpers/tiny_training.py CHECKPOINT WEIGHTS

goes on from CHECKPOINT if there is one, prints a line an epoch, and finally writes WEIGHTS.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import split_beats
from ecglib.models.model_file import save_model
from ecglib.models.network import CNNLSTM, ModelConfig
from ecglib.models.recipes import RECIPES
from ecglib.models.training import fit
from ecglib.paths import atomic_write

TINY = ModelConfig((8, 16), (5, 3), (4, 2), (False, False), 8, 1, (8,), 0.1)
QUICK = replace(RECIPES["fast"], epochs=3, batch_size=32, averaging=0.8)


def save_tiny(path: Path, seed: int = 0) -> Path:
    """Write the model file of a network with its first random weights."""
    torch.manual_seed(seed)
    save_model(CNNLSTM(TINY), path, {"name": "tiny"})
    return path


def bumps() -> Beats:
    """Made-up beats: the five classes differ in the position of a bump."""
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(5), 60)
    centre = 20 + 30 * label[:, None] + rng.normal(0, 2, (300, 1))
    bump = np.exp(-(((np.arange(187) - centre) / 6) ** 2))
    n = len(label)
    return Beats(
        signal=(0.05 + 0.9 * bump + 0.05 * rng.random((n, 187))).astype(np.float32),
        label=label,
        record=np.array(["s01", "s02"] * 150),
        sample=np.arange(n),
        rr_before=np.ones(n, np.float32),
        rr_after=np.ones(n, np.float32),
        source="synthetic",
    )


def train(beats, recipe=QUICK, seed=0, split=None, **options):
    """A trained tiny network, its history, and the reported lines; ``options`` as of `fit`."""
    torch.manual_seed(seed)
    model, lines = CNNLSTM(TINY), []
    split = split or split_beats(beats, "random")
    options = {"precision": "no", "report": lines.append} | options
    return model, fit(model, beats, split, recipe, seed=seed, **options), lines


if __name__ == "__main__":
    checkpoint, weights = map(Path, sys.argv[1:])
    report = partial(print, flush=True)
    model, _, _ = train(bumps(), replace(QUICK, epochs=25), checkpoint=checkpoint, report=report)
    with atomic_write(weights) as temporary:
        save_file(model.state_dict(), temporary)
