"""Figures: what is drawn, at its limits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.labels import CLASS_COLOURS, CLASSES
from ecglib.metrics.bootstrap import interval_table
from ecglib.metrics.calibration import calibration_bins
from ecglib.metrics.scores import confusion_matrix
from ecglib.metrics.tables import class_table, metrics_table
from ecglib.plots.beats import plot_beat_cut, plot_class_counts, plot_example_beats
from ecglib.plots.curves import (
    CURVE_POINTS,
    plot_learning_curves,
    plot_precision_recall_curves,
    plot_reliability,
    plot_roc_curves,
)
from ecglib.plots.errors import plot_worst_beats
from ecglib.plots.predictions import plot_beat_probabilities
from ecglib.plots.scores import plot_class_f1, plot_confusion, plot_model_ladder
from figures_drawn import draw_beats, draw_history, draw_predictions, draw_recording, words

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_curves_are_thinned_but_keep_their_ends():
    y, p = draw_predictions(20_000)
    panel, corner = plot_roc_curves({"test": (y, p)}).axes
    curves = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 5
    for line in curves:
        x, y_line = line.get_data()
        assert len(x) <= CURVE_POINTS + 2
        assert (x[0], y_line[0], x[-1], y_line[-1]) == (0, 0, 1, 1)
    assert [to_hex(line.get_color()).upper() for line in curves] == list(CLASS_COLOURS.values())
    assert corner.get_xlim()[1] == pytest.approx(0.1)
    auc_of_s = roc_auc_score(y == 1, p[:, 1])  # of all points, not of the thinned curve
    assert f"S   AUC {auc_of_s:.4f}" in words(panel.figure)


@pytest.mark.parametrize("n_sets", [1, 2, 3])
def test_one_column_a_set(n_sets):
    sets = {f"set {k}": draw_predictions(200, k) for k in range(n_sets)}
    matrices = {name: confusion_matrix(y, p.argmax(1)) for name, (y, p) in sets.items()}
    bins = {name: calibration_bins(y, p) for name, (y, p) in sets.items()}
    assert len(plot_roc_curves(sets).axes) == 2 * n_sets
    assert len(plot_precision_recall_curves(sets).axes) == n_sets
    assert len(plot_confusion(matrices).axes) == n_sets
    assert len(plot_reliability(bins).axes) == 2 * n_sets


def test_confusion_panels_fill_rows_and_remove_the_rest():
    matrix = np.diag([100, 20, 30, 10, 0])
    figure = plot_confusion({f"set {k}": matrix for k in range(5)})
    assert len(figure.axes) == 5
    assert words(figure).count("no beats") == 5
    figure.draw_without_rendering()
    labelled = [any(t.get_visible() for t in ax.get_xticklabels()) for ax in figure.axes]
    assert labelled == [False, False, True, True, True]


def test_confusion_has_true_classes_on_rows():
    matrix = np.zeros((5, 5), int)
    matrix[1, 0] = 7  # S taken for N
    figure = plot_confusion({"test": matrix})
    text = next(t for t in figure.axes[0].texts if "7" in t.get_text())
    assert text.get_text() == "100.0%\n7" and text.get_position() == (0.5, 1.5)


def test_ladder_draws_intervals_over_beats_and_records():
    y, p = draw_predictions()
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, p)}
    table = interval_table(predictions, {"test": np.arange(2000) % 7}, n=50)
    figure = plot_model_ladder(table)
    segments = [lines.get_segments() for lines in figure.axes[1].collections]
    assert [len(each) for each in segments] == [2, 2]  # two models, two kinds of interval
    assert "over records" in words(figure)
    figure.draw_without_rendering()


def test_absent_classes_and_few_beats():
    y, p = np.zeros(3, int), np.eye(5)[[0, 0, 1]]
    signal, label = draw_beats(3)
    table = class_table({("KNN", "test"): (y, p)}, n=20)
    figures = [
        plot_roc_curves({"test": (y, p)}),
        plot_precision_recall_curves({"test": (y, p)}),
        plot_class_f1(table),
        plot_reliability({"KNN": calibration_bins(y, p)}),
        plot_model_ladder(interval_table({("KNN", "test"): (y, p)}, n=20)),
        plot_model_ladder(metrics_table({("KNN", "test"): (y, np.eye(5)[y])})),
        plot_class_counts({"test": y}),
        plot_example_beats(signal, label),
        plot_example_beats(np.zeros((5, BEAT_SAMPLES)), np.arange(5)),
        plot_learning_curves(draw_history(1)),
        plot_learning_curves(draw_history().assign(validation_macro_f1=np.nan)),
    ]
    for figure in figures:
        figure.draw_without_rendering()


def test_bars_carry_class_colours():
    ax = plot_class_counts({"test": np.arange(5)}).axes[0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [
        CLASS_COLOURS[c] for c in CLASSES
    ]


def test_beat_cut_draws_what_the_row_holds():
    recording = draw_recording()
    above, below = plot_beat_cut(recording, 600).axes
    span = above.patches[0]
    assert span.get_x() == pytest.approx(600 / 360)
    assert span.get_x() + span.get_width() == pytest.approx((900 + 0.2 * 350) / 360)
    assert len(below.lines[0].get_xdata()) == pytest.approx((300 + 70) / 3, abs=1.5)
    with pytest.raises(ValueError, match="two more behind it"):
        plot_beat_cut(recording, 1800)
    with pytest.raises(ValueError, match="601 in 100"):
        plot_beat_cut(recording, 601)


def test_the_cut_is_drawn_at_any_sampling_rate():
    slow = replace(draw_recording(), fs=250.0)
    above, below = plot_beat_cut(slow, 600).axes
    assert above.patches[0].get_x() == pytest.approx(600 / 250)
    assert len(below.lines[0].get_xdata()) == pytest.approx((300 + 70) / 3 * 360 / 250, abs=1.5)


def test_beat_probabilities_say_whether_it_is_true():
    signal, _ = draw_beats()
    p = np.array([0.1, 0.6, 0.1, 0.1, 0.1])
    assert "but is Normal" in words(plot_beat_probabilities(signal[0], p, "N"))
    assert "and is Supraventricular" in words(plot_beat_probabilities(signal[0], p, "S"))
    assert "60.0%" in words(plot_beat_probabilities(signal[0], p))


def test_beats_to_be_judged_keep_both_verdicts_secret():
    beat = pd.DataFrame({"record": ["100"], "sample": [900], "label": ["V"], "called": ["N"]})
    beat = beat.assign(confidence=0.99)
    told, kept = (
        words(plot_worst_beats(beat, lambda name: draw_recording(), blind=blind))
        for blind in (False, True)
    )
    assert "V called N" in told and "called" not in kept and "?" in kept
