"""What a split tells and what it hides: the same models under three protocols.

    python benchmarks/leak.py                 # both models, seed 0, six epochs
    python benchmarks/leak.py --architecture rhythm
    python benchmarks/leak.py --architecture deep --protocols patients

Everything stays the same but the split: recipe, epochs, seed. (The cycle of the learning rate is
shortened to few epochs, so the scores lie somewhat below those of the full recipe.) Test beats are
scored together, and parted into those that do and do not share samples of the recording with a
training beat. Classes and paced records as in EC57, so that the three test sides can be compared:
the macro F1 is that of N, S and V. Lines of the same model, protocol and seed are replaced in
``benchmarks/results/leak.csv``, which notebook 4 shows.
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
    asked = parser.parse_args()

    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    rhythm = beats.rhythm
    recipe = replace(RECIPES["fast"], epochs=asked.epochs, patience=asked.epochs)
    for protocol in asked.protocols:
        for seed in asked.seeds:
            split = split_beats(beats, protocol, seed)
            test, train = beats[split.test], beats[split.train]
            always = np.zeros(len(test), dtype=int)
            knn = fast_knn().fit(train.signal, train.label)
            called = predict_proba(knn, test.signal).argmax(axis=1)
            torch.manual_seed(seed)
            model = build_model(asked.architecture)
            fit(model, beats, split, recipe, seed)
            network = predict_logits(model, test.signal, rhythm[split.test])
            for name, predicted, epochs in (
                ("most frequent class", always, 0),
                ("KNN", called, 0),
                (asked.architecture, network.argmax(dim=1).numpy(), asked.epochs),
            ):
                row = {"protocol": protocol, "model": name, "epochs": epochs, "seed": seed}
                found = score(test, predicted, shares_samples(beats, split))
                table = keep_benchmark("leak", pd.DataFrame([row | r for r in found]), KEY)
    print(table.to_string(float_format="{:.4f}".format))


def score(test: Beats, predicted: np.ndarray, shared: np.ndarray) -> list[dict]:
    """Scores of all test beats, and of those that do and do not share samples with training."""
    kinds = {
        "all": np.ones(len(test), dtype=bool),
        "shares samples": shared,
        "shares none": ~shared,
    }
    return [
        {"beats_asked": name} | headline(test.label[part], predicted[part], test.record[part])
        for name, part in kinds.items()
        if part.any()
    ]


if __name__ == "__main__":
    main()
