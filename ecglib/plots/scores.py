"""Figures of scores: which classes are confused, how good each class and each model is."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASSES
from ecglib.metrics.scores import ratio
from ecglib.plots.style import (
    ACCENT,
    FULL_WIDTH,
    HALF_WIDTH,
    INK,
    MUTED,
    class_bars,
    class_ticks,
    styled,
)

# Ticks of a score axis, as what is missing to 1
SCORE_TICKS = np.array([0.8, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001])


@styled
def plot_confusion(matrices: Mapping[str, np.ndarray]) -> Figure:
    """Confusion matrices side by side: percent of the true class, and number of beats.

    Parameters
    ----------
    matrices : mapping
        ``{"test": counts of shape (5, 5), ...}``, true classes on rows; up to three in a row.
    """
    n = len(matrices)
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    width = FULL_WIDTH if n > 1 else HALF_WIDTH
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
            ax.text(
                len(matrix) / 2, k + 0.5, "no beats", color=MUTED, size=7, ha="center", va="center"
            )
        ax.set_title(name)
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0, labelsize=8)
    for ax in axes.flat[max(n - columns, 0) : n]:  # the last of each column, above removed ones too
        ax.tick_params(labelbottom=True)
    fig.supxlabel("predicted class", size=8)
    fig.supylabel("true class", size=8)
    return fig


@styled
def plot_class_f1(table: pd.DataFrame) -> Figure:
    """F1 of each class, models side by side, with their bootstrap intervals.

    Parameters
    ----------
    table : DataFrame
        Rows of one set of ``evaluation.class_table``: columns ``model``, ``class``, ``f1`` and,
        where there are intervals, ``f1_low``, ``f1_high``.
    """
    by_class = {
        column: table.pivot(index="class", columns="model", values=column)
        .reindex(index=CLASSES, columns=table["model"].unique())
        for column in ("f1", "f1_low", "f1_high") if column in table
    }  # fmt: skip
    f1 = by_class["f1"]
    fig, ax = plt.subplots(figsize=(FULL_WIDTH, 2.7))
    handles, size = class_bars(ax, f1), 6 if f1.shape[1] < 5 else 5.2  # as wide as a bar
    for bars, model in zip(list(ax.containers), f1, strict=True):
        x = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars])
        top = f1[model].to_numpy()
        if "f1_low" in by_class:
            low, high = (by_class[c][model].to_numpy() for c in ("f1_low", "f1_high"))
            ax.vlines(x, low, high, color=INK, lw=0.8)
            top = np.fmax(top, high)
        for at, height, value in zip(x, top, f1[model], strict=True):
            if np.isfinite(value):
                ax.text(at, height + 0.012, f"{100 * value:.1f}", size=size, ha="center")
    ax.set(ylim=(0, 1.06), yticks=np.linspace(0, 1, 6), ylabel="F1")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    class_ticks(ax)
    fig.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return fig


@styled
def plot_model_ladder(
    table: pd.DataFrame, published: Mapping[str, Mapping[str, float]] | None = None
) -> Figure:
    """Accuracy and macro F1, one row a model, with published results as lines.

    Drawn on a logarithmic scale of what is missing to 100 %: otherwise good models, of which one
    makes half the errors of the other, could not be told apart.

    Parameters
    ----------
    table : DataFrame
        One row a model, from the weakest to the best: columns ``model``, ``accuracy``,
        ``macro_f1`` and, where there are intervals, ``accuracy_low``, ``accuracy_high`` and so on;
        ``accuracy_records_low`` ... are drawn as thin lines (see ``evaluation.interval_table``).
    published : mapping, optional
        Such as ``evaluation.PUBLISHED_RESULTS``.
    """
    fig, axes = plt.subplots(1, 2, figsize=(FULL_WIDTH, 1.2 + 0.34 * len(table)), sharey=True)
    row = np.arange(len(table))
    for ax, score, title in zip(
        axes, ("accuracy", "macro_f1"), ("accuracy", "macro F1"), strict=True
    ):
        for line, (name, result) in zip(("--", ":", "-."), (published or {}).items(), strict=False):
            ax.axvline(_missing(result[score]), color=INK, lw=0.9, ls=line, label=name)
        value = table[score].to_numpy()
        ends = [_missing(value)] + [_missing([r[score]]) for r in (published or {}).values()]
        for kind, width in (("_records", 0.9), ("", 2.6)):
            if f"{score}{kind}_low" in table:
                ends += [_missing(table[f"{score}{kind}_{end}"]) for end in ("low", "high")]
                ax.hlines(row, *ends[-2:], color=ACCENT, lw=width)
        ax.plot(ends[0], row, "o", color=ACCENT, ms=4)
        for y, x, each in zip(row, ends[0], value, strict=True):
            text = ax.annotate(
                f"{100 * each:.2f}", (x, y), (0, 6), textcoords="offset points", size=7
            )
            text.set(ha="center", bbox={"fc": "white", "ec": "none", "pad": 0.6})
        most, least = np.nanmax(np.concatenate(ends)), np.nanmin(np.concatenate(ends))
        margin = max((most / least) ** 0.11, 1.1)
        ax.set(xscale="log", xlim=(most * margin, least / margin), title=title)
        ax.set_ylim(len(table) - 0.5, -0.7)
        shown = SCORE_TICKS[(SCORE_TICKS <= most * margin) & (SCORE_TICKS >= least / margin)]
        ax.set_xticks(shown, [f"{100 - 100 * tick:g}%" for tick in shown])
        ax.minorticks_off()
    axes[0].set_yticks(row, table["model"])
    axes[0].tick_params(axis="y", length=0, labelsize=8)
    text = "what is missing to 100 % is drawn on a logarithmic scale"
    if "accuracy_records_low" in table:
        text += "\n95 % bootstrap intervals: thick over beats, thin over records"
    fig.supxlabel(text, size=7, x=0.01, ha="left")
    if published:
        handles, names = axes[0].get_legend_handles_labels()
        fig.legend(handles, names, loc="outside lower right", ncols=len(names))
    return fig


def _missing(score: float | np.ndarray) -> np.ndarray:
    """What a score lacks of 1; the best that can be drawn is 99.95 %."""
    return np.maximum(1 - np.asarray(score, dtype=float), 5e-4)
