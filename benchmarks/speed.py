"""Processor time of each part beside its plain alternative, measured in the same run: `make bench`.

Medians of processor time, summed over threads, so that other programs disturb little; still, run
it on an idle machine. Writes ``benchmarks/results/speed.csv``.

    python benchmarks/speed.py                 # all of it, some ten minutes
    python benchmarks/speed.py --only cut serve
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

import numpy as np
import pandas as pd
import torch

from ecglib import Classifier, load_beats, split_beats
from ecglib.beats.beats import Beats, cut_beats
from ecglib.datasets.sources import locate
from ecglib.datasets.splits import Split
from ecglib.evaluation.results import keep_benchmark
from ecglib.models.engines import ENGINES, EngineError
from ecglib.models.knn import fast_knn, published_knn
from ecglib.models.network import CONFIGS, build_model
from ecglib.models.recipes import RECIPES, pick_recipe
from ecglib.models.training import fit
from ecglib.paths import MODELS
from ecglib.recordings.wfdb import read_recording

PUBLISHED = (0.9880, 0.9321)  # accuracy and macro F1 on validation of the published network
PUBLISHED_EPOCHS = 49


def seconds(work: Callable, repeats: int = 5) -> float:
    """Median processor time of a call, after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return median(times)


def row(what: str, cost: float, unit: str, plain: float | None = None) -> dict:
    """One line: the cost, and how many times the plain alternative's it is cheaper."""
    return {"what": what, "cpu_seconds": cost, "for": unit, "cheaper": plain and plain / cost}


def cut(beats, split) -> Iterator[dict]:
    folder = locate("auto").folder
    names = np.unique(beats.record)
    records = {name: read_recording(folder / name, leads=[0]) for name in names[:8]}
    whole = seconds(lambda: [cut_beats(each) for each in records.values()], 3)
    yield row("cut the beats", whole / len(records), "recording of 30 minutes")
    yield row("read it, too", seconds(lambda: read_recording(folder / names[0], [0])), "recording")


def knn(beats, split) -> Iterator[dict]:
    train, asked = beats[split.train], beats.signal[split.test[:500]]
    pipelines = {"KNN as published, Manhattan": published_knn(), "KNN, ours": fast_knn()}
    plain = None
    for name, pipeline in pipelines.items():
        pipeline.fit(train.signal, train.label)
        cost = seconds(lambda pipeline=pipeline: pipeline.predict(asked), 3) / len(asked)
        yield row(name, cost, "beat", plain)
        plain = plain or cost


def step(beats, split) -> Iterator[dict]:
    """One step and one whole epoch of every network with every recipe."""
    plain, small = None, thinned(split)
    for recipe in ("reference", "fast"):
        for name in ("deep", "compact", "rhythm"):
            epoch = epoch_seconds(name, recipe, beats, split, small)
            plain = plain or epoch
            a_step = epoch * RECIPES[recipe].batch_size / beats_of_an_epoch(recipe, beats, split)
            yield row(f"{name}, {recipe}: step", a_step, "step")
            yield row(f"{name}, {recipe}: epoch", epoch, "full epoch, computed", plain)


def thinned(split: Split) -> Split:
    """Some 3,000 of the training beats, and hardly any to validate."""
    every = len(split.train) // 3000
    return replace(split, train=split.train[::every], validation=split.validation[:64])


def beats_of_an_epoch(recipe: str, beats: Beats, split: Split) -> int:
    """The training beats and their copies."""
    count = np.bincount(beats.label[split.train], minlength=5)
    return int(count @ (1 + np.array(RECIPES[recipe].copies)))


def epoch_seconds(name: str, recipe: str, beats: Beats, split: Split, small: Split) -> float:
    """A whole epoch's processor time, computed from the median of three short ones."""
    once = replace(RECIPES[recipe], epochs=1)
    costs = []
    for _ in range(3):
        history = fit(build_model(name), beats, small, once, report=lambda _: None)
        costs.append(history.cpu_seconds.iloc[-1] / history.beats_seen.iloc[-1])
    return median(costs) * beats_of_an_epoch(recipe, beats, split)


def quality(beats, split) -> Iterator[dict]:
    """Until validation passes the published network's scores there, and the whole recipe."""
    small = thinned(split)
    plain = PUBLISHED_EPOCHS * epoch_seconds("deep", "reference", beats, split, small)
    yield row("deep, reference: all", plain, f"{PUBLISHED_EPOCHS} epochs, computed")
    for recipe in (pick_recipe("fast", 8), RECIPES["fast"]):
        for name in ("compact", "rhythm"):
            torch.manual_seed(0)
            history = fit(build_model(name), beats, split, recipe)
            until = "the whole recipe"
            if recipe.epochs == 8:
                passed = history.validation_accuracy >= PUBLISHED[0]
                passed &= history.validation_macro_f1 >= PUBLISHED[1]
                history = history[: passed.argmax() + 1] if passed.any() else history
                until = f"until validation passes {PUBLISHED[0]:.2%} and {PUBLISHED[1]:.2%}"
            cost = history.cpu_seconds.iloc[-1]
            yield row(f"{name}, {until}", cost, f"{len(history)} epochs", plain)


def serve(beats, split) -> Iterator[dict]:
    """One beat, and many, by every engine and network; on one thread."""
    signal = beats.signal[split.test[:4096]]
    for name in CONFIGS:
        path = MODELS / f"{name}.safetensors"
        if not path.is_file():
            continue
        single = bulk = None
        for engine in ENGINES[1:]:
            try:
                classifier = Classifier.load(path, engine)
            except EngineError as error:
                print(error)
                continue
            cost = seconds(lambda c=classifier: [c.predict_proba(x) for x in signal[:200]]) / 200
            yield row(f"{name}, {engine}: one beat", cost, "beat", single)
            single = single or cost
            cost = seconds(lambda c=classifier: c.predict_proba(signal)) / len(signal)
            yield row(f"{name}, {engine}: many beats", cost, "beat", bulk)
            bulk = bulk or cost


def recording(beats, split) -> Iterator[dict]:
    path = locate("auto").folder / np.unique(beats.record)[0]
    classifier = Classifier.load()
    yield row(
        "a recording, from file to table",
        seconds(lambda: classifier.classify_recording(path)),
        "recording of 30 minutes",
    )


PARTS = {part.__name__: part for part in (cut, knn, step, quality, serve, recording)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    split = split_beats(beats, "kaggle")
    for part in asked.only:
        table = pd.DataFrame({"part": part} | line for line in PARTS[part](beats, split))
        print(table.to_string(index=False))
        keep_benchmark("speed", table, ["part", "what"])


if __name__ == "__main__":
    main()
