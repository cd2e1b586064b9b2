"""The figure of what KNN does: beats, and the training beats that are nearest to them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ecglib.beats import Beats
from ecglib.figures import FULL_WIDTH, draw_beat, styled
from ecglib.labels import CLASS_COLOURS, CLASSES


@styled
def plot_neighbours(asked: Beats, training: Beats, position: np.ndarray) -> Figure:
    """Beats (left) and their nearest training beats, in class colours, with class and record.

    Parameters
    ----------
    asked : Beats
        One a row of the figure.
    training : Beats
    position : ndarray, shape (len(asked), k), int
        Of the neighbours in `training`, nearest first.
    """
    rows, columns = len(asked), 1 + position.shape[1]
    fig, axes = plt.subplots(
        rows, columns, figsize=(FULL_WIDTH, 0.6 + 0.95 * rows), sharex=True, sharey=True,
        squeeze=False,
    )  # fmt: skip
    for i, line in enumerate(axes):
        shown = [asked[i], *(training[int(p)] for p in position[i])]
        for k, (ax, beat) in enumerate(zip(line, shown, strict=True)):
            letter = CLASSES[int(beat.label[0])]
            draw_beat(ax, beat.signal[0], CLASS_COLOURS[letter])
            which = f"neighbour {k}" if k else "asked"
            ax.set_title(
                f"{which}: {letter}, record {beat.record[0]}",
                color=CLASS_COLOURS[letter], size=7, weight="normal" if k else "bold",
            )  # fmt: skip
    fig.supxlabel("time after the R peak (ms)", size=8)
    fig.supylabel("amplitude (scaled)", size=8)
    return fig
