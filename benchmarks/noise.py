"""What training with noise does: one network that has met it, one that has not.

    python benchmarks/noise.py                # six epochs, seed 0

Both networks get the same beats, recipe, epochs and seed. For one of them, every second training
beat is cut from a recording to which baseline wander, electrode motion or muscle noise was added at
18 to 0 dB (see ``ecglib.recordings.noise``), from the first halves of the noise records. Test beats
meet the second halves. Lines of the same network are replaced in
``benchmarks/results/noise.csv``, which notebook 4 shows.
"""

import argparse
from dataclasses import replace

import numpy as np
import torch

from ecglib import load_beats, split_beats
from ecglib.beats.beats import Beats
from ecglib.evaluation.noise_stress import noise_scores, noisy_rows
from ecglib.evaluation.results import keep_benchmark
from ecglib.models.network import build_model, predict_logits
from ecglib.models.recipes import RECIPES
from ecglib.models.training import fit
from ecglib.recordings.noise import WAYS_OUT, conditions, find_noise, read_noise

KEY = ["model", "training", "epochs", "seed", "noise", "snr_db"]
TRAINING_SNRS_DB = (18, 12, 6, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="compact")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test-beats", type=int, default=8000, help="drawn at random; 0: all")
    asked = parser.parse_args()

    beats = load_beats()
    folder = find_noise(beats.folder)
    if beats.synthetic or folder is None:
        raise SystemExit(f"Figures worth keeping need the real recordings and noise. {WAYS_OUT}")
    split = split_beats(beats, "kaggle")
    rng = np.random.default_rng(asked.seed)
    test = beats[np.sort(rng.permutation(split.test)[: asked.test_beats or None])]
    rows = noisy_rows(test, read_noise(folder, "second"), conditions())
    recipe = replace(RECIPES["fast"], epochs=asked.epochs, patience=asked.epochs)
    noisy = with_noise(beats, split.train, read_noise(folder, "first"), rng)
    for training, material in {"without noise": beats, "with noise": noisy}.items():
        torch.manual_seed(asked.seed)
        model = build_model(asked.architecture)
        fit(model, material, split, recipe, seed=asked.seed)
        called = {each: predict_logits(model, signal).numpy() for each, signal in rows.items()}
        table = noise_scores(test.label, called)
        known = {"model": asked.architecture, "training": training, "epochs": asked.epochs}
        table = table.assign(**known, seed=asked.seed, beats=len(test))
        kept = keep_benchmark("noise", table, KEY)
    print(kept.pivot_table("macro_f1", ["noise", "snr_db"], "training").round(4))


def with_noise(beats: Beats, positions: np.ndarray, noise: dict, rng: np.random.Generator) -> Beats:
    """The same beats, but every second one of `positions` with noise of a random kind and SNR."""
    chosen = rng.permutation(positions)[: len(positions) // 2]
    asked = [each for each in conditions(TRAINING_SNRS_DB) if np.isfinite(each[1])]
    signal = beats.signal.copy()
    for part, each in zip(np.array_split(chosen, len(asked)), asked, strict=True):
        signal[part] = noisy_rows(beats[part], noise, [each])[each]
    return replace(beats, signal=signal)


if __name__ == "__main__":
    main()
