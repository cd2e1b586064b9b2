"""Common parts of all figures: widths for a printed page, style, class colours, saving."""

from collections.abc import Callable, Sequence
from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from ecglib.paths import Run, atomic_write

FULL_WIDTH, HALF_WIDTH = 6.3, 3.15  # inches: the text width of an A4 page, and half of it
INK, MUTED, PALE = "#333333", "#8C8C8C", "#E4E4E4"
ACCENT = "#009E73"  # Okabe and Ito's green, which is not a class colour
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.prop_cycle": plt.cycler(color=[INK]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "figure.constrained_layout.use": True,
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "figure.labelsize": 8,
    "font.size": 8,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.color": INK,
    "text.parse_math": False,  # a record's name may contain a dollar
    "lines.linewidth": 1.1,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: small files that can be searched
    "svg.hashsalt": "ecglib",  # the same figure gives the same bytes
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
BEAT_MS = np.arange(BEAT_SAMPLES) * 1000 / BEAT_FS
BEAT_TIME = "time after the R peak (ms)"
WIDE_BEAT_TICKS = range(0, 1501, 250)  # ms, for wide panels


def styled(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw with the project's style, and leave no figure open in pyplot."""

    @wraps(plot)
    def wrapper(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            figure = plot(*args, **kwargs)
        plt.close(figure)
        return figure

    return wrapper


def panels(rows: int, columns: int, height: float, **options: object) -> tuple[Figure, np.ndarray]:
    """A figure of full width with a grid of panels, which share both axes by default."""
    options = {"sharex": True, "sharey": True, "squeeze": False} | options
    return plt.subplots(rows, columns, figsize=(FULL_WIDTH, height), **options)


def save_figure(figure: Figure, run: Run, name: str) -> Figure:
    """Write ``figures/NAME.png`` (150 dpi) and ``.svg``, and return the figure.

    If the run's beats are synthetic, the figure is stamped SYNTHETIC DATA, on screen as well.
    """
    stamped = any(text.get_gid() == "synthetic" for text in figure.texts)
    if run.synthetic and not stamped:
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
    """A colour mixed with white; a share of 1 keeps the colour."""
    return tuple(1 - share * (1 - channel) for channel in to_rgb(colour))


def shades(n: int) -> np.ndarray:
    """Shares for `tint`, from pale to full, for n series of the same class colour."""
    return np.linspace(0.35, 1, n) if n > 1 else np.ones(1)


def score_points(
    ax: Axes, table: pd.DataFrame, score: str, y: np.ndarray, color: str = ACCENT, **point: object
) -> None:
    """Points, with thick 95 % intervals over beats and thin ones over records, if there are any."""
    for kind, width in (("_records", 0.9), ("", 2.6)):
        if f"{score}{kind}_low" in table:
            low, high = table[f"{score}{kind}_low"], table[f"{score}{kind}_high"]
            ax.hlines(y, low, high, color=color, lw=width)
    ax.plot(table[score], y, **{"marker": "o", "ls": "", "ms": 4, "zorder": 4} | point, color=color)


def score_text(ax: Axes, x: float, y: float, text: str, above: float = 6) -> None:
    """A score above its point."""
    label = ax.annotate(text, (x, y), (0, above), textcoords="offset points", size=7, ha="center")
    label.set_bbox({"fc": "white", "ec": "none", "pad": 0.4})


def model_ticks(ax: Axes, models: Sequence[str]) -> None:
    """One row per model, the first at the top."""
    ax.set_yticks(range(len(models)), models)
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set_ylim(len(models) - 0.5, -0.7)


def class_ticks(ax: Axes) -> None:
    """Label the x axis with the five classes in their colours."""
    ax.set_xticks(range(len(CLASSES)), [f"{c}\n{CLASS_NAMES[c]}" for c in CLASSES])
    for text, c in zip(ax.get_xticklabels(), CLASSES, strict=True):
        text.set_color(CLASS_COLOURS[c])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False, axis="x")


def class_bars(ax: Axes, heights: pd.DataFrame) -> list[Patch]:
    """Grouped bars: one group per class (rows), one tint per column; returns legend handles."""
    width = 0.84 / heights.shape[1]
    handles = []
    for k, (name, share) in enumerate(zip(heights, shades(heights.shape[1]), strict=True)):
        x = np.arange(len(CLASSES)) + (k - (heights.shape[1] - 1) / 2) * width
        colours = [tint(CLASS_COLOURS[c], share) for c in CLASSES]
        ax.bar(x, heights[name].to_numpy(), width * 0.94, color=colours)
        handles.append(Patch(color=tint(INK, share), label=name))
    return handles


def legend_above(fig: Figure, ax: Axes) -> None:
    """One line of legend entries above the panels, taken from one of them."""
    handles, names = ax.get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper right", ncols=len(names))


def beats_and_strips(signal: np.ndarray, strips: np.ndarray) -> tuple[Figure, np.ndarray, Artist]:
    """A panel for each beat, above a grey strip of its weights, and the last strip's image."""
    fig, axes = panels(2, len(signal), 2.1, sharey="row", height_ratios=[6, 1])
    for ax, weights in zip(axes[1], strips, strict=True):
        image = ax.imshow(weights[None], aspect="auto", extent=(0, BEAT_MS[-1], 0, 1),
                          cmap="Greys", vmin=0, vmax=strips.max())  # fmt: skip
        ax.set_yticks([])
        ax.grid(visible=False)
    axes[0, 0].set_ylabel("amplitude (scaled)")
    fig.supxlabel(BEAT_TIME)
    return fig, axes, image


def beat_grid(rows: int, columns: int, height: float) -> tuple[Figure, np.ndarray]:
    """Panels for beats: time on the x axis, amplitude on the y axis."""
    fig, axes = panels(rows, columns, height)
    fig.supxlabel(BEAT_TIME)
    fig.supylabel("amplitude (scaled)")
    return fig, axes


def draw_beat(ax: Axes, beat: np.ndarray, colour: str, marker: str | None = None) -> None:
    """A beat over time, with its padding in grey."""
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
