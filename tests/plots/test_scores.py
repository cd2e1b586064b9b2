"""Confusion matrices and the comparison of models."""

import numpy as np
import pytest

from ecglib.metrics.bootstrap import interval_table
from ecglib.plots import scores
from figures_drawn import words
from predictions import draw

pytestmark = pytest.mark.usefixtures("tidy_figures")


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
    y, p = draw(2000)
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, p)}
    table = interval_table(predictions, {"test": np.arange(2000) % 7}, n=50)
    figure = scores.plot_model_comparison(table)
    segments = [lines.get_segments() for lines in figure.axes[1].collections]
    assert [len(each) for each in segments] == [2, 2]  # two models, two kinds of interval
    expected = table[["macro_f1_low", "macro_f1_high"]].to_numpy()
    assert np.allclose([piece[:, 0] for piece in segments[1]], expected)
    assert "over records" in words(figure)
    figure.draw_without_rendering()
