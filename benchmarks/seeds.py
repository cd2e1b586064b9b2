"""The spread over seeds: one recipe trained several times, each network judged once on the test.

    python benchmarks/seeds.py --architecture compact --recipe fast --seeds 0 1 2
    python benchmarks/seeds.py --refit                    learns from the validation beats, too
    python benchmarks/seeds.py --architecture rhythm --refit --seeds 0 1 2 3 4

The split stays the published one and its validation beats stay the same; the seed changes the
first weights, the order of the beats and their augmentation. A network that is refitted, after
everything was chosen, has no validation scores and no temperature. One line a seed goes to
``benchmarks/results/seeds.csv``, where a line of the same network, recipe and seed is replaced.
"""

import argparse
from dataclasses import replace

import pandas as pd
import torch

from ecglib import Classifier, load_beats, split_beats
from ecglib.evaluation.model_cards import calibrate
from ecglib.evaluation.results import keep_benchmark
from ecglib.metrics.tables import summary
from ecglib.models.distillation import STUDENTS, TEACHERS, ask_teachers
from ecglib.models.network import CONFIGS, build_model
from ecglib.models.recipes import RECIPES
from ecglib.models.training import fit, pick_precision
from ecglib.paths import ROOT

RESULTS = ROOT / "benchmarks" / "results"
HOW_MANY = 5  # teachers, and always the same ones
KEY = ["architecture", "recipe", "seed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*CONFIGS, *STUDENTS]
    parser.add_argument("--architecture", choices=names, default="compact")
    parser.add_argument("--recipe", choices=RECIPES, default="fast", help="the teachers', if any")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--refit", action="store_true", help="on training and validation beats")
    asked = parser.parse_args()
    if asked.refit and asked.architecture in STUDENTS:
        parser.error("the teachers have said nothing of the validation beats")

    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    split = split_beats(beats, "kaggle")
    rhythm = beats.rhythm
    recipe, taught = RECIPES[asked.recipe], None
    if asked.architecture in STUDENTS:
        folder = RESULTS / ".teachers"
        taught, _ = ask_teachers(CONFIGS[TEACHERS], beats, split, recipe, HOW_MANY, 0, folder)
        recipe = RECIPES["student"]
    learnt, name = split, asked.recipe
    if asked.refit:
        learnt = replace(split.for_refit(), validation=split.validation)  # which `fit` watches
        name = f"{asked.recipe}, refitted"
    for seed in asked.seeds:
        torch.manual_seed(seed)
        model = build_model(STUDENTS.get(asked.architecture, asked.architecture))
        checkpoint = RESULTS / f".{asked.architecture}-{name}-{seed}.pt"
        history = fit(model, beats, learnt, recipe, seed, checkpoint, taught=taught)
        judged = {"test": split.test}
        if not asked.refit:
            calibrate(model, beats, split)
            judged = {"validation": split.validation} | judged
        classifier = Classifier(model, {})
        row = {"architecture": asked.architecture, "recipe": name, "seed": seed}
        row |= {"epochs": len(history), "cpu_seconds": history.cpu_seconds.iloc[-1]}
        row |= {"precision": pick_precision(), "threads": torch.get_num_threads()}
        for part, index in judged.items():
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
