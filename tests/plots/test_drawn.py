"""Figures: their content, also in extreme cases."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ecglib.labels import CLASS_COLOURS
from ecglib.metrics.bootstrap import interval_table
from ecglib.metrics.calibration import calibration_bins
from ecglib.metrics.scores import confusion_matrix
from ecglib.metrics.tables import class_table, metrics_table
from ecglib.plots import beats, curves, scores
from ecglib.plots.errors import plot_worst_beats
from ecglib.plots.predictions import plot_beat_probabilities
from figures_drawn import draw_beats, draw_history, draw_predictions, draw_recording, words

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_curves_are_thinned_but_keep_their_ends():
    y, p = draw_predictions(20_000)
    panel, corner = curves.plot_roc_curves({"test": (y, p)}).axes
    drawn = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(drawn) == 5
    for line in drawn:
        x, y_line = line.get_data()
        assert len(x) <= curves.CURVE_POINTS + 2
        assert (x[0], y_line[0], x[-1], y_line[-1]) == (0, 0, 1, 1)
    assert [to_hex(line.get_color()).upper() for line in drawn] == list(CLASS_COLOURS.values())
    assert corner.get_xlim()[1] == pytest.approx(0.1)
    auc_of_s = roc_auc_score(y == 1, p[:, 1])  # of all points, not of the thinned curve
    assert f"S   AUC {auc_of_s:.4f}" in words(panel.figure)


@pytest.mark.parametrize("n_sets", [1, 2, 3])
def test_one_column_a_set(n_sets):
    sets = {f"set {k}": draw_predictions(200, k) for k in range(n_sets)}
    matrices = {name: confusion_matrix(y, p.argmax(1)) for name, (y, p) in sets.items()}
    bins = {name: calibration_bins(y, p) for name, (y, p) in sets.items()}
    assert len(curves.plot_roc_curves(sets).axes) == 2 * n_sets
    assert len(curves.plot_precision_recall_curves(sets).axes) == n_sets
    assert len(scores.plot_confusion(matrices).axes) == n_sets
    assert len(curves.plot_reliability(bins).axes) == 2 * n_sets


def test_confusion_panels_fill_rows_and_remove_the_rest():
    matrix = np.diag([100, 0, 30, 10, 0])
    matrix[1, 0] = 7  # S predicted as N: true classes are on rows
    figure = scores.plot_confusion({f"set {k}": matrix for k in range(5)})
    assert len(figure.axes) == 5
    text = next(t for t in figure.axes[0].texts if "7" in t.get_text())
    assert text.get_text() == "100.0%\n7" and text.get_position() == (0.5, 1.5)
    assert words(figure).count("no beats") == 5
    figure.draw_without_rendering()
    labelled = [any(t.get_visible() for t in ax.get_xticklabels()) for ax in figure.axes]
    assert labelled == [False, False, True, True, True]


def test_comparison_draws_intervals_over_beats_and_records():
    y, p = draw_predictions()
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, p)}
    table = interval_table(predictions, {"test": np.arange(2000) % 7}, n=50)
    figure = scores.plot_model_comparison(table)
    segments = [lines.get_segments() for lines in figure.axes[1].collections]
    assert [len(each) for each in segments] == [2, 2]  # two models, two kinds of interval
    expected = table[["macro_f1_low", "macro_f1_high"]].to_numpy()
    assert np.allclose([piece[:, 0] for piece in segments[1]], expected)
    assert "over records" in words(figure)
    figure.draw_without_rendering()


def test_absent_classes_and_few_beats():
    y, p = np.zeros(3, int), np.eye(5)[[0, 0, 1]]
    predictions = {("KNN", "test"): (y, p)}
    perfect = metrics_table({("KNN", "test"): (y, np.eye(5)[y])})
    figures = [
        curves.plot_roc_curves({"test": (y, p)}),
        curves.plot_precision_recall_curves({"test": (y, p)}),
        scores.plot_class_f1(class_table(predictions, n=20)),
        curves.plot_reliability({"KNN": calibration_bins(y, p)}),
        scores.plot_model_comparison(interval_table(predictions, n=20)),
        scores.plot_model_comparison(perfect),
        beats.plot_class_counts({"test": y}),
        beats.plot_example_beats(*draw_beats(3)),
        beats.plot_example_beats(np.zeros((5, 187)), np.arange(5)),
        curves.plot_learning_curves(draw_history(1)),
        curves.plot_learning_curves(draw_history().assign(validation_macro_f1=np.nan)),
    ]
    for figure in figures:
        figure.draw_without_rendering()


def test_bars_carry_class_colours():
    bars = beats.plot_class_counts({"test": np.arange(5)}).axes[0].patches
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars] == list(CLASS_COLOURS.values())


@pytest.mark.parametrize("fs", [360.0, 250.0])
def test_the_cut_shows_the_extent_of_the_row_at_any_sampling_rate(fs):
    above, below = beats.plot_beat_cut(replace(draw_recording(), fs=fs), 600).axes
    span = above.patches[0]
    assert span.get_x() == pytest.approx(600 / fs)
    assert span.get_x() + span.get_width() == pytest.approx((900 + 0.2 * 350) / fs)
    assert len(below.lines[0].get_xdata()) == pytest.approx((300 + 70) / 3 * 360 / fs, abs=1.5)


@pytest.mark.parametrize("sample", [1800, 601])  # one of the last two annotations; none
def test_the_cut_needs_an_annotated_beat(sample):
    with pytest.raises(ValueError, match=f"{sample} of 100 is not an annotated beat with two more"):
        beats.plot_beat_cut(draw_recording(), sample)


def test_beat_probabilities_name_predicted_and_true_class():
    signal, p = draw_beats()[0][0], np.array([0.1, 0.6, 0.1, 0.1, 0.1])
    text = words(plot_beat_probabilities(signal, p, "N"))
    assert "predicted: Supraventricular; true class: Normal" in text and "60.0%" in text
    assert "true class" not in words(plot_beat_probabilities(signal, p))


def test_blind_figures_hide_label_and_prediction():
    beat = pd.DataFrame({"record": ["100"], "sample": [900], "label": ["V"], "predicted": ["N"]})
    beat = beat.assign(confidence=0.99)
    shown, hidden = (
        words(plot_worst_beats(beat, lambda name: draw_recording(), blind=blind))
        for blind in (False, True)
    )
    assert "V → N" in shown and "→" not in hidden and "?" in hidden
