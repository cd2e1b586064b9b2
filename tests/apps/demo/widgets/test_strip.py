"""The trace of a recording, and of an unreadable beat in it."""

import numpy as np

from demo_fakes import strip_of
from ecglib.apps.demo.widgets.elements import reading_html
from ecglib.apps.demo.widgets.strip import StripTrace
from ecglib.apps.demo.widgets.traces import GREY, BeatTrace


def test_nothing_is_shown_beyond_the_recording() -> None:
    peaks = 360 * np.arange(1, 60)
    signal = np.zeros(60 * 360, dtype=np.float32)
    trace = StripTrace()
    trace.load(strip_of(signal, peaks))
    for beat, span in ((58, (50, 60)), (0, (0, 10)), (29, (25, 35))):
        trace.look_at(beat)
        assert trace.x.span == span
    trace.load(strip_of(signal[:1800], peaks[:4]))
    trace.look_at(3)
    trace.centre()
    assert trace.x.span[0] == 0


def test_unreadable_beats_are_grey(noisy) -> None:
    gallery, strip = noisy
    gallery.select(outcome="unreadable")
    page = reading_html(gallery.reading())
    assert "~ Unreadable" in page and "Noise" in page
    assert "%" not in page.replace("100%", "") and "Probability" not in page
    beat = BeatTrace()
    beat.draw(gallery.reading(), raw=False, paper=False)
    assert beat.letter.text.tolist() == ["~"] and beat.trace.colors == [GREY]
    trace = StripTrace()
    trace.load(strip)
    trace.x.show(25, 35)
    trace.refresh()
    assert "~" in trace.letters.text.tolist()
