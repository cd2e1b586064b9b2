"""Figures of what the way of splitting does to scores, and of how scores differ from person to
person."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.plots.style import ACCENT, FULL_WIDTH, INK, MUTED, styled, tint

# The protocol that asks about new people stands out; the other two are alike.
PROTOCOL_STYLE = {
    "kaggle": {"color": INK, "marker": "o"},
    "random": {"color": MUTED, "marker": "s"},
    "patients": {"color": ACCENT, "marker": "D"},
}


@styled
def plot_protocol_ladder(ladders: Mapping[str, pd.DataFrame | None]) -> Figure:
    """Macro F1 of N, S and V: one row a model, one panel a protocol, the same axis for all.

    Parameters
    ----------
    ladders : mapping
        ``{"known patients": table, ...}`` with columns ``model``, ``macro_f1`` and, where there are
        intervals, ``macro_f1_low`` and so on (see ``ec57.headline``); None where nothing is known.
    """
    tables = [table for table in ladders.values() if table is not None]
    models = list(dict.fromkeys(model for table in tables for model in table["model"]))
    fig, axes = plt.subplots(
        1, len(ladders), figsize=(FULL_WIDTH, 1.0 + 0.36 * max(len(models), 2)), sharey=True,
        sharex=True, squeeze=False,
    )  # fmt: skip
    for ax, (title, table) in zip(axes[0], ladders.items(), strict=True):
        ax.set_title(title)
        if table is None:
            ax.text(0.5, 0.5, "not run yet", transform=ax.transAxes, color=MUTED, ha="center")
        else:
            y = np.array([models.index(model) for model in table["model"]])
            _intervals(ax, table, "macro_f1", y, ACCENT)
            for row, value in zip(y, table["macro_f1"], strict=True):
                _value(ax, value, row)
    axes[0, 0].set_yticks(range(len(models)), models)
    axes[0, 0].tick_params(axis="y", length=0, labelsize=8)
    axes[0, 0].set(xlim=(0, 1.02), ylim=(len(models) - 0.5, -0.7))
    axes[0, 0].xaxis.set_major_formatter(PercentFormatter(1.0))
    fig.supxlabel("macro F1 of N, S and V (lines: 95 % intervals over records)", size=8)
    return fig


@styled
def plot_leak_scores(table: pd.DataFrame) -> Figure:
    """What leaks are worth: macro F1 by protocol, and accuracy with and without shared samples.

    Parameters
    ----------
    table : DataFrame
        As ``benchmarks/leak.py`` writes it, of one seed: ``protocol``, ``model``,
        ``beats_asked`` (``all``, ``shares samples``, ``shares none``), and the columns of
        ``ec57.headline``.
    """
    models = [m for m in table["model"].unique() if m != "most frequent class"]
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(FULL_WIDTH, 1.2 + 0.75 * len(models)), width_ratios=[1, 1], sharey=True
    )
    for k, (protocol, style) in enumerate(PROTOCOL_STYLE.items()):
        own = table[(table["protocol"] == protocol) & table["model"].isin(models)]
        of_all = own[own["beats_asked"] == "all"]
        y = np.array([models.index(m) for m in of_all["model"]]) + 0.27 * (k - 1)
        _intervals(left, of_all, "macro_f1", y, **style, label=protocol)
        for row, value in zip(y, of_all["macro_f1"], strict=True):
            _value(left, value, row, 4)
        if protocol == "kaggle":
            for kind, shift in (("shares samples", -0.12), ("shares none", 0.12)):
                part = own[own["beats_asked"] == kind]
                y = np.array([models.index(m) for m in part["model"]]) + shift
                colour = INK if kind == "shares samples" else ACCENT
                _intervals(right, part, "accuracy", y, colour, label=kind, records=False)
                for row, (value, beats) in zip(
                    y, part[["accuracy", "beats"]].to_numpy(), strict=True
                ):
                    text = f"{100 * value:.1f}, {beats:,.0f} beats"
                    right.annotate(text, (value, row), (0, 5), textcoords="offset points",
                                   size=6.5, ha="center")  # fmt: skip
    left.set_yticks(range(len(models)), models)
    left.tick_params(axis="y", length=0, labelsize=8)
    left.set(xlim=(0, 1.09), ylim=(len(models) - 0.5, -0.5))
    left.set(xlabel="macro F1 of N, S and V\n(95 % intervals over records)")
    right.set(xlabel="accuracy on the published test beats\n(95 % intervals over beats)")
    right.margins(x=0.18)
    right.locator_params(axis="x", nbins=5)
    for ax in (left, right):
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if ax is left else 1))
        ax.grid(visible=False, axis="y")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handletextpad=0.3)
    return fig


@styled
def plot_context(table: pd.DataFrame, most: int = 1500, seed: int = 0) -> Figure:
    """The same two numbers of beats of many patients, plain and against the patient's usual ones.

    Parameters
    ----------
    table : DataFrame
        Of :func:`ecglib.models.patientwise.features.context_table`, of all patients.
    most : int
        Beats of a class that are drawn.
    seed : int
        Decides which.
    """
    panels = {
        ("rr", "width"): ("RR interval before the beat (s)", "QRS width at half height (s)"),
        ("rr_ratio", "width_ratio"): (
            "RR interval / mean of the last 32",
            "QRS width / typical beat's",
        ),
    }
    fig, axes = plt.subplots(1, 2, figsize=(FULL_WIDTH, 2.9))
    parts = {c: table[table["label"] == k] for k, c in enumerate(CLASSES[:3])}
    drawn = [part.sample(min(most, len(part)), random_state=seed).assign(c=c)
             for c, part in parts.items()]  # fmt: skip
    drawn = pd.concat(drawn).sample(frac=1, random_state=seed)  # no class lies over the others
    for ax, ((x, y), (below, beside)) in zip(axes, panels.items(), strict=True):
        ax.scatter(drawn[x], drawn[y], s=3, lw=0, alpha=0.5, color=drawn["c"].map(CLASS_COLOURS))
        ends = drawn[[x, y]].quantile([0.002, 0.998])
        ax.set(xlabel=below, ylabel=beside, xlim=ends[x], ylim=ends[y])
    for c in parts:
        axes[0].plot([], [], "o", ms=4, color=CLASS_COLOURS[c], label=f"{c} {CLASS_NAMES[c]}")
    fig.legend(loc="outside upper center", ncols=3, handletextpad=0.3)
    return fig


@styled
def plot_error_records(
    record: np.ndarray, label: np.ndarray, predicted: np.ndarray, most: int = 24
) -> Figure:
    """Share of wrong calls by record, worst first, in the colours of the true classes.

    Parameters
    ----------
    record : ndarray, shape (n,), str
    label, predicted : ndarray, shape (n,), int
    most : int
        Records that are drawn; the others are counted below the figure.
    """
    wrong = pd.DataFrame({"record": record, "label": label, "wrong": label != predicted})
    beats = wrong.groupby("record").size()
    share = wrong[wrong["wrong"]].groupby(["record", "label"]).size().unstack(fill_value=0)
    share = share.reindex(index=beats.index, columns=range(len(CLASSES)), fill_value=0)
    share = share.div(beats, axis=0)
    order = share.sum(axis=1).sort_values(ascending=False, kind="stable").index
    shown = share.loc[order[:most]]
    fig, ax = plt.subplots(figsize=(FULL_WIDTH, 2.5))
    bottom = np.zeros(len(shown))
    for k, c in enumerate(CLASSES):
        ax.bar(range(len(shown)), shown[k], 0.8, bottom, color=CLASS_COLOURS[c],
               label=f"{c} {CLASS_NAMES[c]}")  # fmt: skip
        bottom += shown[k].to_numpy()
    ax.axhline((label != predicted).mean(), color=INK, lw=0.8, ls="--", label="all records")
    ax.set_xticks(range(len(shown)), shown.index, rotation=90)
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False, axis="x")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    rest = share.loc[order[most:]].sum(axis=1)
    text = "record, the worst first; colours: the true class of the beats that are called wrong"
    if len(rest):
        text += f"\nnot drawn: {len(rest)} records with at most {rest.max():.1%} wrong each"
    ax.set(ylabel="wrong calls", xlabel=text)
    handles, names = ax.get_legend_handles_labels()
    ax.legend([*handles[1:], handles[0]], [*names[1:], names[0]], ncols=2, loc="upper right")
    return fig


def _intervals(
    ax: Axes, table: pd.DataFrame, score: str, y: np.ndarray, color: str, marker: str = "o",
    label: str | None = None, records: bool = True,
) -> None:  # fmt: skip
    """Points, with a thin interval over records or a thick one over beats, where it is there."""
    kind, width = ("_records", 0.9) if records else ("", 2.6)
    if f"{score}{kind}_low" in table:
        ends = [table[f"{score}{kind}_{end}"] for end in ("low", "high")]
        ax.hlines(y, *ends, color=color if records else tint(color, 0.7), lw=width)
    ax.plot(table[score], y, marker, color=color, ms=4, label=label, zorder=4)  # above the values


def _value(ax: Axes, value: float, row: float, above: float = 6) -> None:
    text = ax.annotate(f"{100 * value:.1f}", (value, row), (0, above), textcoords="offset points")
    text.set(size=7, ha="center", bbox={"fc": "white", "ec": "none", "pad": 0.4})
