"""Figures of scores: confusion matrices, F1 of each class, comparison of models."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASSES
from ecglib.metrics.scores import ratio
from ecglib.plots import style

SCORE_TICKS = np.array([0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999])
HIGHEST = 0.9995  # score that can be drawn on a logarithmic scale of errors


@style.styled
def plot_confusion(matrices: Mapping[str, np.ndarray]) -> Figure:
    """Confusion matrices side by side: percentage of the true class, and number of beats.

    ``matrices`` is ``{"test": counts of shape (5, 5), ...}``, true classes on rows.
    """
    n = len(matrices)
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    width = style.FULL_WIDTH if n > 1 else style.HALF_WIDTH
    size = (width, 0.4 + rows * min(width / columns, 2.7))
    fig, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax in axes.flat[n:]:
        ax.remove()
    for ax, (name, matrix) in zip(axes.flat, matrices.items(), strict=False):
        percent = 100 * ratio(matrix, matrix.sum(1, keepdims=True))
        text = [
            [f"{p:.1f}%\n{n:,}" if n else "" for p, n in zip(*row, strict=True)]
            for row in zip(percent, matrix, strict=True)
        ]
        sns.heatmap(
            percent, annot=np.array(text), fmt="", annot_kws={"size": 5.2 if columns > 2 else 6.2},
            ax=ax, cbar=False, vmin=0, vmax=100, cmap="Blues", square=True, linewidths=0.5,
            xticklabels=CLASSES, yticklabels=CLASSES,
        )  # fmt: skip
        for k in np.flatnonzero(matrix.sum(1) == 0):
            text = ax.text(len(matrix) / 2, k + 0.5, "no beats", color=style.MUTED, size=7)
            text.set(ha="center", va="center")
        ax.set_title(name)
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0, labelsize=8)
    for ax in axes.flat[max(n - columns, 0) : n]:  # the last of each column
        ax.tick_params(labelbottom=True)
    fig.supxlabel("predicted class")
    fig.supylabel("true class")
    return fig


@style.styled
def plot_class_f1(table: pd.DataFrame) -> Figure:
    """F1 of each class, models side by side, with intervals: rows of `class_table`."""
    by_class = table.set_index(["class", "model"]).unstack().reindex(CLASSES)
    f1 = by_class["f1"][table["model"].unique()]
    fig, ax = plt.subplots(figsize=(style.FULL_WIDTH, 2.7))
    handles, size = style.class_bars(ax, f1), 6 if f1.shape[1] < 5 else 5.2  # as wide as a bar
    for bars, model in zip(list(ax.containers), f1, strict=True):
        x = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars])
        top = f1[model].to_numpy()
        if "f1_low" in by_class:
            low, high = (by_class[c][model].to_numpy() for c in ("f1_low", "f1_high"))
            ax.vlines(x, low, high, lw=0.8)
            top = np.fmax(top, high)
        for at, height, value in zip(x, top, f1[model], strict=True):
            if np.isfinite(value):
                ax.text(at, height + 0.012, f"{100 * value:.1f}", size=size, ha="center")
    ax.set(ylim=(0, 1.06), yticks=np.linspace(0, 1, 6), ylabel="F1")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    style.class_ticks(ax)
    fig.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return fig


@style.styled
def plot_model_comparison(
    table: pd.DataFrame, published: Mapping[str, Mapping[str, float]] | None = None
) -> Figure:
    """Accuracy and macro F1, one row per model, with published results as vertical lines.

    The distance to 100 % is on a logarithmic scale, so that good models differ visibly. ``table``
    is an `interval_table` of one set, the weakest model first.
    """
    fig, axes = plt.subplots(1, 2, figsize=(style.FULL_WIDTH, 1.2 + 0.34 * len(table)), sharey=True)
    for ax, score in zip(axes, ("accuracy", "macro_f1"), strict=True):
        ax.set_xscale("function", functions=(_stretched, lambda x: 1 - np.exp(-x)))
        shown = table.filter(regex=f"^{score}").clip(upper=HIGHEST)
        style.score_points(ax, shown, score, np.arange(len(table)))
        for y, (x, value) in enumerate(zip(shown[score], table[score], strict=True)):
            style.score_text(ax, x, y, f"{100 * value:.2f}")
        for line, (name, result) in zip(("--", ":", "-."), (published or {}).items(), strict=False):
            ax.axvline(result[score], lw=0.9, ls=line, label=name)
        ax.margins(x=0.12)
        ax.autoscale_view()
        low, high = ax.get_xlim()
        ticks = SCORE_TICKS[(SCORE_TICKS >= low) & (SCORE_TICKS <= high)]
        ax.set_xticks(ticks, [f"{100 * tick:g}%" for tick in ticks])
        ax.set_title(score.replace("_f1", " F1"))
    style.model_ticks(axes[0], table["model"])
    text = "the distance to 100 % is on a logarithmic scale"
    if "accuracy_records_low" in table:
        text += "\n95 % bootstrap intervals: thick over beats, thin over records"
    fig.supxlabel(text, size=7, x=0.01, ha="left")
    if published:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return fig


def _stretched(score: np.ndarray) -> np.ndarray:
    """Position on the axis: minus the logarithm of the distance to 1."""
    return -np.log(np.maximum(1 - np.asarray(score, dtype=float), 1e-6))
