"""All figures: of beats, curves, scores, protocols and persons, single beats' verdicts, mistakes,
reasons, noise, each kind in a module of its own.

Every function takes data and returns a matplotlib figure. `save_figure` writes a figure and returns
it, so that in a notebook one line saves and shows::

    save_figure(plot_confusion(matrices), run, "04_confusion", synthetic=beats.synthetic)
"""

from ecglib.figures import save_figure
from ecglib.plots.beats import (
    plot_augmentation,
    plot_beat_cut,
    plot_class_counts,
    plot_example_beats,
    plot_leak,
    plot_rhythm,
)
from ecglib.plots.curves import (
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_reliability,
    plot_risk_coverage,
    plot_roc_curves,
)
from ecglib.plots.mistakes import plot_worst_beats
from ecglib.plots.noise import plot_noise_lines, plot_noise_scores, plot_noise_traces
from ecglib.plots.protocols import (
    plot_context,
    plot_error_records,
    plot_leak_scores,
    plot_protocol_ladder,
)
from ecglib.plots.reasons import plot_attribution, plot_class_reasons, plot_collapse
from ecglib.plots.scores import plot_class_f1, plot_confusion, plot_model_ladder
from ecglib.plots.verdicts import plot_attention, plot_beat_probabilities, plot_neighbours

__all__ = [
    "plot_attention",
    "plot_attribution",
    "plot_augmentation",
    "plot_beat_cut",
    "plot_beat_probabilities",
    "plot_class_counts",
    "plot_class_f1",
    "plot_class_reasons",
    "plot_collapse",
    "plot_confusion",
    "plot_context",
    "plot_error_records",
    "plot_example_beats",
    "plot_leak",
    "plot_leak_scores",
    "plot_learning_curves",
    "plot_model_ladder",
    "plot_neighbours",
    "plot_noise_lines",
    "plot_noise_scores",
    "plot_noise_traces",
    "plot_precision_recall_curves",
    "plot_protocol_ladder",
    "plot_reliability",
    "plot_rhythm",
    "plot_risk_coverage",
    "plot_roc_curves",
    "plot_worst_beats",
    "save_figure",
]
