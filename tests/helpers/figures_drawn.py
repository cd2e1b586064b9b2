"""Every figure once, drawn from invented numbers."""

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
from ecglib.plots import attributions as explained
from ecglib.plots import beats as drawn
from ecglib.plots import curves, errors, noise, predictions, protocols, scores
from ecglib.recordings.noise import conditions
from ecglib.recordings.recording import Recording


def draw_beats(n=20):
    """Padded rows with two peaks, and their classes in turn."""
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
    table = pd.DataFrame({"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 1.2 / epoch})
    table["validation_accuracy"] = 1 - 0.1 / epoch
    table["validation_macro_f1"] = [0.5, 0.7, 0.8, 0.9, 0.85, 0.8][:epochs]
    return table.assign(learning_rate=0.001 * epoch, kept=epoch == min(4, epochs))


def draw_recording():
    fs, n = 360, 3600
    marks = np.array([300, 600, 900, 1250, 1500, 1800])
    signal = 0.02 * np.random.default_rng(0).normal(size=(n, 1)).astype(np.float32)
    signal[marks] = 1
    return Recording("100", fs, signal, ("MLII",), marks, np.array(list("NVN+NN")))


def draw_leak():
    """A table as benchmarks/leak.py writes it."""
    y, p = draw_predictions()
    headline = ec57.headline(y, p.argmax(1), np.arange(2000) % 7, n=20)
    columns = {
        "protocol": protocols.PROTOCOL_STYLE,
        "model": ("most frequent class", "KNN", "compact"),
        "beats_asked": ("all", "shares samples", "shares none"),
    }
    index = pd.MultiIndex.from_product(columns.values(), names=columns)
    return index.to_frame(index=False).assign(**headline)


@cache
def all_figures():
    """Every figure once, by name."""
    signal, label = draw_beats()
    y, p = draw_predictions()
    table = class_table({("KNN", "test"): (y, p), ("compact", "test"): (y, p)}, n=50)
    comparison = pd.DataFrame({"model": ["KNN", "compact"], "accuracy": [0.97, 0.98]})
    comparison["macro_f1"] = [0.88, 0.93]
    rr = np.ones(20, np.float32)
    beats = Beats(signal, label, np.full(20, "100"), np.arange(20), rr, rr)
    leak = pd.DataFrame({"beats": [0.96, 0.0], "patients": [1, 0]}, index=["kaggle", "patients"])
    bins = calibration_bins(y, p)
    parts = np.random.default_rng(0).normal(size=signal.shape)
    shares = np.abs(parts) / np.abs(parts).sum(axis=1, keepdims=True)
    networks = dict.fromkeys(("compact", "deep"), shares)
    agreement = dict.fromkeys(networks, {"head": parts[:3], "head, lstm": parts[3:6]})
    of_one = draw_leak().drop_duplicates("model")
    worst = pd.DataFrame({"record": ["100"] * 4, "sample": [600, 900, 1500, 1800]})
    worst = worst.assign(label="V", predicted="N", confidence=0.99)
    stress = noise_scores(y, dict.fromkeys(conditions((6.0, -6.0)), p))
    of_test = {"test": (y, p)}
    usual = np.full(20, 0.8)
    columns = ["rr", "width", "rr_ratio", "width_ratio"]
    context = pd.DataFrame(parts[:, :4], columns=columns).assign(label=np.arange(20) % 3)
    return {
        "class_counts": drawn.plot_class_counts({"train": label, "test": label[:4]}),
        "example_beats": drawn.plot_example_beats(signal, label, 2),
        "beat_cut": drawn.plot_beat_cut(draw_recording(), 600),
        "leak": drawn.plot_leak(leak),
        "augmentation": drawn.plot_augmentation(signal[:5], label[:5], {"roll": signal[5:10]}),
        "rhythm": drawn.plot_rhythm(np.linspace(0.3, 1.5, 20), label, usual),
        "attention": predictions.plot_attention(signal[:5], np.full((5, 24), 1 / 24), label[:5]),
        "beat_probabilities": predictions.plot_beat_probabilities(signal[0], p[0], "N"),
        "neighbours": predictions.plot_neighbours(beats[:3], beats, np.arange(6).reshape(3, 2)),
        "learning_curves": curves.plot_learning_curves(draw_history()),
        "roc_curves": curves.plot_roc_curves(of_test),
        "precision_recall_curves": curves.plot_precision_recall_curves(of_test),
        "reliability": curves.plot_reliability({"KNN": bins, "compact": bins}),
        "risk_coverage": curves.plot_risk_coverage(
            {"KNN, test": risk_coverage(y, p)}, {"KNN, test": (0.9, 0.1)}
        ),
        "confusion": scores.plot_confusion({"test": confusion_matrix(y, p.argmax(1))}),
        "class_f1": scores.plot_class_f1(table),
        "model_comparison": scores.plot_model_comparison(comparison, PUBLISHED_RESULTS),
        "protocol_comparison": protocols.plot_protocol_comparison({"known": of_one, "new": None}),
        "leak_scores": protocols.plot_leak_scores(draw_leak()),
        "context": protocols.plot_context(context),
        "error_records": protocols.plot_error_records(np.arange(2000) % 30, y, p.argmax(1)),
        "worst_beats": errors.plot_worst_beats(worst, lambda name: draw_recording()),
        "attribution": explained.plot_attribution(signal[:5], parts[:5], shares[:5], label[:5]),
        "class_attributions": explained.plot_class_attributions(signal, label, networks, networks),
        "randomisation_test": explained.plot_randomisation_test(
            signal[0], parts[0], parts[1], agreement
        ),
        "noise_traces": noise.plot_noise_traces({"clean": parts[0], "em": parts[1]}, "record", 360),
        "noise_scores": noise.plot_noise_scores({"KNN": stress, "compact": stress}),
        "noise_lines": noise.plot_noise_lines({"with": (stress, "macro_f1")}, "macro F1"),
    }


def words(figure):
    """All text of a figure."""
    return " | ".join(t.get_text() for t in figure.findobj(plt.Text) if t.get_text())
