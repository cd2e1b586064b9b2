"""Figures of scores by protocol, and of differences between patients."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.plots import style

RECORDS = 24  # drawn by `plot_error_records`
PER_CLASS = 1500  # beats drawn by `plot_context`

# The protocol with new patients stands out from the other two.
PROTOCOL_STYLE = {
    "kaggle": {"color": style.INK, "marker": "o"},
    "random": {"color": style.MUTED, "marker": "s"},
    "patients": {"color": style.ACCENT, "marker": "D"},
}


@style.styled
def plot_protocol_comparison(tables: Mapping[str, pd.DataFrame | None]) -> Figure:
    """Macro F1 of N, S and V: one row per model, one panel per protocol.

    ``tables`` maps protocols to tables with ``model`` and columns of `ec57.headline`, or to None.
    """
    found = [table for table in tables.values() if table is not None]
    models = list(pd.concat(found)["model"].unique())
    fig, (axes,) = style.panels(1, len(tables), 1.0 + 0.36 * max(len(models), 2))
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        ax.set_title(title)
        if table is None:
            middle = {"transform": ax.transAxes, "ha": "center"}
            ax.text(0.5, 0.5, "no results yet", color=style.MUTED, **middle)
        else:
            _macro_f1(ax, table, [models.index(model) for model in table["model"]])
    style.model_ticks(axes[0], models)
    axes[0].set_xlim(0, 1.02)
    axes[0].xaxis.set_major_formatter(PercentFormatter(1.0))
    fig.supxlabel("macro F1 of N, S and V (lines: 95 % intervals over records)")
    return fig


@style.styled
def plot_leak_scores(table: pd.DataFrame) -> Figure:
    """Effect of leaks: macro F1 by protocol, and accuracy with and without shared samples.

    ``table`` holds the lines of one seed in ``benchmarks/results/leak.csv``.
    """
    table = table[table["model"] != "most frequent class"]
    models = list(table["model"].unique())
    table = table.assign(row=[models.index(model) for model in table["model"]])
    fig, ((left, right),) = style.panels(1, 2, 1.2 + 0.75 * len(models), sharex=False)
    for k, (protocol, point) in enumerate(PROTOCOL_STYLE.items()):
        own = table[(table["protocol"] == protocol) & (table["beats_asked"] == "all")]
        _macro_f1(left, own, own["row"] + 0.27 * (k - 1), 4, **point, label=protocol)
    kinds = {"shares samples": (-0.12, style.INK), "shares none": (0.12, style.ACCENT)}
    for kind, (shift, colour) in kinds.items():
        own = table[(table["protocol"] == "kaggle") & (table["beats_asked"] == kind)]
        over_beats = own[["accuracy", "accuracy_low", "accuracy_high"]]
        style.score_points(right, over_beats, "accuracy", own["row"] + shift, colour, label=kind)
        for beat in own.itertuples():
            text = f"{100 * beat.accuracy:.1f}, {beat.beats:,.0f} beats"
            style.score_text(right, beat.accuracy, beat.row + shift, text, 5)
    style.model_ticks(left, models)
    left.set(xlim=(0, 1.09), xlabel="macro F1 of N, S and V\n(95 % intervals over records)")
    right.set(xlabel="accuracy on the published test beats\n(95 % intervals over beats)")
    right.margins(x=0.18)
    right.locator_params(axis="x", nbins=5)
    for ax in (left, right):
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if ax is left else 1))
        ax.grid(visible=False, axis="y")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handletextpad=0.3)
    return fig


@style.styled
def plot_context(table: pd.DataFrame, seed: int = 0) -> Figure:
    """RR intervals and QRS widths of many patients: absolute, and relative to the patient's own.

    ``table`` is the `context_table` of all; ``seed`` chooses `PER_CLASS` beats per class.
    """
    axis_labels = {
        "rr": "RR interval before the beat (s)",
        "width": "QRS width at half height (s)",
        "rr_ratio": "RR interval / mean of the last 32",
        "width_ratio": "QRS width / typical beat's",
    }
    fig, (axes,) = style.panels(1, 2, 2.9, sharex=False, sharey=False)
    shuffled = table[table["label"] < 3].sample(frac=1, random_state=seed)  # no class on top
    drawn = shuffled[shuffled.groupby("label").cumcount() < PER_CLASS]
    colours = [CLASS_COLOURS[CLASSES[k]] for k in drawn["label"]]
    for ax, (x, y) in zip(axes, (("rr", "width"), ("rr_ratio", "width_ratio")), strict=True):
        ax.scatter(drawn[x], drawn[y], s=3, lw=0, alpha=0.5, color=colours)
        ends = drawn[[x, y]].quantile([0.002, 0.998])
        ax.set(xlabel=axis_labels[x], ylabel=axis_labels[y], xlim=ends[x], ylim=ends[y])
    for c in CLASSES[:3]:
        axes[0].plot([], [], "o", ms=4, color=CLASS_COLOURS[c], label=f"{c} {CLASS_NAMES[c]}")
    fig.legend(loc="outside upper center", ncols=3, handletextpad=0.3)
    return fig


@style.styled
def plot_error_records(record: np.ndarray, label: np.ndarray, predicted: np.ndarray) -> Figure:
    """Error rate by record, highest first, in the colours of the true classes."""
    wrong = (np.arange(len(CLASSES)) == label[:, None]) & (label != predicted)[:, None]
    share = pd.DataFrame(wrong).groupby(record).mean()
    order = share.sum(axis=1).sort_values(ascending=False, kind="stable").index
    shown = share.loc[order[:RECORDS]]
    shown = shown.set_axis([f"{c} {CLASS_NAMES[c]}" for c in CLASSES], axis=1)
    fig, ax = plt.subplots(figsize=(style.FULL_WIDTH, 2.5))
    shown.plot.bar(ax=ax, stacked=True, width=0.8, color=[CLASS_COLOURS[c] for c in CLASSES])
    ax.axhline((label != predicted).mean(), lw=0.8, ls="--", label="all records")
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False, axis="x")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    rest = share.loc[order[RECORDS:]].sum(axis=1)
    text = "record, highest error rate first; colours: true class of the misclassified beats"
    if len(rest):
        text += f"\nnot shown: {len(rest)} records with an error rate of at most {rest.max():.1%}"
    ax.set(ylabel="error rate", xlabel=text)
    ax.legend(ncols=2, loc="upper right")
    return fig


def _macro_f1(
    ax: Axes, table: pd.DataFrame, y: Sequence[float], above: float = 6, **point: object
) -> None:
    """Macro F1 with intervals over records, and its values."""
    columns = ["macro_f1", *table.filter(regex="macro_f1_records")]
    style.score_points(ax, table[columns], "macro_f1", y, **point)
    for value, row in zip(table["macro_f1"], y, strict=True):
        style.score_text(ax, value, row, f"{100 * value:.1f}", above)
