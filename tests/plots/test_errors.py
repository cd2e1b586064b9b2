"""Figures of the worst predictions."""

import pandas as pd
import pytest

from ecglib.plots.errors import plot_worst_beats
from figures_drawn import draw_recording, words

pytestmark = pytest.mark.usefixtures("tidy_figures")


def test_blind_figures_hide_label_and_prediction():
    beat = pd.DataFrame({"record": ["100"], "sample": [900], "label": ["V"], "predicted": ["N"]})
    beat = beat.assign(confidence=0.99)
    shown, hidden = (
        words(plot_worst_beats(beat, lambda name: draw_recording(), blind=blind))
        for blind in (False, True)
    )
    assert "V → N" in shown and "→" not in hidden and "?" in hidden
