"""The demo: its state without a widget, its view without a browser, and no error that is lost."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ecglib.beats import Beats
from ecglib.demo import ClassifierDemo
from ecglib.demo_state import ORDERS, Gallery, cautions
from ecglib.demo_view import NOTHING, NOTICE, DemoView, bars_html, result_html
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES

# What the fake classifier says of ten beats, most probable class first ...
SAID = "NNNVVSFQNV"
CONFIDENCE = np.array([0.99, 0.55, 0.90, 0.97, 0.45, 0.70, 0.65, 1.00, 0.50, 0.80])
# ... and what they are: beats 1, 4 and 8 are classified wrongly.
TRUE = "NSNVFSFQVV"


class FakeClassifier:
    """Answers by a beat's first sample, which holds its number; says nothing of more than ten."""

    threshold = 0.6
    card = {"trained_on": {"protocol": "kaggle", "synthetic": False}}

    def predict_proba(self, signal):
        number = np.rint(np.atleast_2d(signal)[:, 0] * 10).astype(int)
        proba = np.repeat(((1 - CONFIDENCE) / 4)[number][:, None], 5, axis=1)
        proba[range(len(number)), [CLASSES.index(SAID[n]) for n in number]] = CONFIDENCE[number]
        return proba

    def attention(self, signal):
        return np.full((1, 187), 1 / 187)


@pytest.fixture
def beats() -> Beats:
    signal = np.zeros((10, 187), dtype=np.float32)
    signal[:, :120] = 0.5
    signal[:, 0] = np.arange(10) / 10
    return Beats(
        signal=signal,
        label=np.array([CLASSES.index(c) for c in TRUE]),
        record=np.array(["100"] * 5 + ["208"] * 5),
        sample=np.arange(10) * 36_000 + 360,
        rr_before=np.full(10, np.nan, np.float32),
        rr_after=np.full(10, np.nan, np.float32),
    )


@pytest.fixture
def gallery(beats: Beats) -> Gallery:
    return Gallery(FakeClassifier(), beats)


@pytest.fixture
def demo(beats: Beats) -> ClassifierDemo:
    return ClassifierDemo(FakeClassifier(), beats)


def upload(demo: ClassifierDemo, content: bytes, name: str = "mine.csv") -> None:
    """What the browser does when somebody picks a file."""
    file = {"name": name, "type": "text/csv", "size": len(content), "content": memoryview(content)}
    demo.view.upload.value = [file | {"last_modified": datetime.now(UTC)}]


def csv(beats: Beats, labels: bool = True) -> bytes:
    rows = np.column_stack([beats.signal, beats.label]) if labels else beats.signal
    return "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows).encode()


# --- the state -----------------------------------------------------------------------------------


def test_state_needs_no_widgets() -> None:
    code = "import sys, ecglib.demo_state; sys.exit('ipywidgets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_reading_says_everything(gallery: Gallery) -> None:
    reading = gallery.reading()
    assert (reading.said, reading.true, reading.right) == ("N", "N", True)
    assert reading.confidence == pytest.approx(0.99) and not reading.uncertain
    assert reading.proba.sum() == pytest.approx(1)
    assert (reading.ms[0], reading.ms[120], reading.used) == (0, 1000, 120)
    assert reading.where == "record 100 at 0 min 1.0 s"
    gallery.step(1)
    reading = gallery.reading()
    assert (reading.said, reading.true, reading.right) == ("N", "S", False)
    assert reading.uncertain
    assert reading.where == "record 100 at 1 min 41.0 s"


def test_where_says_no_time_if_the_rate_is_unknown(beats: Beats) -> None:
    own = replace(beats, record=np.full(10, "mine"))
    assert Gallery(FakeClassifier(), own).reading().where == "record mine at sample 360"
    generated = replace(own, source="synthetic")
    assert Gallery(FakeClassifier(), generated).reading().where == "record mine at 0 min 1.0 s"


@pytest.mark.parametrize(
    ("class_name", "verdict", "chosen"),
    [
        ("all", "all", range(10)),
        ("V", "all", [3, 8, 9]),
        ("all", "wrong", [1, 4, 8]),
        ("all", "right", [0, 2, 3, 5, 6, 7, 9]),
        ("V", "wrong", [8]),
        ("Q", "wrong", []),
    ],
)
def test_filters(gallery: Gallery, class_name: str, verdict: str, chosen: list[int]) -> None:
    gallery.step(4)
    gallery.select(class_name, verdict)
    assert gallery.chosen.tolist() == list(chosen)
    assert gallery.position == 0


