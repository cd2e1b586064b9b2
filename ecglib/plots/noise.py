"""Figures of the noise stress test."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.labels import CLASS_COLOURS, CLASSES
from ecglib.plots.style import ACCENT, FULL_WIDTH, INK, MUTED, legend_above, styled
from ecglib.recordings.noise import KINDS, NONE

MARKERS = ("o", "s", "D", "^")


@styled
def plot_noise_traces(traces: Mapping[str, np.ndarray], title: str, fs: float) -> Figure:
    """A few seconds of one recording, clean and with each kind of noise.

    Parameters
    ----------
    traces : mapping
        ``{"clean": ndarray of shape (n_samples,), ...}`` in millivolts.
    title : str
    fs : float
        Sampling rate in Hz.
    """
    fig, axes = plt.subplots(
        len(traces), 1, figsize=(FULL_WIDTH, 0.6 + 0.75 * len(traces)), sharex=True
    )
    for ax, (name, trace) in zip(axes, traces.items(), strict=True):
        ax.plot(np.arange(len(trace)) / fs, trace, color=INK, lw=0.7)
        ax.set_title(name, loc="left", size=7.5)
        ax.locator_params(axis="y", nbins=3)
    axes[-1].set(xlim=(0, len(trace) / fs), xlabel=f"time (s), {title}")
    fig.supylabel("mV")
    return fig


@styled
def plot_noise_scores(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """F1 of each class by signal-to-noise ratio: models on rows, kinds of noise on columns.

    Parameters
    ----------
    tables : mapping
        ``{"KNN": table, ...}`` of `noise_stress.noise_scores`.
    """
    fig, axes = plt.subplots(
        len(tables), len(KINDS), figsize=(FULL_WIDTH, 0.8 + 1.45 * len(tables)), sharex=True,
        sharey=True, squeeze=False,
    )  # fmt: skip
    for ax, name in zip(axes[0], KINDS.values(), strict=True):
        ax.set_title(name)
    for line, (model, table) in zip(axes, tables.items(), strict=True):
        for ax, kind in zip(line, KINDS, strict=True):
            own = table[table["noise"].isin([NONE, kind])]
            for k, c in enumerate(CLASSES):
                ax.plot(_steps(own), own[f"f1_{c}"], color=CLASS_COLOURS[c], marker=MARKERS[k % 4],
                        ms=2.5, label=c)  # fmt: skip
            _snr_axis(ax, own)
        line[0].set_ylabel(f"{model}\nF1")
    legend_above(fig, axes[0, 0])
    fig.supxlabel("signal-to-noise ratio (dB)")
    return fig


@styled
def plot_noise_lines(
    lines: Mapping[str, pd.DataFrame], score: Mapping[str, str] | str, ylabel: str
) -> Figure:
    """Scores against the signal-to-noise ratio, one panel per kind of noise.

    Parameters
    ----------
    lines : mapping
        ``{name: table, ...}`` with columns ``noise``, ``snr_db`` and the score.
    score : str or mapping
        Name of the column, or of each line's.
    ylabel : str
    """
    fig, axes = plt.subplots(1, len(KINDS), figsize=(FULL_WIDTH, 2.1), sharex=True, sharey=True)
    colours = (MUTED, ACCENT, INK)
    for ax, (kind, name) in zip(axes, KINDS.items(), strict=True):
        for k, (label, table) in enumerate(lines.items()):
            own = table[table["noise"].isin([NONE, kind])]
            column = score if isinstance(score, str) else score[label]
            ax.plot(_steps(own), own[column], color=colours[k % 3], marker=MARKERS[k % 4], ms=3,
                    label=label)  # fmt: skip
        ax.set_title(name)
        _snr_axis(ax, own)
    axes[0].set_ylabel(ylabel)
    legend_above(fig, axes[0])
    fig.supxlabel("signal-to-noise ratio (dB)")
    return fig


def _steps(own: pd.DataFrame) -> np.ndarray:
    """Positions on the axis, from clean on the left to the most noise on the right."""
    return own["snr_db"].rank(ascending=False).to_numpy() - 1


def _snr_axis(ax: Axes, own: pd.DataFrame) -> None:
    levels = own["snr_db"].sort_values(ascending=False)
    names = [f"{snr:g}".replace("-", "−") if np.isfinite(snr) else "clean" for snr in levels]
    ax.set_xticks(range(len(levels)), names, size=6)
    ax.set(ylim=(0, 1.02), yticks=[0, 0.5, 1])
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
