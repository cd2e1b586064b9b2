"""Figures of beats: colours of classes, and the cut of a row."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ecglib.labels import CLASS_COLOURS
from ecglib.plots import beats
from figures_drawn import draw_recording

pytestmark = pytest.mark.usefixtures("tidy_figures")


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