def test_orders(gallery: Gallery) -> None:
    gallery.select(verdict="wrong", order="least sure first")
    assert gallery.chosen.tolist() == [4, 8, 1]
    gallery.select(verdict="wrong", order="surest first")
    assert gallery.chosen.tolist() == [1, 8, 4]
    gallery.select(order="surest first")
    assert gallery.chosen[0] == 7 and gallery.chosen[-1] == 4


@pytest.mark.parametrize("wrong", [{"class_name": "X"}, {"verdict": "maybe"}, {"order": "any"}])
def test_unknown_choices_are_refused(gallery: Gallery, wrong: dict) -> None:
    with pytest.raises(ValueError, match="Choose from"):
        gallery.select(**wrong)
    assert len(gallery) == 10


def test_steps_go_round(gallery: Gallery) -> None:
    gallery.step(-1)
    assert gallery.position == 9
    gallery.step(1)
    assert gallery.position == 0


def test_jumps_are_seeded_and_go_elsewhere(beats: Beats) -> None:
    def jumps(seed: int) -> list[int]:
        gallery = Gallery(FakeClassifier(), beats, seed)
        places = [gallery.position]
        for _ in range(30):
            gallery.jump()
            places.append(gallery.position)
        return places

    assert jumps(1) == jumps(1) != jumps(2)
    assert set(jumps(1)) == set(range(10))
    assert all(np.diff(jumps(1)) != 0)


def test_nothing_to_show(gallery: Gallery, beats: Beats) -> None:
    gallery.select("Q", "wrong")
    gallery.step(1)
    gallery.jump()
    assert gallery.reading() is None and len(gallery) == 0
    assert Gallery(FakeClassifier(), beats[:0]).reading() is None
    assert Gallery(FakeClassifier(), beats[:0]).summary() == "There are no beats."


def test_a_single_beat(beats: Beats) -> None:
    gallery = Gallery(FakeClassifier(), beats[3])
    for move in (gallery.jump, lambda: gallery.step(1), lambda: gallery.step(-1)):
        move()
        assert gallery.position == 0
    assert gallery.reading().said == "V"


def test_threshold_decides_what_is_uncertain(gallery: Gallery) -> None:
    assert "30.0% of 10 beats are uncertain; 70.0% of all are right, 100.0%" in gallery.summary()
    gallery.step(4)
    assert gallery.reading().uncertain
    gallery.threshold = 0.4
    assert not gallery.reading().uncertain
    assert "0.0% of 10 beats are uncertain; 70.0% of all are right, 70.0%" in gallery.summary()
    gallery.threshold = 1.01
    assert gallery.summary() == "100.0% of 10 beats are uncertain; 70.0% of all are right."


def test_beats_without_labels(beats: Beats) -> None:
    gallery = Gallery(FakeClassifier(), replace(beats, label=np.full(10, -1)))
    assert gallery.reading().true is None and gallery.reading().right is None
    assert gallery.summary() == "30.0% of 10 beats are uncertain."
    gallery.select("V")  # what they are called
    assert gallery.chosen.tolist() == [3, 4, 9]
    for verdict in ("right", "wrong"):
        gallery.select(verdict=verdict)
        assert len(gallery) == 0


@pytest.mark.parametrize(
    ("card", "protocol", "synthetic", "said"),
    [
        ({"trained_on": {"protocol": "kaggle", "synthetic": False}}, "kaggle", False, []),
        (
            {"trained_on": {"protocol": "kaggle", "synthetic": False}},
            "patients",
            False,
            ["under the protocol 'kaggle', the test beats are those of 'patients'"],
        ),
        ({}, "kaggle", False, ["nobody has noted how"]),
        ({"trained_on": {"protocol": "kaggle", "synthetic": True}}, "kaggle", True, ["SYNTHETIC"]),
        (
            {"trained_on": {"protocol": "kaggle", "synthetic": True}},
            "patients",
            False,
            ["learnt from synthetic beats and is shown recorded ones"],
        ),
        (
            {"trained_on": {"protocol": "kaggle", "synthetic": False}},
            "kaggle",
            True,
            ["SYNTHETIC", "learnt from recorded beats and is shown synthetic ones"],
        ),
    ],
)
def test_cautions(card: dict, protocol: str, synthetic: bool, said: list[str]) -> None:
    found = cautions(card, protocol, synthetic)
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


