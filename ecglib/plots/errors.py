"""Figures of single errors in their recordings."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.beats.beats import OVERRUN
from ecglib.labels import CLASS_COLOURS, SYMBOL_TO_CLASS
from ecglib.plots import style
from ecglib.recordings.recording import Recording

SHOWN_S = (1.6, 2.0)  # before and after the beat
COLUMNS = 3  # of panels


@style.styled
def plot_worst_beats(
    table: pd.DataFrame, read: Callable[[str], Recording], blind: bool = False
) -> Figure:
    """Beats in their recordings, with the annotations above.

    Parameters
    ----------
    table : DataFrame
        One beat per row, as in `errors.worst_beats`: ``record``, ``sample``, ``label``,
        ``predicted``, ``confidence``.
    read : function
        Record name -> its recording; the first lead is drawn.
    blind : bool
        Hide true and predicted classes, so that a reader can judge the beats.
    """
    rows = -(-len(table) // COLUMNS)
    fig, axes = style.panels(rows, COLUMNS, 0.4 + 1.3 * rows, sharey=False)
    for ax in axes.flat[len(table) :]:
        ax.remove()
    recordings = {name: read(name) for name in table["record"].unique()}
    for ax, beat in zip(axes.flat, table.itertuples(), strict=False):
        recording = recordings[beat.record]
        marks, fs = recording.mark_sample, recording.fs
        first = max(beat.sample - round(SHOWN_S[0] * fs), 0)
        trace = recording.signal[first : beat.sample + round(SHOWN_S[1] * fs), 0]
        time = (np.arange(first, first + len(trace)) - beat.sample) / fs
        ax.plot(time, trace, color=style.INK, lw=0.7)
        ends = np.append(marks[marks > beat.sample], len(recording.signal))
        if len(ends) > 1:  # the extent of the row
            stop = ends[0] + OVERRUN * (ends[1] - ends[0])
            colour = style.MUTED if blind else CLASS_COLOURS[beat.label]
            ax.axvspan(0, (stop - beat.sample) / fs, color=style.tint(colour, 0.25))
        top = trace.max() + 0.25 * np.ptp(trace)
        for mark, symbol in zip(marks, recording.mark_symbol, strict=True):
            if 0.1 * fs <= mark - first < len(trace) - 0.1 * fs:  # with room for the letter
                own = mark == beat.sample
                symbol = "?" if own and blind else str(symbol)
                colour = CLASS_COLOURS.get(SYMBOL_TO_CLASS.get(symbol, ""), style.INK)
                ax.text((mark - beat.sample) / fs, top, symbol, ha="center", va="top", size=7,
                        color=colour, weight="bold" if own else "normal")  # fmt: skip
        minutes, seconds = divmod(beat.sample / fs, 60)
        title = f"{beat.record}, {minutes:.0f}:{seconds:04.1f}"
        if not blind:
            title += f": {beat.label} → {beat.predicted} ({beat.confidence:.0%})"
        ax.set_title(title, size=6.5, loc="left")
        ax.set(xlim=(-SHOWN_S[0], SHOWN_S[1]), ylim=(None, top))
        ax.locator_params(axis="y", nbins=3)
    for ax in axes.flat[max(len(table) - COLUMNS, 0) : len(table)]:
        ax.tick_params(labelbottom=True)
    text = "time after the beat's R peak (s); shaded: extent of the row"
    fig.supxlabel(text if blind else f"{text}; titles: true → predicted class")
    fig.supylabel("first lead (mV)")
    return fig
