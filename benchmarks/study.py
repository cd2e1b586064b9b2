"""The recipe study: one thing changed at a time, compared on validation beats.

    python benchmarks/study.py                       all variants that are missing, one seed
    python benchmarks/study.py --seeds 3 --only "12 epochs" "no augmentation"

The reference is ``compact`` with the recipe ``fast`` and 12 epochs instead of 20, so that more can
be tried. Test beats are never used. Each training writes one line to
``benchmarks/results/study.csv`` and is not repeated while that line is there; the figure is drawn
every time. Several of these may run at once, each in a process of its own.
"""

import argparse
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from scipy.special import softmax
from sklearn.metrics import log_loss

from ecglib import load_beats, split_beats
from ecglib.beats.beats import Beats
from ecglib.datasets.splits import Split
from ecglib.evaluation.results import keep_benchmark, read_benchmark
from ecglib.metrics.tables import summary
from ecglib.models.network import CNNLSTM, CONFIGS, predict_logits
from ecglib.models.recipes import RECIPES, pick_recipe
from ecglib.models.training import fit
from ecglib.paths import ROOT, atomic_write
from ecglib.plots.style import ACCENT, FULL_WIDTH, INK, MUTED, STYLE

RESULTS = ROOT / "benchmarks" / "results"

BASE = "12 epochs"
SHORT, FAST, COMPACT = pick_recipe("fast", 12), RECIPES["fast"], CONFIGS["compact"]
WIDE = replace(COMPACT, channels=(48, 96, 160, 160), lstm_units=80)
NARROW = replace(COMPACT, channels=(24, 48, 96, 96), lstm_units=48)
STRIDE_4 = replace(
    COMPACT, channels=(32, 64, 96, 128), kernels=(9, 5, 5, 3), strides=(4, 2, 2, 1), lstm_units=48
)
DEEPER = replace(
    COMPACT,
    channels=(32, 64, 128, 128, 128),
    kernels=(7, 5, 5, 3, 3),
    strides=(2, 2, 2, 1, 1),
    pools=(False,) * 5,
)
STRETCHED = "every beat stretched to 187 samples"
ADJUSTED = "logits adjusted by class counts"  # of the reference's network, without a training
VARIANTS = {
    BASE: (COMPACT, SHORT),
    "8 epochs": (COMPACT, replace(SHORT, epochs=8)),
    "20 epochs (fast)": (COMPACT, FAST),
    "30 epochs": (COMPACT, replace(SHORT, epochs=30)),
    "20 epochs, weight decay 0.1": (COMPACT, replace(FAST, weight_decay=0.1)),
    "20 epochs, weight decay 0.2": (COMPACT, replace(FAST, weight_decay=0.2)),
    "20 epochs, weight decay 0.4": (COMPACT, replace(FAST, weight_decay=0.4)),
    "30 epochs, weight decay 0.1": (COMPACT, RECIPES["thorough"]),
    "no easy beats skipped": (COMPACT, replace(SHORT, skip_easy=0.0)),
    "no easy beats skipped, 8 epochs": (
        COMPACT,
        replace(SHORT, skip_easy=0.0, epochs=8),
    ),
    "three in four easy beats skipped": (COMPACT, replace(SHORT, skip_easy=0.75)),
    "no averaging": (COMPACT, replace(SHORT, averaging=0.0)),
    "no one-cycle": (COMPACT, replace(SHORT, one_cycle=False, learning_rate=1e-3)),
    "batch 128": (COMPACT, replace(SHORT, batch_size=128, learning_rate=3e-3)),
    "no augmentation": (COMPACT, replace(SHORT, augmented_share=0.0)),
    "every beat augmented": (COMPACT, replace(SHORT, augmented_share=1.0)),
    "focal loss": (COMPACT, replace(SHORT, focal_gamma=2.5)),
    "class weights": (COMPACT, replace(SHORT, class_weight_power=0.45)),
    "weighted sampling": (COMPACT, replace(SHORT, weighted_sampling=True, skip_easy=0.0)),
    "weight decay 0.1": (COMPACT, replace(SHORT, weight_decay=0.1)),
    "dropout 0.4": (replace(COMPACT, dropout=0.4), SHORT),
    "no slope, no padding mask": (replace(COMPACT, slope=False), SHORT),
    STRETCHED: (replace(COMPACT, slope=False), SHORT),
    "half the cost, stride 4 first": (STRIDE_4, SHORT),
    "wider": (WIDE, SHORT),
    "narrower": (NARROW, SHORT),
    "deeper": (DEEPER, SHORT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 on")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()

    beats = load_beats()
    if beats.synthetic:
        raise SystemExit("Figures worth keeping need the real recordings.")
    split = split_beats(beats, "kaggle")
    stretched = replace(beats, signal=stretch(beats.signal))
    for seed in range(options.seeds):
        for name in options.only:
            if not claim(name, seed):
                continue
            config, recipe = VARIANTS[name]
            torch.manual_seed(seed)
            model = CNNLSTM(config)
            seen = stretched if name == STRETCHED else beats
            history = fit(model, seen, split, recipe, seed=seed, report=lambda _: None)
            best = history[history.kept].iloc[0]
            keep(name, seed, best, history)
            if name == BASE:
                keep(ADJUSTED, seed, adjusted(model, beats, split), history)
            print(f"{name}, seed {seed}: {best.validation_macro_f1:.2%}", flush=True)
    draw(read_benchmark("study"))


def stretch(signal: np.ndarray) -> np.ndarray:
    """Beats, shape (n, 187), without their padding: each resampled to fill its row."""
    rows = []
    for row in signal:
        length = max(int(np.flatnonzero(row).max(initial=0)) + 1, 2)
        rows.append(
            np.interp(np.linspace(0, length - 1, len(row)), np.arange(length), row[:length])
        )
    return np.array(rows, dtype=np.float32)


def adjusted(model: CNNLSTM, beats: Beats, split: Split, strength: float = 0.25) -> pd.Series:
    """Validation scores with rare classes favoured by their counts in training (Menon 2021)."""
    count = np.bincount(beats.label[split.train], minlength=5)
    validation = beats[split.validation]
    logits = predict_logits(model, validation.signal).numpy() - strength * np.log(count)
    proba = softmax(logits, axis=1)
    scores = summary(validation.label, proba)
    scores["loss"] = log_loss(validation.label, proba)
    names = ("accuracy", "macro_f1", "loss")
    return pd.Series({f"validation_{name}": scores[name] for name in names})


def claim(variant: str, seed: int) -> bool:
    """Whether this training is missing; if so, this process takes it."""
    RESULTS.mkdir(exist_ok=True)
    with FileLock(RESULTS / "study.lock"):
        done = read_benchmark("study")
        mine = RESULTS / f".{variant}-{seed}.claimed"
        if mine.exists():
            return False
        if done is not None and ((done.variant == variant) & (done.seed == seed)).any():
            return False
        mine.touch()
        return True


def keep(variant: str, seed: int, best: pd.Series, history: pd.DataFrame) -> None:
    """Add one line to the results."""
    row = {"variant": variant, "seed": seed}
    row |= {name: best[name] for name in best.index if name.startswith("validation_")}
    row |= {"cpu_seconds": history.cpu_seconds.iloc[-1]}
    keep_benchmark("study", pd.DataFrame([row]), ["variant", "seed"])
    # the adjusted logits' line comes of another training, which nobody claims
    (RESULTS / f".{variant}-{seed}.claimed").unlink(missing_ok=True)


def draw(table: pd.DataFrame) -> None:
    """Macro F1, cross-entropy and cost of every variant, the reference in colour."""
    order = [name for name in (*VARIANTS, ADJUSTED) if (table.variant == name).any()][::-1]
    table = table.assign(percent=100 * table.validation_macro_f1)
    panels = {
        "percent": "macro F1 (%)",
        "validation_loss": "cross-entropy",
        "cpu_seconds": "CPU seconds",
    }
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, 3, figsize=(FULL_WIDTH, 0.8 + 0.22 * len(order)), sharey=True, layout="constrained"
        )
        for axis, (column, label) in zip(axes, panels.items(), strict=True):
            for y, name in enumerate(order):
                values = table[column][table.variant == name]
                colour = ACCENT if name == BASE else INK
                axis.plot(values, [y] * len(values), "o", ms=3, color=MUTED)
                axis.plot(values.mean(), y, "|", ms=11, mew=2, color=colour)
            axis.axvline(table[column][table.variant == BASE].mean(), color=ACCENT, lw=0.6)
            axis.set_xlabel(label)
        axes[1].set_xscale("log")  # one loss is far larger than the others
        axes[1].set_xticks([0.03, 0.04, 0.06, 0.09], ["0.03", "0.04", "0.06", "0.09"], minor=False)
        axes[1].minorticks_off()
        axes[0].set_yticks(range(len(order)), order)
        figure.supxlabel("validation beats; a point is a seed, a bar the mean", fontsize=7)
        with atomic_write(RESULTS / "study.png") as path:
            figure.savefig(path, dpi=150)
        plt.close(figure)


if __name__ == "__main__":
    main()
