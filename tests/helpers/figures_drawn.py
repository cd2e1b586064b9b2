"""Every figure once, drawn from made-up numbers."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ecglib.beats.beats import BEAT_SAMPLES, Beats
from ecglib.evaluation.noise_stress import noise_scores
from ecglib.metrics import ec57
from ecglib.metrics.calibration import calibration_bins, risk_coverage
from ecglib.metrics.scores import confusion_matrix
from ecglib.metrics.tables import PUBLISHED_RESULTS, class_table
from ecglib.plots.attributions import plot_attribution, plot_class_reasons, plot_collapse
from ecglib.plots.beats import (
    plot_augmentation,
    plot_beat_cut,
    plot_class_counts,
    plot_example_beats,
    plot_leak,
    plot_rhythm,
)
from ecglib.plots.curves import (
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_reliability,
    plot_risk_coverage,
    plot_roc_curves,
)
from ecglib.plots.errors import plot_worst_beats
from ecglib.plots.noise import plot_noise_lines, plot_noise_scores, plot_noise_traces
from ecglib.plots.predictions import plot_attention, plot_beat_probabilities, plot_neighbours
from ecglib.plots.protocols import (
    plot_context,
    plot_error_records,
    plot_leak_scores,
    plot_protocol_ladder,
)
from ecglib.plots.scores import plot_class_f1, plot_confusion, plot_model_ladder
from ecglib.recordings.noise import conditions
from ecglib.recordings.recording import Recording


def draw_beats(n=20):
    """Rows of two peaks, padded like real ones, and their classes in turn."""
    rng = np.random.default_rng(0)
    signal = np.zeros((n, BEAT_SAMPLES), np.float32)
    for row in signal:
        length = rng.integers(60, BEAT_SAMPLES)
        row[:length] = 0.2 + 0.1 * rng.random(length)
        row[[0, length - 15]] = 1
    return signal, np.arange(n) % 5


def draw_predictions(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(5, n, p=[0.8, 0.04, 0.09, 0.02, 0.05])
    p = np.exp(rng.normal(size=(n, 5)) + 3 * np.eye(5)[y])
    return y, p / p.sum(1, keepdims=True)


def draw_history(epochs=6):
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "validation_loss": 1.2 / epoch,
            "validation_accuracy": 1 - 0.1 / epoch,
            "validation_macro_f1": [0.5, 0.7, 0.8, 0.9, 0.85, 0.8][:epochs],
            "learning_rate": 0.001 * epoch,
            "kept": epoch == min(4, epochs),
        }
    )


def draw_recording():
    fs, n = 360, 3600
    marks = np.array([300, 600, 900, 1250, 1500, 1800])
    signal = 0.02 * np.random.default_rng(0).normal(size=(n, 1)).astype(np.float32)
    signal[marks] = 1
    return Recording("100", fs, signal, ("MLII",), marks, np.array(list("NVN+NN")))


def draw_scores(protocols=("kaggle", "random", "patients")):
    """A table as benchmarks/leak.py writes it."""
    y, p = draw_predictions()
    scores = ec57.headline(y, p.argmax(1), np.arange(2000) % 7, n=20)
    return pd.DataFrame(
        [
            {"protocol": protocol, "model": model, "beats_asked": asked} | scores
            for protocol in protocols
            for model in ("most frequent class", "KNN", "compact")
            for asked in ("all", "shares samples", "shares none")
        ]
    )


def draw_context():
    """Three hundred beats of three classes, some of them early and some wide."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(0.5, 1.5, (300, 4)), columns=["rr", "width", "a", "b"])
    return table.rename(columns={"a": "rr_ratio", "b": "width_ratio"}).assign(
        label=np.arange(300) % 3
    )


