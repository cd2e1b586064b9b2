"""Figures of the noise stress test."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASS_COLOURS, CLASSES
from ecglib.plots import style
from ecglib.recordings.noise import KINDS, NONE

MARKERS = ("o", "s", "D", "^")


@style.styled
def plot_noise_traces(traces: Mapping[str, np.ndarray], title: str, fs: float) -> Figure:
    """A few seconds of one recording in mV at ``fs`` Hz, clean and with each kind of noise."""
    fig, axes = style.panels(len(traces), 1, 0.6 + 0.75 * len(traces), sharey=False)
    for ax, (name, trace) in zip(axes.flat, traces.items(), strict=True):
        ax.plot(np.arange(len(trace)) / fs, trace, color=style.INK, lw=0.7)
        ax.set_title(name, loc="left", size=7.5)
        ax.locator_params(axis="y", nbins=3)
    axes[-1, 0].set(xlim=(0, len(trace) / fs), xlabel=f"time (s), {title}")
    fig.supylabel("mV")
    return fig


@style.styled
def plot_noise_scores(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """F1 of each class by signal-to-noise ratio: models on rows, kinds of noise on columns.

    ``tables`` maps each model to its `noise_stress.noise_scores`.
    """
    fig, axes = style.panels(len(tables), len(KINDS), 0.8 + 1.45 * len(tables))
    for line, (model, table) in zip(axes, tables.items(), strict=True):
        _noise_axes(line, {c: (table, f"f1_{c}") for c in CLASSES}, [*CLASS_COLOURS.values()])
        line[0].set_ylabel(f"{model}\nF1")
    return _labelled(fig, axes)


@style.styled
def plot_noise_lines(lines: Mapping[str, tuple[pd.DataFrame, str]], ylabel: str) -> Figure:
    """Scores against the signal-to-noise ratio, one panel per kind of noise.

    ``lines`` is ``{name: (table, column), ...}``, with tables of `noise_stress`.
    """
    fig, axes = style.panels(1, len(KINDS), 2.1)
    _noise_axes(axes[0], lines, [style.MUTED, style.ACCENT, style.INK])
    axes[0, 0].set_ylabel(ylabel)
    return _labelled(fig, axes)


def _noise_axes(
    axes: np.ndarray, lines: Mapping[str, tuple[pd.DataFrame, str]], colours: list[str]
) -> None:
    """One panel per kind of noise, from the clean recording on the left to the most noise."""
    for ax, kind in zip(axes, KINDS, strict=True):
        for k, (label, (table, column)) in enumerate(lines.items()):
            own = table[table["noise"].isin([NONE, kind])].sort_values("snr_db", ascending=False)
            ax.plot(range(len(own)), own[column], color=colours[k % len(colours)],
                    marker=MARKERS[k % 4], ms=2.5, label=label)  # fmt: skip
        levels = [f"{snr:g}".replace("-", "−").replace("inf", "clean") for snr in own["snr_db"]]
        ax.set_xticks(range(len(levels)), levels, size=6)
        ax.set(ylim=(0, 1.02), yticks=[0, 0.5, 1])
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))


def _labelled(fig: Figure, axes: np.ndarray) -> Figure:
    for ax, name in zip(axes[0], KINDS.values(), strict=True):
        ax.set_title(name)
    style.legend_above(fig, axes[0, 0])
    fig.supxlabel("signal-to-noise ratio (dB)")
    return fig