# --- the view ------------------------------------------------------------------------------------


def test_the_notice_is_in_sight(demo: ClassifierDemo, beats: Beats) -> None:
    assert demo.view.children[0] is demo.view.notice and NOTICE in demo.view.notice.value
    other = ClassifierDemo(FakeClassifier(), beats, "patients").view.notice.value
    assert NOTICE in other and "protocol &#x27;kaggle&#x27;" in other


def test_never_colour_alone(gallery: Gallery) -> None:
    gallery.step(1)
    reading = gallery.reading()
    shown = result_html(reading)
    assert "N Normal" in shown and "S Supraventricular" in shown and "Wrong" in shown
    assert "UNCERTAIN: needs a person's look" in shown and "55.0%" in shown
    bars = bars_html(reading)
    for c, p in zip(CLASSES, reading.proba, strict=True):
        assert f"{c} {CLASS_NAMES[c]}" in bars and f"{p:.1%}" in bars and CLASS_COLOURS[c] in bars
    gallery.step(-1)
    assert "UNCERTAIN" not in result_html(gallery.reading())


def test_buttons(demo: ClassifierDemo) -> None:
    view = demo.view
    assert "Beat 1 of 10: record 100" in view.position.value
    view.next.click()
    assert "Beat 2 of 10" in view.position.value and "Wrong" in view.result.value
    view.previous.click()
    view.previous.click()
    assert "Beat 10 of 10: record 208" in view.position.value
    before = view.position.value
    view.random.click()
    assert view.position.value != before
    assert view.message.value == ""


def test_trace_is_in_ms_and_ends_where_the_padding_begins(demo: ClassifierDemo) -> None:
    view = demo.view
    assert (len(view.trace.x), view.trace.x[-1]) == (120, pytest.approx(119 / 0.12))
    assert view.padding.x[0] == pytest.approx(1000)
    assert view.trace.colors == [CLASS_COLOURS["N"]] and view.letter.text == ["N"]
    view.class_name.value = "V"
    assert view.trace.colors == [CLASS_COLOURS["V"]] and view.letter.text == ["V"]


def test_zoom_is_undone(demo: ClassifierDemo) -> None:
    view = demo.view
    whole = (view.x.min, view.x.max)
    view.x.min, view.x.max = 100.0, 200.0
    view.whole.click()
    assert (view.x.min, view.x.max) == whole


def test_attention_is_shown_on_demand(demo: ClassifierDemo) -> None:
    assert not demo.view.attention.visible
    demo.view.with_attention.value = True
    assert demo.view.attention.visible


def test_choices(demo: ClassifierDemo) -> None:
    view = demo.view
    view.verdict.value = "wrong"
    view.order.value = ORDERS[2]
    assert "Beat 1 of 3 (of 10 in all)" in view.position.value
    assert "V Ventricular" in view.result.value and "F Fusion" in view.result.value
    view.class_name.value = "Q"
    assert NOTHING in view.position.value and view.body.layout.display == "none"
    assert view.next.disabled and view.random.disabled
    view.verdict.value = "right"
    assert "Beat 1 of 1" in view.position.value and view.body.layout.display is None
    assert not view.next.disabled


def test_slider(demo: ClassifierDemo) -> None:
    demo.view.next.click()
    assert "UNCERTAIN" in demo.view.result.value
    demo.view.threshold.value = 0.5
    assert "UNCERTAIN" not in demo.view.result.value
    assert "10.0% of 10 beats" in demo.view.summary.value


def test_a_rounded_slider_changes_nothing(beats: Beats) -> None:
    classifier = FakeClassifier()
    classifier.threshold = 0.957
    demo = ClassifierDemo(classifier, beats)
    demo.view.threshold.value = 0.96  # what the browser makes of it
    assert demo.gallery.threshold == 0.957
    demo.view.threshold.value = 0.97
    assert demo.gallery.threshold == 0.97


