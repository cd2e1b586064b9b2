"""Figures of predictions for single beats: neighbours, attention, probabilities."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ecglib.beats.beats import Beats
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.plots import style


@style.styled
def plot_neighbours(beats: Beats, training: Beats, position: np.ndarray) -> Figure:
    """Beats (left) and their nearest training beats, in class colours, with class and record.

    ``position``, shape (len(beats), k), are the neighbours' positions in ``training``, nearest
    first.
    """
    fig, axes = style.beat_grid(len(beats), 1 + position.shape[1], 0.6 + 0.95 * len(beats))
    for i, line in enumerate(axes):
        shown = [beats[i], *(training[int(p)] for p in position[i])]
        for k, (ax, beat) in enumerate(zip(line, shown, strict=True)):
            letter = CLASSES[int(beat.label[0])]
            style.draw_beat(ax, beat.signal[0], CLASS_COLOURS[letter])
            title = f"{f'nearest {k}' if k else 'query'}: {letter}, record {beat.record[0]}"
            ax.set_title(title, color=CLASS_COLOURS[letter], size=7)
        line[0].title.set_weight("bold")
    return fig


@style.styled
def plot_attention(
    signal: np.ndarray, attention: np.ndarray, label: np.ndarray, titles: list[str] | None = None
) -> Figure:
    """Beats above a strip of the network's attention weights.

    Parameters
    ----------
    signal : ndarray, shape (k, 187)
    attention : ndarray, shape (k, steps)
        Weights over the network's time steps, which span the whole row; each sums to 1.
    label : ndarray, shape (k,), int
        For the colours.
    titles : list of str, optional
        Names of the classes by default.
    """
    titles = titles or [CLASS_NAMES[CLASSES[k]] for k in label]
    fig, axes, image = style.beats_and_strips(signal, attention)
    for ax, beat, k, title in zip(axes[0], signal, label, titles, strict=True):
        style.draw_beat(ax, beat, CLASS_COLOURS[CLASSES[k]])
        ax.set_title(title, color=CLASS_COLOURS[CLASSES[k]])
    bar = fig.colorbar(image, ax=axes[:, -1], shrink=0.9, label="attention weight", pad=0.03)
    bar.outline.set_linewidth(0.6)
    return fig


@style.styled
def plot_beat_probabilities(
    signal: np.ndarray, proba: np.ndarray, true_class: str | None = None
) -> Figure:
    """A beat, shape (187,), its class probabilities, shape (5,), and its true class if known."""
    predicted = CLASSES[int(np.argmax(proba))]
    fig, (trace, bars) = plt.subplots(1, 2, figsize=(style.FULL_WIDTH, 2.1), width_ratios=[3, 2])
    style.draw_beat(trace, signal, CLASS_COLOURS[predicted])
    trace.set(xticks=style.WIDE_BEAT_TICKS, xlabel=style.BEAT_TIME, ylabel="amplitude (scaled)")
    drawn = bars.barh(range(len(CLASSES)), proba, color=[CLASS_COLOURS[c] for c in CLASSES])
    bars.bar_label(drawn, [f"{100 * p:.1f}%" for p in proba], padding=3, fontsize=7)
    bars.set(xlim=(0, 1.25), xticks=[0, 0.5, 1], xlabel="probability")
    bars.set_yticks(range(len(CLASSES)), [f"{CLASS_NAMES[c]} ({c})" for c in CLASSES])
    bars.tick_params(axis="y", length=0)
    bars.grid(visible=False, axis="y")
    bars.invert_yaxis()
    title = f"predicted: {CLASS_NAMES[predicted]}"
    if true_class is not None:
        title += f"; true class: {CLASS_NAMES[true_class]}"
    trace.set_title(title, loc="left")
    return fig
