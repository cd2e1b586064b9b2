"""Figures of curves: learning, ROC, precision-recall, reliability, risk-coverage."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, PercentFormatter
from sklearn import metrics

from ecglib.labels import CLASS_COLOURS, CLASSES
from ecglib.metrics.calibration import calibration_errors
from ecglib.plots import style

LEGEND = {"borderaxespad": 0.2, "handlelength": 1.2, "frameon": True, "edgecolor": "none"}
UNIT_SQUARE = {
    "xlim": (-0.01, 1.01), "ylim": (-0.01, 1.015), "xticks": [0, 0.5, 1],
    "yticks": [0, 0.25, 0.5, 0.75, 1],
}  # fmt: skip
CURVE_POINTS = 300  # enough for print; 20,000 would bloat the SVG file

# True classes and probabilities by set
Sets = Mapping[str, tuple[np.ndarray, np.ndarray]]


@style.styled
def plot_learning_curves(history: pd.DataFrame) -> Figure:
    """Loss, validation scores and learning rate over the epochs, from the table that `fit` returns.

    The epoch whose weights are saved and the one with the lowest validation loss are marked.
    """
    fig, ((loss, scores, rate),) = style.panels(1, 3, 2.2, sharey=False, width_ratios=[3, 3, 2])
    epoch = history["epoch"]
    marker = "." if len(history) < 40 else None
    for ax, name, colour, label in (
        (loss, "train_loss", style.MUTED, "training"),
        (loss, "validation_loss", style.ACCENT, "validation"),
        (scores, "validation_accuracy", style.MUTED, "accuracy"),
        (scores, "validation_macro_f1", style.ACCENT, "macro F1"),
    ):
        ax.plot(epoch, history[name], color=colour, marker=marker, label=label)
    best = history.loc[history["validation_loss"].idxmin()]
    loss.plot(best["epoch"], best["validation_loss"], "o", ms=8, mfc="none", mew=0.9)
    loss.set(ylabel="loss", yscale="log")
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("")
    scores.set(ylabel="validation score")
    scores.yaxis.set_major_formatter(PercentFormatter(1.0))
    rate.plot(epoch, history["learning_rate"])
    rate.set(ylabel="learning rate", ylim=(0, None))
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rate.yaxis.get_offset_text().set_size(7)
    kept, lowest = int(epoch[history["kept"]].iloc[0]), int(best["epoch"])
    for ax in (loss, scores):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
        ax.axvline(kept, lw=0.9, ls="--")
    rate.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    fig.supxlabel(f"epoch (dashed: {kept}, saved weights; ring: {lowest}, lowest validation loss)")
    return fig


@style.styled
def plot_roc_curves(sets: Sets) -> Figure:
    """ROC curve of each class against the rest, one column per set, its corner enlarged below.

    ``sets`` is ``{"test": (y_true, proba), ...}``; classes without beats have no curve.
    """
    fig, (axes, corners) = _square_panels(2, len(sets))
    for ax, corner, (name, (y_true, proba)) in zip(axes, corners, sets.items(), strict=True):
        for k, c in enumerate(CLASSES):
            if 0 < (y_true == k).sum() < len(y_true):
                auc = metrics.roc_auc_score(y_true == k, proba[:, k])
                x, y = _thin(*metrics.roc_curve(y_true == k, proba[:, k])[:2])
                for panel in (ax, corner):
                    panel.plot(x, y, color=CLASS_COLOURS[c], label=f"{c}   AUC {auc:.4f}")
        ax.plot([0, 1], [0, 1], color=style.MUTED, lw=0.7, ls=":")
        ax.set(**UNIT_SQUARE, title=name)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="lower right", **LEGEND)
        corner.set(xlim=(-0.001, 0.1), ylim=(0.798, 1.003), title="its upper left corner")
        corner.set(xticks=[0, 0.05, 0.1], yticks=[0.8, 0.85, 0.9, 0.95, 1])
    for ax in (axes[0], corners[0]):
        ax.set_ylabel("sensitivity")
    fig.supxlabel("false positive rate")
    return fig


@style.styled
def plot_precision_recall_curves(sets: Sets) -> Figure:
    """Precision over sensitivity for each class, one panel per set.

    ``sets`` is ``{"test": (y_true, proba), ...}``; classes without beats have no curve.
    """
    fig, (axes,) = _square_panels(1, len(sets))
    for ax, (name, (y_true, proba)) in zip(axes, sets.items(), strict=True):
        for k, c in enumerate(CLASSES):
            if (y_true == k).any():
                precision, recall, _ = metrics.precision_recall_curve(y_true == k, proba[:, k])
                ap = metrics.average_precision_score(y_true == k, proba[:, k])
                x, y = _thin(recall, precision)
                ax.plot(x, y, color=CLASS_COLOURS[c], label=f"{c}   AP {ap:.4f}")
        ax.set(**UNIT_SQUARE, title=name)
        ax.legend(loc="lower left", **LEGEND)
    axes[0].set_ylabel("positive predictivity")
    fig.supxlabel("sensitivity")
    return fig


@style.styled
def plot_reliability(bins: Mapping[str, pd.DataFrame]) -> Figure:
    """Accuracy of predictions by confidence, and their number: one panel per `calibration_bins`."""
    fig, axes = plt.subplots(
        2, len(bins), figsize=(style.FULL_WIDTH if len(bins) > 1 else style.HALF_WIDTH, 3.0),
        sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1],
    )  # fmt: skip
    for (above, below), (name, table) in zip(axes.T, bins.items(), strict=True):
        filled = table[table["beats"] > 0]
        errors = calibration_errors(table)
        above.plot([0, 1], [0, 1], color=style.MUTED, lw=0.8, ls=":")
        above.vlines(filled["confidence"], filled["confidence"], filled["accuracy"])
        above.plot(filled["confidence"], filled["accuracy"], color=style.ACCENT, marker="o", ms=3)
        above.set_title(name)
        text = f"ECE {errors['ece']:.2%}\nMCE {errors['mce']:.1%}"
        above.text(0.04, 0.94, text, va="top", size=7)
        width = table["high"] - table["low"]
        below.bar(table["low"], table["beats"], width * 0.92, align="edge", color=style.MUTED)
        below.set(yscale="log", xlim=(0, 1), xlabel="confidence")
    axes[0, 0].set(ylim=(0, 1), ylabel="accuracy")
    axes[1, 0].set_ylabel("beats")
    axes[1, 0].yaxis.set_major_formatter("{x:,.0f}")
    return fig


@style.styled
def plot_risk_coverage(
    curves: Mapping[str, pd.DataFrame], points: Mapping[str, tuple[float, float]]
) -> Figure:
    """Error rate against the share of beats that are answered.

    ``curves`` maps names to tables of `risk_coverage`, ``points`` to (coverage, risk) at a
    threshold chosen beforehand.
    """
    fig, ax = plt.subplots(figsize=(style.FULL_WIDTH, 2.5))
    styles = [(style.MUTED, ":"), (style.INK, "--"), (style.ACCENT, "-")]
    for (name, curve), (colour, line) in zip(curves.items(), styles[-len(curves) :], strict=True):
        ax.plot(curve["coverage"], curve["risk"], color=colour, ls=line, label=name)
        if name in points:
            ax.plot(*points[name], "o", color=colour, ms=5)
            ax.annotate(
                f"uncertain: {1 - points[name][0]:.1%}", points[name], (-6, 8), ha="right",
                textcoords="offset points", size=7, color=colour,
            )  # fmt: skip
    ax.set(xlim=(0.5, 1.005), ylim=(0, None))
    ax.set(xlabel="share of beats answered, most confident first", ylabel="error rate among them")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    ax.legend(loc="upper left")
    return fig


def _square_panels(kinds: int, sets: int) -> tuple[Figure, np.ndarray]:
    """Square panels, one column per set; two kinds of a single set stand side by side."""
    rows, columns = (kinds, sets) if sets > 1 else (1, kinds)
    width = style.FULL_WIDTH if columns > 1 else style.HALF_WIDTH
    size = (width, 0.2 + rows * (0.1 + width / columns))
    share = "row" if sets > 1 else False
    fig, axes = plt.subplots(rows, columns, figsize=size, sharey=share, squeeze=False)
    for ax in axes.flat:
        ax.set_box_aspect(1)
    return fig, axes.reshape(kinds, sets)


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a curve at about equal distances, both ends included."""
    along = np.append(0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    keep = np.unique(np.searchsorted(along, np.linspace(0, along[-1], CURVE_POINTS), side="left"))
    keep = np.unique(np.r_[0, keep, len(x) - 1])
    return x[keep], y[keep]