def test_upload_and_back(demo: ClassifierDemo, beats: Beats) -> None:
    view = demo.view
    view.threshold.value = 0.98
    view.verdict.value = "wrong"
    upload(demo, csv(beats[3:5]))
    assert "mine.csv: 2 beats, labels in the last column." in view.message.value
    assert "Beat 1 of 2: mine.csv, beat 1" in view.position.value
    assert view.verdict.value == "all" and view.upload.value == ()
    assert "UNCERTAIN" in view.result.value  # the threshold stays
    upload(demo, csv(beats[3:5], labels=False))
    assert "True class unknown" in view.result.value and "without labels" in view.message.value
    view.back.click()
    assert "Beat 1 of 10: record 100" in view.position.value and view.back.disabled


def test_the_same_file_can_be_sent_twice(demo: ClassifierDemo, beats: Beats) -> None:
    for _ in range(2):
        upload(demo, csv(beats[:1]))
        assert "mine.csv: 1 beat," in demo.view.message.value


@pytest.mark.parametrize("content", [b"", b"1,2,3", b"\x00\x01", b"a,b\nc,d"])
def test_bad_uploads_are_told_and_change_nothing(demo: ClassifierDemo, content: bytes) -> None:
    before = demo.view.position.value
    upload(demo, content, name="<b>bad</b>.csv")
    assert 'role="alert"' in demo.view.message.value and "&lt;b&gt;bad" in demo.view.message.value
    assert "<b>bad" not in demo.view.message.value
    assert demo.view.position.value == before and demo.gallery is demo.test_beats
    demo.view.next.click()
    assert demo.view.message.value == ""


@pytest.mark.parametrize(
    "use",
    [
        lambda view: view.next.click(),
        lambda view: view.previous.click(),
        lambda view: view.random.click(),
        lambda view: view.back.click(),
        lambda view: view.whole.click(),
        lambda view: setattr(view.class_name, "value", "V"),
        lambda view: setattr(view.verdict, "value", "wrong"),
        lambda view: setattr(view.order, "value", ORDERS[1]),
        lambda view: setattr(view.threshold, "value", 0.1),
        lambda view: setattr(view.with_attention, "value", True),
    ],
)
def test_no_error_is_lost(
    demo: ClassifierDemo, use, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_) -> None:
        raise RuntimeError("the <disk> is full")

    monkeypatch.setattr(demo.view, "show", fail)
    use(demo.view)
    assert "RuntimeError: the &lt;disk&gt; is full" in demo.view.message.value
    assert "Traceback" in caplog.text
    monkeypatch.undo()
    demo.view.next.click()
    assert demo.view.message.value == ""


def test_with_a_real_network(beats: Beats) -> None:
    from ecglib.classifier import Classifier
    from ecglib.model import build_model

    classifier = Classifier(build_model("compact"), {})
    demo = ClassifierDemo(classifier, beats)
    demo.view.random.click()
    reading = demo.gallery.reading()
    assert reading.said == classifier.predict(reading.signal)[0]
    assert reading.threshold == classifier.threshold
    assert reading.attention.sum() == pytest.approx(1, abs=1e-5)
    assert CLASS_NAMES[reading.said] in demo.view.result.value
    assert demo.view.message.value == ""


def test_every_control_is_wired(demo: ClassifierDemo) -> None:
    """What a person can press or set does something: a new control is not forgotten."""
    bare = DemoView(0.6, [])
    wired = {
        name
        for name, widget in vars(demo.view).items()
        if name in vars(bare) and listeners(widget) > listeners(vars(bare)[name])
    }
    assert wired == {
        "class_name", "verdict", "order", "previous", "next", "random", "whole", "back",
        "threshold", "upload", "with_attention",
    }  # fmt: skip


def listeners(widget: object) -> int:
    """How many callbacks wait for a widget's value or its clicks."""
    values = getattr(widget, "_trait_notifiers", {}).get("value", {}).get("change", [])
    clicks = getattr(widget, "_click_handlers", None)
    return len(values) + (len(clicks.callbacks) if clicks else 0)


def test_saved_state_is_small(demo: ClassifierDemo) -> None:
    from ipywidgets.embed import dependency_state, embed_data

    data = embed_data([demo.view], state=dependency_state([demo.view]))
    assert len(json.dumps(data["manager_state"])) < 100_000
