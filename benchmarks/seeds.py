"""The spread over seeds: one recipe trained several times, each network tested once.

    python benchmarks/seeds.py --architecture compact --recipe fast --seeds 0 1 2
    python benchmarks/seeds.py --epochs 12                a shorter training
    python benchmarks/seeds.py --refit                    trained on the validation beats as well

The split and its validation beats stay the same; the seed changes the first weights, the order of
the beats and their augmentation. A refitted network has no validation scores and no temperature.
One line a seed goes to ``benchmarks/results/seeds.csv``, where a line of the same network, recipe
and seed is replaced.
"""

import argparse
from dataclasses import replace

import pandas as pd
import torch

from ecglib import Classifier, load_beats, split_beats
from ecglib.evaluation.model_cards import calibrate
from ecglib.evaluation.results import keep_benchmark
from ecglib.metrics.tables import summary
from ecglib.models.network import CONFIGS, build_model
from ecglib.models.recipes import RECIPES, pick_recipe
from ecglib.models.training import fit, pick_precision
from ecglib.paths import ROOT

RESULTS = ROOT / "benchmarks" / "results"
KEY = ["architecture", "recipe", "seed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", choices=CONFIGS, default="compact")
    parser.add_argument("--recipe", choices=RECIPES, default="fast")
    parser.add_argument("--epochs", type=int, default=0, help="0: the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--refit", action="store_true", help="on training and validation beats")
    options = parser.parse_args()

    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    split = split_beats(beats, "kaggle")
    rhythm = beats.rhythm
    recipe, name = pick_recipe(options.recipe, options.epochs), options.recipe
    name += f", {options.epochs} epochs" if options.epochs else ""
    fitted, tested = split, {"validation": split.validation, "test": split.test}
    if options.refit:
        fitted = replace(split.for_refit(), validation=split.validation)  # for the report only
        name, tested = f"{name}, refitted", {"test": split.test}
    for seed in options.seeds:
        torch.manual_seed(seed)
        model = build_model(options.architecture)
        checkpoint = RESULTS / f".{options.architecture}-{name}-{seed}.pt"
        history = fit(model, beats, fitted, recipe, seed=seed, checkpoint=checkpoint)
        if not options.refit:
            calibrate(model, beats, split)
        classifier = Classifier(model, {})
        row = {"architecture": options.architecture, "recipe": name, "seed": seed}
        row |= {"epochs": len(history), "cpu_seconds": history.cpu_seconds.iloc[-1]}
        row |= {"precision": pick_precision(), "threads": torch.get_num_threads()}
        for part, index in tested.items():
            proba = classifier.predict_proba(beats.signal[index], rhythm[index])
            scores = summary(beats.label[index], proba)
            row |= {f"{part}_{key}": scores[key] for key in ("accuracy", "macro_f1", "ece")}
        table = keep_benchmark("seeds", pd.DataFrame([row]), KEY)
        checkpoint.unlink()
    show(table)


def show(table: pd.DataFrame) -> None:
    """Mean and standard deviation over the seeds."""
    scores = [name for name in table if name.split("_")[0] in ("validation", "test")]
    groups = table.groupby(["architecture", "recipe"])[["cpu_seconds", *scores]]
    print(groups.agg(["mean", "std", "count"]).T.to_string(float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
