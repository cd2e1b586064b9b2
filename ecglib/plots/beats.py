"""Figures of beats: class counts, examples, the cut, leaks, augmentation, rhythm."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES, OVERRUN, cut_beats
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES, SYMBOL_TO_CLASS
from ecglib.plots import style
from ecglib.recordings.recording import Recording


@style.styled
def plot_class_counts(labels: dict[str, np.ndarray]) -> Figure:
    """Beats per class on a logarithmic scale, for sets such as ``{"train": labels}``."""
    counts = pd.DataFrame({n: np.bincount(y, minlength=len(CLASSES)) for n, y in labels.items()})
    fig, ax = plt.subplots(figsize=(style.FULL_WIDTH, 2.9))
    handles = style.class_bars(ax, counts)
    for bars in ax.containers:
        ax.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=6)
    top = 4 * max(counts.to_numpy().max(), 2)
    ax.set(yscale="log", ylim=(0.8, top), ylabel="beats (log scale)")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    style.class_ticks(ax)
    if len(handles) > 1:
        ax.legend(handles=handles, ncols=len(handles), loc="upper right")
    return fig


@style.styled
def plot_example_beats(signal: np.ndarray, label: np.ndarray, per_class: int = 1) -> Figure:
    """The first ``per_class`` beats of each class, a class per column, padding in grey."""
    fig, axes = style.beat_grid(per_class, len(CLASSES), 0.75 + 1.05 * per_class)
    for k, c in enumerate(CLASSES):
        axes[0, k].set_title(CLASS_NAMES[c], color=CLASS_COLOURS[c])
        beats = signal[np.flatnonzero(label == k)[:per_class]]
        for ax, beat in zip(axes[:, k], beats, strict=False):
            style.draw_beat(ax, beat, CLASS_COLOURS[c])
    return fig


@style.styled
def plot_beat_cut(recording: Recording, sample: int) -> Figure:
    """The cut of a beat: the recording with its annotations above, the resulting row below.

    ``sample`` is that of the beat's annotation; two more annotations must follow.
    """
    marks, symbols, fs = recording.mark_sample, recording.mark_symbol, recording.fs
    k = int(np.searchsorted(marks, sample))
    if k + 2 >= len(marks) or marks[k] != sample:
        raise ValueError(
            f"Sample {sample} of {recording.name} is not an annotated beat with two more "
            "annotations after it, which this figure needs. Choose another beat."
        )
    stop = marks[k + 1] + int(OVERRUN * (marks[k + 2] - marks[k + 1]))
    colour = CLASS_COLOURS.get(SYMBOL_TO_CLASS.get(str(symbols[k]), ""), style.INK)
    shown = slice(max(sample - int(1.2 * fs), 0), int(marks[k + 2] + 0.7 * fs))
    signal = recording.signal[shown, 0]
    fig, (above, below) = plt.subplots(2, 1, figsize=(style.FULL_WIDTH, 3.9))
    above.plot(np.arange(shown.start, shown.start + len(signal)) / fs, signal, lw=0.8)
    above.axvspan(sample / fs, stop / fs, color=style.tint(colour, 0.25))
    top = signal.max() + 0.22 * np.ptp(signal)
    for mark, symbol in zip(marks, symbols, strict=True):
        if shown.start <= mark < shown.stop:
            above.axvline(mark / fs, color="#999999", lw=0.6, ls=":")
            above.text(mark / fs, top, symbol, ha="center", va="top", weight="bold")
    above.set(xlabel="time in the recording (s)", ylabel=f"{recording.leads[0]} (mV)")
    above.set(xlim=(shown.start / fs, shown.stop / fs), ylim=(None, top))
    title = f"Record {recording.name} at {fs:g} Hz with its annotations; shaded: extent of the row"
    above.set_title(title, loc="left")
    row = cut_beats(recording)
    style.draw_beat(below, row.signal[row.sample == sample][0], colour, "o")
    below.set(xticks=style.WIDE_BEAT_TICKS, xlabel=style.BEAT_TIME, ylabel="amplitude (scaled)")
    title = f"The row: {BEAT_SAMPLES} samples at {BEAT_FS:g} Hz, scaled and padded"
    below.set_title(title, loc="left")
    return fig


@style.styled
def plot_leak(shares: pd.DataFrame) -> Figure:
    """Share of the test set that is known from training: a row per protocol, a column per leak."""
    n_rows, n_kinds = shares.shape
    fig, ax = plt.subplots(figsize=(style.FULL_WIDTH, 0.9 + 0.28 * n_rows * n_kinds))
    height = 0.8 / n_kinds
    for k, kind in enumerate(shares):
        y = np.arange(n_rows) + (k - (n_kinds - 1) / 2) * height
        colour = style.tint(style.ACCENT, style.shades(n_kinds)[-1 - k])
        bars = ax.barh(y, shares[kind], height * 0.92, color=colour, label=kind)
        ax.bar_label(bars, fmt="{:.1%}", padding=3, fontsize=7)
    ax.set_yticks(range(n_rows), shares.index)
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set(xlim=(0, 1.1), xlabel="share of the test set")
    ax.invert_yaxis()
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(visible=False, axis="y")
    fig.legend(loc="outside upper left")
    return fig


@style.styled
def plot_augmentation(
    original: np.ndarray, label: np.ndarray, versions: dict[str, np.ndarray]
) -> Figure:
    """Beats before (grey) and after (coloured) each augmentation.

    ``original``, shape (k, 187), has one beat per row of the figure; ``versions`` maps the name of
    each augmentation to its beats, of the same shape.
    """
    fig, axes = style.panels(len(original), len(versions), 0.7 + 0.85 * len(original))
    for column, (name, changed) in zip(axes.T, versions.items(), strict=True):
        column[0].set_title(name)
        for ax, before, after, k in zip(column, original, changed, label, strict=True):
            ax.plot(style.BEAT_MS, before, color="#CFCFCF", lw=2.4)
            ax.plot(style.BEAT_MS, after, color=CLASS_COLOURS[CLASSES[k]], lw=0.9)
            style.beat_axis(ax)
    for ax, k in zip(axes[:, 0], label, strict=True):
        ax.set_ylabel(CLASSES[k], color=CLASS_COLOURS[CLASSES[k]], rotation=0, weight="bold")
    fig.supxlabel(f"{style.BEAT_TIME}; grey: the original beat")
    return fig


@style.styled
def plot_rhythm(rr_before: np.ndarray, label: np.ndarray, usual: np.ndarray) -> Figure:
    """RR intervals before a beat by class: in seconds, and relative to the record's usual one.

    All arrays have shape (n,); ``rr_before`` and ``usual``, of the beat's record, are in seconds.
    """
    values = {"RR interval before the beat (s)": rr_before}
    values["RR interval / the record's usual one"] = rr_before / usual
    fig, axes = plt.subplots(1, 2, figsize=(style.FULL_WIDTH, 2.4))
    edges = np.arange(0.2, 1.81, 0.02)
    for ax, (name, value) in zip(axes, values.items(), strict=True):
        for k, c in enumerate(CLASSES):
            own = value[(label == k) & np.isfinite(value)]
            share = 100 * np.histogram(own, edges)[0] / max(len(own), 1)
            ax.stairs(share, edges, color=CLASS_COLOURS[c], lw=1.1, label=f"{c} {CLASS_NAMES[c]}")
        ax.set(xlim=(0.2, 1.4), ylim=(0, None), xlabel=name)
    axes[0].set_ylabel("beats of the class (%)")
    style.legend_above(fig, axes[0])
    return fig
