"""What all figures share: widths, style, class colours, saving.

Widths suit a page of a thesis, class colours are the same everywhere, and no figure stays open in
pyplot.
"""

from collections.abc import Callable
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.paths import Run, atomic_write

FULL_WIDTH, HALF_WIDTH = 6.3, 3.15  # inches: the text width of an A4 page, and half of it
INK, MUTED, PALE = "#333333", "#8C8C8C", "#E4E4E4"
ACCENT = "#009E73"  # for what is no class: Okabe and Ito's green, which no class has
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "figure.constrained_layout.use": True,
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "font.size": 8,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar in somebody's name of a record is one
    "lines.linewidth": 1.1,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: small files that can be searched
    "svg.hashsalt": "ecglib",  # the same figure gives the same file
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
BEAT_MS = np.arange(BEAT_SAMPLES) * 1000 / BEAT_FS
WIDE_BEAT_TICKS = range(0, 1501, 250)  # ms, where a panel has room for them


def styled(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw with the project's style, and leave no figure open in pyplot."""

    @wraps(plot)
    def wrapper(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            figure = plot(*args, **kwargs)
        plt.close(figure)
        return figure

    return wrapper


def save_figure(figure: Figure, run: Run, name: str, synthetic: bool = False) -> Figure:
    """Write ``figures/NAME.png`` (150 dpi) and ``.svg``, and return the figure.

    Parameters
    ----------
    figure : Figure
        Drawn from synthetic beats, it is stamped SYNTHETIC DATA, on screen as well.
    run : Run
    name : str
        Such as ``"01_class_counts"``.
    synthetic : bool

    Returns
    -------
    Figure
        The same one: as the last line of a cell, this saves and shows it.
    """
    stamped = any(text.get_gid() == "synthetic" for text in figure.texts)
    if synthetic and not stamped:
        size = 5.2 * figure.get_figwidth()
        stamp = figure.text(0.5, 0.5, "SYNTHETIC DATA", size=size, gid="synthetic", zorder=100)
        stamp.set(color="#B00020", alpha=0.28, weight="bold", ha="center", va="center", rotation=20)
        stamp.set_in_layout(False)
    with plt.rc_context(STYLE):
        for kind, metadata in {"png": {"Software": None}, "svg": {"Date": None}}.items():
            with atomic_write(run.figures / f"{name}.{kind}") as path:
                figure.savefig(path, format=kind, dpi=150, metadata=metadata)
    return figure


def tint(colour: str, share: float) -> tuple[float, ...]:
    """A colour mixed with white; a share of 1 is the colour itself."""
    return tuple(1 - share * (1 - channel) for channel in to_rgb(colour))


def shades(n: int) -> np.ndarray:
    """Shares for `tint`, from pale to full, for n series of the same class colour."""
    return np.linspace(0.35, 1, n) if n > 1 else np.ones(1)


def class_ticks(ax: Axes) -> None:
    """Write the five classes below the x axis, each in its colour."""
    ax.set_xticks(range(len(CLASSES)), [f"{c}\n{CLASS_NAMES[c]}" for c in CLASSES])
    for text, c in zip(ax.get_xticklabels(), CLASSES, strict=True):
        text.set_color(CLASS_COLOURS[c])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False, axis="x")


def class_bars(ax: Axes, heights: pd.DataFrame) -> list[Patch]:
    """Bars side by side, one group a class (rows), one tint a column; returns legend handles."""
    width = 0.84 / heights.shape[1]
    handles = []
    for k, (name, share) in enumerate(zip(heights, shades(heights.shape[1]), strict=True)):
        x = np.arange(len(CLASSES)) + (k - (heights.shape[1] - 1) / 2) * width
        colours = [tint(CLASS_COLOURS[c], share) for c in CLASSES]
        ax.bar(x, heights[name].to_numpy(), width * 0.94, color=colours)
        handles.append(Patch(color=tint(INK, share), label=name))
    return handles


def draw_beat(ax: Axes, beat: np.ndarray, colour: str, marker: str | None = None) -> None:
    """A beat over time, and a grey field where the row is only padding."""
    used = len(np.trim_zeros(beat, "b"))
    ax.plot(BEAT_MS[:used], beat[:used], color=colour, marker=marker, markersize=1.6)
    if used < len(beat):
        ax.axvspan(BEAT_MS[used], BEAT_MS[-1], facecolor=PALE, edgecolor="none")
        if BEAT_MS[-1] - BEAT_MS[used] > 300:
            middle = (BEAT_MS[used] + BEAT_MS[-1]) / 2
            text = ax.text(middle, 0.5, "padding", color="#767676", size=6)
            text.set(rotation=90, ha="center", va="center")
    beat_axis(ax)


def beat_axis(ax: Axes) -> None:
    """Limits and ticks of a beat: milliseconds, and amplitude from 0 to 1."""
    ax.set(xlim=(-40, BEAT_MS[-1]), ylim=(-0.05, 1.05))  # room for the R peak at 0
    ax.set_yticks([0, 0.5, 1])
    ax.set_xticks([0, 500, 1000])
