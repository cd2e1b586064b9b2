"""The printed page."""

import numpy as np

from classified_recordings import classified
from ecglib.apps.report.page import STRIPS, draw_report, notable


def test_the_page() -> None:
    page = draw_report(classified("NNVVVNN" * 10, longer={34: 3.0}))
    text = " ".join(text.get_text() for text in page.texts)
    assert "Not a medical device" in text and "night" in text
    titles = [ax.get_title(loc="left") for ax in page.axes]
    assert any(t.startswith("pause") for t in titles)
    assert any(t.startswith("V run") for t in titles)


def test_strips_show_events_first_and_then_the_longest_noise() -> None:
    couplet = {"event": "V couplet", "start_s": 50.0, "end_s": 51.0, "beats": 2, "rate_bpm": 60.0}
    lengths = {10.0: 1.5, 100.0: 9.0, 103.0: 1.5} | {200.0 + 9 * k: 3.0 for k in range(9)}
    noise = [{"start_s": t, "end_s": t + n, "quality": "noise"} for t, n in lengths.items()]
    chosen = notable([couplet], noise)
    assert len(chosen) == STRIPS and [e["start_s"] for e in chosen][:3] == [50.0, 100.0, 200.0]
    assert chosen[1]["event"] == "unreadable, noise"


def test_a_recording_is_drawn_whatever_it_is_called_and_its_leads_are(tmp_path) -> None:
    beat = (np.arange(7200) % 300 == 100).astype(np.float32)
    two = np.stack([0 * beat, beat], axis=1)
    page = draw_report(classified("NNVVVNN" * 2, name=r"rec $x_$ a$\foo$", signal=two, lead=1))
    page.savefig(tmp_path / "page.png")
    strips = [line.get_ydata() for ax in page.axes[1:] for line in ax.lines[:1]]
    assert max(trace.max() for trace in strips) == 1  # of the second lead, which alone has beats