def new_figures():
    """Figures of protocols, mistakes, reasons and noise."""
    signal, label = draw_beats()
    y, p = draw_predictions()
    parts = np.random.default_rng(0).normal(size=signal.shape)
    shares = np.abs(parts) / np.abs(parts).sum(axis=1, keepdims=True)
    ladder = draw_scores(("kaggle",)).drop_duplicates("model")
    worst = pd.DataFrame({"record": ["100"] * 4, "sample": [600, 900, 1500, 1800]})
    worst = worst.assign(label="V", called="N", confidence=0.99)
    noise = noise_scores(y, dict.fromkeys(conditions((6.0, -6.0)), p))
    agreement = {"head": parts[:3], "head, lstm": parts[3:6]}
    curve = risk_coverage(y, p)
    return {
        "protocol_ladder": plot_protocol_ladder({"known": ladder, "new": None}),
        "leak_scores": plot_leak_scores(draw_scores()),
        "context": plot_context(draw_context()),
        "error_records": plot_error_records(np.arange(2000) % 30, y, p.argmax(1)),
        "worst_beats": plot_worst_beats(worst, lambda name: draw_recording()),
        "attribution": plot_attribution(signal[:5], parts[:5], np.abs(parts[:5]), label[:5]),
        "class_reasons": plot_class_reasons(
            signal, label, {"compact": shares, "deep": shares}, {"compact": shares, "deep": shares}
        ),
        "collapse": plot_collapse(
            signal[0], parts[0], parts[1], {"compact": agreement, "deep": agreement}
        ),
        "noise_traces": plot_noise_traces({"clean": parts[0], "em": parts[1]}, "record", 360),
        "noise_scores": plot_noise_scores({"KNN": noise, "compact": noise}),
        "noise_lines": plot_noise_lines({"with": noise}, "macro_f1", "macro F1"),
        "risk_coverage": plot_risk_coverage({"KNN, test": curve}, {"KNN, test": (0.9, 0.1)}),
    }


@cache
def all_figures():
    """Every figure once, by name."""
    signal, label = draw_beats()
    y, p = draw_predictions()
    table = class_table({("KNN", "test"): (y, p), ("compact", "test"): (y, p)}, n=50)
    ladder = pd.DataFrame({"model": ["KNN", "compact"], "accuracy": [0.97, 0.98]})
    ladder["macro_f1"] = [0.88, 0.93]
    beats = Beats(signal, label, np.full(20, "100"), np.arange(20), *np.ones((2, 20), np.float32))
    leak = pd.DataFrame({"beats": [0.96, 0.0], "patients": [1, 0]}, index=["kaggle", "patients"])
    attention = np.full((5, 24), 1 / 24)
    bins = calibration_bins(y, p)
    return new_figures() | {
        "class_counts": plot_class_counts({"train": label, "test": label[:4]}),
        "example_beats": plot_example_beats(signal, label, 2),
        "beat_cut": plot_beat_cut(draw_recording(), 600),
        "leak": plot_leak(leak),
        "augmentation": plot_augmentation(signal[:5], label[:5], {"roll": signal[5:10]}),
        "attention": plot_attention(signal[:5], attention, label[:5]),
        "beat_probabilities": plot_beat_probabilities(signal[0], p[0], "N"),
        "rhythm": plot_rhythm(np.linspace(0.3, 1.5, 20), label, np.full(20, 0.8)),
        "neighbours": plot_neighbours(beats[:3], beats, np.arange(6).reshape(3, 2)),
        "learning_curves": plot_learning_curves(draw_history()),
        "confusion": plot_confusion({"test": confusion_matrix(y, p.argmax(1))}),
        "roc_curves": plot_roc_curves({"test": (y, p)}),
        "precision_recall_curves": plot_precision_recall_curves({"test": (y, p)}),
        "class_f1": plot_class_f1(table),
        "reliability": plot_reliability({"KNN": bins, "compact": bins}),
        "model_ladder": plot_model_ladder(ladder, PUBLISHED_RESULTS),
    }


def words(figure):
    """All text of a figure."""
    return " | ".join(t.get_text() for t in figure.findobj(plt.Text) if t.get_text())
