"""All figures in one place: beats (``plots_beats``), curves (``plots_curves``), scores
(``plots_scores``), protocols and persons (``plots_protocols``), single beats' verdicts
(``plots_verdicts``), mistakes (``plots_mistakes``), reasons (``plots_reasons``), noise
(``plots_noise``).

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
    plot_risk_coverage,
    plot_roc_curves,
)
from ecglib.plots_mistakes import plot_worst_beats
from ecglib.plots_noise import plot_noise_lines, plot_noise_scores, plot_noise_traces
from ecglib.plots_protocols import (
    plot_context,
    plot_error_records,
    plot_leak_scores,
    plot_protocol_ladder,
)
from ecglib.plots_reasons import plot_attribution, plot_class_reasons, plot_collapse
from ecglib.plots_scores import plot_class_f1, plot_confusion, plot_model_ladder
from ecglib.plots_verdicts import plot_attention, plot_beat_probabilities, plot_neighbours

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
