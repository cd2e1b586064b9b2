"""Curves: their ends, their panels, and sets without beats of a class."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ecglib.labels import CLASS_COLOURS
from ecglib.metrics.bootstrap import interval_table
from ecglib.metrics.calibration import calibration_bins
from ecglib.metrics.scores import confusion_matrix
from ecglib.metrics.tables import class_table, metrics_table
from ecglib.plots import beats, curves, scores
from figures_drawn import draw_beats, draw_history, words
from predictions import draw

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_curves_are_thinned_but_keep_their_ends():
    y, p = draw(20_000)
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
    sets = {f"set {k}": draw(200, k) for k in range(n_sets)}
    matrices = {name: confusion_matrix(y, p.argmax(1)) for name, (y, p) in sets.items()}
    bins = {name: calibration_bins(y, p) for name, (y, p) in sets.items()}
    assert len(curves.plot_roc_curves(sets).axes) == 2 * n_sets
    assert len(curves.plot_precision_recall_curves(sets).axes) == n_sets
    assert len(scores.plot_confusion(matrices).axes) == n_sets
    assert len(curves.plot_reliability(bins).axes) == 2 * n_sets


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
