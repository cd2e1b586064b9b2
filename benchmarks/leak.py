"""The same models under three protocols: how much of a score is the leak between the sets.

    python benchmarks/leak.py                 # both models, seed 0, six epochs
    python benchmarks/leak.py --architecture rhythm
    python benchmarks/leak.py --architecture deep --protocols patients

Recipe, epochs and seed stay the same; only the split changes. (The learning rate's cycle is
shortened to few epochs, so the scores are somewhat lower than those of the full recipe.) Test beats
are scored together, and in two groups: those that share samples of the recording with a training
beat, and those that do not. Classes and paced records as in EC57, so that the three test sets can
be compared: the macro F1 is that of N, S and V. Lines of the same model, protocol and seed are
replaced in ``benchmarks/results/leak.csv``, which lesson 4 shows.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from ecglib import load_beats, split_beats
from ecglib.beats.beats import Beats
from ecglib.datasets.splits import PROTOCOLS, shares_samples
from ecglib.evaluation.results import keep_benchmark
from ecglib.metrics.ec57 import headline
from ecglib.models.knn import fast_knn, predict_proba
from ecglib.models.network import build_model, predict_logits
from ecglib.models.recipes import RECIPES
from ecglib.models.training import fit

KEY = ["protocol", "model", "epochs", "seed", "beats_asked"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="compact")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--protocols", choices=PROTOCOLS, nargs="+", default=PROTOCOLS)
    options = parser.parse_args()

    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    recipe = replace(RECIPES["fast"], epochs=options.epochs, patience=options.epochs)
    for protocol in options.protocols:
        for seed in options.seeds:
            split = split_beats(beats, protocol, seed)
            test, train = beats[split.test], beats[split.train]
            always = np.zeros(len(test), dtype=int)
            knn = fast_knn().fit(train.signal, train.label)
            nearest = predict_proba(knn, test.signal).argmax(axis=1)
            torch.manual_seed(seed)
            model = build_model(options.architecture)
            fit(model, beats, split, recipe, seed=seed)
            network = predict_logits(model, test.signal, test.rhythm)
            for name, predicted, epochs in (
                ("most frequent class", always, 0),
                ("KNN", nearest, 0),
                (options.architecture, network.argmax(dim=1).numpy(), options.epochs),
            ):
                row = {"protocol": protocol, "model": name, "epochs": epochs, "seed": seed}
                scores = score(test, predicted, shares_samples(beats, split))
                table = keep_benchmark("leak", pd.DataFrame([row | s for s in scores]), KEY)
    print(table.to_string(float_format="{:.4f}".format))


def score(test: Beats, predicted: np.ndarray, shared: np.ndarray) -> list[dict]:
    """Scores of all test beats, and of those that do and do not share samples with training."""
    groups = {"all": shared | True, "shares samples": shared, "shares none": ~shared}
    return [
        {"beats_asked": name} | headline(test.label[part], predicted[part], test.record[part])
        for name, part in groups.items()
        if part.any()
    ]


if __name__ == "__main__":
    main()
