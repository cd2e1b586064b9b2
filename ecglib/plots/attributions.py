"""Figures of explanations: attention, integrated gradients, and the test of their validity."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ecglib.evaluation.explain import KINDS_OF_AGREEMENT
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.plots import style

# Against and for the class; distinguishable with every common colour vision deficiency.
AGAINST, FOR = "#5E3C99", "#E66101"
STRETCH = 6  # samples (50 ms) that are averaged together
DIRECTIONS = LinearSegmentedColormap.from_list("directions", [AGAINST, "#DDDDDD", FOR])


@style.styled
def plot_attribution(
    signal: np.ndarray, attribution: np.ndarray, attention: np.ndarray, label: np.ndarray
) -> Figure:
    """Beats coloured by the attribution of each sample to their class, with the attention below.

    Parameters
    ----------
    signal : ndarray, shape (k, 187)
    attribution : ndarray, shape (k, 187)
        Integrated gradients; the colours scale with the square root, up to each beat's maximum.
    attention : ndarray, shape (k, 187)
    label : ndarray, shape (k,), int
        The explained class.
    """
    fig, axes, _ = style.beats_and_strips(signal, attention)
    for ax, beat, own, k in zip(axes[0], signal, attribution, label, strict=True):
        used = len(np.trim_zeros(beat, "b"))
        lines = _coloured(ax, beat[:used], own[:used])
        style.beat_axis(ax)
        ax.set_title(CLASS_NAMES[CLASSES[k]], color=CLASS_COLOURS[CLASSES[k]])
    axes[1, 0].set_ylabel("attention", rotation=0, ha="right", va="center", size=7)
    bar = fig.colorbar(lines, ax=axes[:, -1], shrink=0.9, pad=0.03, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["against", "neither", "for"])
    bar.outline.set_visible(False)
    return fig


@style.styled
def plot_class_attributions(
    signal: np.ndarray,
    label: np.ndarray,
    strength: Mapping[str, np.ndarray],
    attention: Mapping[str, np.ndarray],
) -> Figure:
    """Mean attributions and attention: one row per network, one column per class.

    Parameters
    ----------
    signal : ndarray, shape (n, 187)
    label : ndarray, shape (n,), int
    strength, attention : mapping
        ``{"compact": ndarray of shape (n, 187), ...}``: each sample's share (of 1) of the absolute
        attribution and of the attention.
    """
    kinds = strength, attention
    starts = np.arange(0, len(style.BEAT_MS), STRETCH)
    edges = np.append(style.BEAT_MS[starts], style.BEAT_MS[-1])
    members = {c: label == k for k, c in enumerate(CLASSES) if (label == k).any()}
    shares = {
        (name, c): [np.add.reduceat(kind[name][own].mean(axis=0), starts) for kind in kinds]
        for name in strength
        for c, own in members.items()
    }
    top = 1.1 * np.max([*shares.values()])
    fig, axes = style.panels(len(strength), len(members), 0.5 + 1.4 * len(strength))
    for line, name in zip(axes, strength, strict=True):
        for ax, (c, own) in zip(line, members.items(), strict=True):
            style.beat_axis(ax)
            ax.plot(style.BEAT_MS, top * signal[own].mean(axis=0), color=style.MUTED, lw=0.7)
            evidence, look = shares[name, c]
            ax.stairs(evidence, edges, fill=True, color=style.tint(CLASS_COLOURS[c], 0.6))
            ax.stairs(look, edges, color=style.INK, lw=0.9, baseline=None)
        line[0].set_ylabel(f"{name}\nshare in 50 ms")
    for ax, c in zip(axes[0], members, strict=True):
        ax.set_title(CLASS_NAMES[c], color=CLASS_COLOURS[c])
    axes[0, 0].set_ylim(0, top)
    axes[0, 0].yaxis.set_major_locator(MaxNLocator(4))
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    text = "filled: integrated gradients, black: attention, grey: mean beat"
    fig.supxlabel(f"{style.BEAT_TIME}; {text}")
    return fig


@style.styled
def plot_randomisation_test(
    beat: np.ndarray,
    trained: np.ndarray,
    broken: np.ndarray,
    agreement: Mapping[str, Mapping[str, np.ndarray]],
) -> Figure:
    """Agreement of explanations before and after the network's weights are shuffled.

    ``beat``, ``trained`` and ``broken``, each of shape (187,), are a beat and its attributions by
    the first network with trained and with shuffled weights; ``agreement`` maps each network to the
    result of `explain.randomisation_test`.
    """
    fig = plt.figure(figsize=(style.FULL_WIDTH, 2.7))
    widths = [4, *[6 / len(agreement)] * len(agreement)]
    grid = fig.add_gridspec(2, len(widths), width_ratios=widths)
    used = len(np.trim_zeros(beat, "b"))
    titles = f"{next(iter(agreement))}, trained", "all weights shuffled"
    for row, (title, own) in enumerate(zip(titles, (trained, broken), strict=True)):
        ax = fig.add_subplot(grid[row, 0])
        _coloured(ax, beat[:used], own[:used])
        style.beat_axis(ax)
        ax.set_title(title, loc="left", size=7.5)
        ax.tick_params(labelbottom=row == 1)
    ax.set(xlabel=style.BEAT_TIME, ylabel="amplitude")
    first = None
    for column, (network, table) in enumerate(agreement.items(), 1):
        ax = fig.add_subplot(grid[:, column], sharey=first)
        _agreement_lines(ax, table)
        ax.set_title(network, loc="left", size=7.5)
        ax.set_xlabel("weights shuffled")
        ax.tick_params(labelleft=first is None)
        first = first or ax
    first.set_ylabel("rank correlation")
    fig.supxlabel("points: median over beats, lines: interquartile range", size=8, x=0.7)
    style.legend_above(fig, first)
    return fig


def _agreement_lines(ax: Axes, table: Mapping[str, np.ndarray]) -> None:
    """Median and interquartile range of one network's rank correlations."""
    x = np.arange(len(table) + 1)
    looks = (style.ACCENT, "o", -0.08), (style.MUTED, "s", 0), (style.INK, "D", 0.08)
    for k, (colour, marker, shift) in enumerate(looks):
        values = np.stack([each[k] for each in table.values()])
        middle = np.r_[1, np.nanmedian(values, axis=1)]
        low, high = (np.r_[1, np.nanquantile(values, q, axis=1)] for q in (0.25, 0.75))
        ax.vlines(x + shift, low, high, color=colour)
        ax.plot(x + shift, middle, color=colour, marker=marker, ms=3, label=KINDS_OF_AGREEMENT[k])
    ax.axhline(0, color=style.INK, lw=0.6)
    last = [name.split(", ")[-1] for name in table]  # the previous ones stay shuffled
    names = ["nothing", *(f"{'+ ' if i else ''}{name}" for i, name in enumerate(last))]
    ax.set_xticks(x, names, size=6.5, rotation=30, ha="right", rotation_mode="anchor")


def _coloured(ax: Axes, beat: np.ndarray, attribution: np.ndarray) -> LineCollection:
    """A beat coloured by the attribution of its samples."""
    size = np.abs(attribution)
    weight = np.sign(attribution) * np.sqrt(size / max(size.max(), 1e-12))
    points = np.stack([style.BEAT_MS[: len(beat)], beat], axis=1)
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    lines = LineCollection(pieces, cmap=DIRECTIONS, lw=1.8, capstyle="round")
    lines.set(array=(weight[:-1] + weight[1:]) / 2, clim=(-1, 1))
    return ax.add_collection(lines)
