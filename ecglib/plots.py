"""All figures in one place: beats (``plots_beats``), curves (``plots_curves``), scores
(``plots_scores``), single beats' verdicts (``plots_verdicts``).

Every function takes data and returns a matplotlib figure. `save_figure` writes a figure and returns
it, so that in a notebook one line saves and shows::

    save_figure(plot_confusion(matrices), run, "04_confusion", synthetic=beats.synthetic)
"""

from ecglib.figures import save_figure
from ecglib.plots_beats import (
    plot_augmentation,
    plot_beat_cut,
    plot_class_counts,
    plot_example_beats,
    plot_leak,
    plot_rhythm,
)
from ecglib.plots_curves import (
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_reliability,
    plot_roc_curves,
)
from ecglib.plots_scores import plot_class_f1, plot_confusion, plot_model_ladder
from ecglib.plots_verdicts import plot_attention, plot_beat_probabilities, plot_neighbours

__all__ = [
    "plot_attention",
    "plot_augmentation",
    "plot_beat_cut",
    "plot_beat_probabilities",
    "plot_class_counts",
    "plot_class_f1",
    "plot_confusion",
    "plot_example_beats",
    "plot_leak",
    "plot_learning_curves",
    "plot_model_ladder",
    "plot_neighbours",
    "plot_precision_recall_curves",
    "plot_reliability",
    "plot_rhythm",
    "plot_roc_curves",
    "save_figure",
]
