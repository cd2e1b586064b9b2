"""Figures of one prediction."""

import numpy as np
import pytest

from ecglib.plots.predictions import plot_beat_probabilities
from figures_drawn import draw_beats, words

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_beat_probabilities_name_predicted_and_true_class():
    signal, p = draw_beats()[0][0], np.array([0.1, 0.6, 0.1, 0.1, 0.1])
    text = words(plot_beat_probabilities(signal, p, "N"))
    assert "predicted: Supraventricular; true class: Normal" in text and "60.0%" in text
    assert "true class" not in words(plot_beat_probabilities(signal, p))
