"""How far apart do the same trainings end with other threads, precisions and processors?

    python benchmarks/repeatability.py --epochs 4 --every 40

Each variant is trained with the same seed on a part of the published training beats and compared
with its reference, and so is another seed. Writes one line a variant to
``benchmarks/results/repeatability.csv``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ecglib import Classifier, load_beats, split_beats
from ecglib.evaluation.results import keep_benchmark
from ecglib.metrics.tables import summary
from ecglib.models.network import build_model
from ecglib.models.recipes import pick_recipe
from ecglib.models.training import fit

OLDER = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}  # a processor without AVX-512
SEED, OTHER_SEED = "0", "1"
# name: (threads, precision, seed, environment), what it is compared with
VARIANTS = {
    "float32": (("1", "no", SEED, {}), None),
    "float32, again": (("1", "no", SEED, {}), "float32"),
    "float32, 2 threads": (("2", "no", SEED, {}), "float32"),
    "float32, older processor": (("1", "no", SEED, OLDER), "float32"),
    "float32, other seed": (("1", "no", OTHER_SEED, {}), "float32"),
    "bf16": (("1", "bf16", SEED, {}), "float32"),
    "bf16, again": (("1", "bf16", SEED, {}), "bf16"),
    "bf16, 2 threads": (("2", "bf16", SEED, {}), "bf16"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--every", type=int, default=40, help="train on every nth beat")
    parser.add_argument("--only", help=argparse.SUPPRESS)  # a child process: variant and file
    parser.add_argument("--out", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        np.savez(asked.out, **train(asked.epochs, asked.every, *VARIANTS[asked.only][0][:3]))
        return
    rows, ended = [], {}
    for name, (settings, reference) in VARIANTS.items():
        if settings[3]:  # torch reads these when it is loaded
            ended[name] = in_a_process_of_its_own(asked, name, settings[3])
        else:
            ended[name] = train(asked.epochs, asked.every, *settings[:3])
        if reference:
            rows.append({"variant": name, "compared_with": reference})
            rows[-1] |= {"epochs": asked.epochs, "every": asked.every}
            rows[-1] |= distance(ended[name], ended[reference])
            print(rows[-1], flush=True)
    keep_benchmark("repeatability", pd.DataFrame(rows))


def in_a_process_of_its_own(asked: argparse.Namespace, name: str, extra: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "ended.npz")
        command = [sys.executable, __file__, "--only", name, "--out", str(out)]
        command += ["--epochs", str(asked.epochs), "--every", str(asked.every)]
        subprocess.run(command, check=True, env=os.environ | extra)
        with np.load(out, allow_pickle=False) as stored:
            return dict(stored)


def train(epochs: int, every: int, threads: str, precision: str, seed: str) -> dict:
    """Train one variant: its weights, the classes it gives the test beats, and its scores."""
    torch.set_num_threads(int(threads))
    beats = load_beats("folder")
    split = split_beats(beats, "kaggle")
    fewer = {"train": split.train[::every], "validation": split.validation[::every]}
    split = replace(split, **fewer)
    torch.manual_seed(int(seed))
    model = build_model("compact")
    fit(model, beats, split, pick_recipe("fast", epochs), seed=int(seed), precision=precision)
    test = beats[split.test]
    proba = Classifier(model, {}).predict_proba(test.signal)
    scores = summary(test.label, proba)
    weights = torch.cat([t.flatten().double() for t in model.state_dict().values()])
    ended = {key: scores[key] for key in ("accuracy", "macro_f1")}
    return ended | {"weights": weights.numpy(), "called": proba.argmax(axis=1)}


def distance(one: dict, other: dict) -> dict[str, float]:
    """How far two trained networks are apart; all zero if they are the same."""
    return {
        "largest_weight_difference": float(np.abs(one["weights"] - other["weights"]).max()),
        "test_beats_called_otherwise": float((one["called"] != other["called"]).mean()),
        "accuracy_difference": abs(float(one["accuracy"]) - float(other["accuracy"])),
        "macro_f1_difference": abs(float(one["macro_f1"]) - float(other["macro_f1"])),
    }


if __name__ == "__main__":
    main()
