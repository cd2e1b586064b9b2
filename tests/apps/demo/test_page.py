"""The demo as a person uses it, without a browser: controls, pages and models."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ipywidgets import DOMWidget

from demo_fakes import FakeClassifier
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.gallery import ORDERS
from ecglib.apps.demo.state.session import ABOUT
from ecglib.apps.demo.widgets.elements import NOTICE, reading_html
from ecglib.apps.demo.widgets.view import NOTHING, DemoView
from ecglib.beats.beats import Beats
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES

# --- test beats ----------------------------------------------------------------------------------


def test_the_notice_is_always_shown(demo: ClassifierDemo, beats: Beats) -> None:
    assert demo.view.children[0] is demo.view.notice and NOTICE in demo.view.notice.value
    other = ClassifierDemo(FakeClassifier(), beats, "patients").view.notice.value
    assert NOTICE in other and "protocol &#x27;kaggle&#x27;" in other


def test_never_colour_alone(demo: ClassifierDemo) -> None:
    assert "UNCERTAIN" not in reading_html(demo.gallery.reading())
    demo.gallery.step(1)
    shown = reading_html(reading := demo.gallery.reading())
    assert "S Supraventricular" in shown and "Wrong" in shown
    assert "UNCERTAIN: a person should check" in shown and "55.0%" in shown
    for c, p in zip(CLASSES, reading.proba, strict=True):
        for part in (f"{c} {CLASS_NAMES[c]}", f"{p:.2%}", CLASS_COLOURS[c]):
            assert part in shown


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
    view.class_name.value = "V"
    view.abnormal.click()
    assert "Beat 3 of 3" in view.position.value  # the second is predicted as Normal
    view.class_name.value = "S"
    view.outcome.value = "wrong"
    view.abnormal.click()
    assert "No other selected beat" in view.message.value


def test_trace_is_in_ms_and_ends_where_the_padding_begins(demo: ClassifierDemo) -> None:
    beat = demo.view.beat
    assert (len(beat.trace.x), beat.trace.x[-1]) == (120, pytest.approx(119 / 0.12))
    assert beat.padding.x[0] == pytest.approx(1000)
    assert beat.trace.colors == [CLASS_COLOURS["N"]] and beat.letter.text == ["N"]
    demo.view.class_name.value = "V"
    assert beat.trace.colors == [CLASS_COLOURS["V"]] and beat.letter.text == ["V"]


def test_zoom_and_pan_without_a_mouse(demo: ClassifierDemo) -> None:
    view, x = demo.view, demo.view.beat.x
    whole = x.span
    view.zoom_in.click()
    assert x.span[1] - x.span[0] == pytest.approx((whole[1] - whole[0]) / 2)
    before = x.span
    view.right.click()
    assert x.span[0] > before[0]
    view.left.click()
    view.zoom_out.click()
    assert x.span == pytest.approx(whole)
    view.zoom_in.click()
    view.whole.click()
    assert x.span == whole


def test_looks(demo: ClassifierDemo) -> None:
    view = demo.view
    assert view.second.layout.display == "none"  # there is one model only
    assert not view.beat.attention.visible and not view.beat.coarse.visible
    view.with_attention.value = view.paper.value = True
    assert view.beat.attention.visible and view.beat.coarse.visible and view.beat.fine.visible
    steps = np.unique(np.round(np.diff(np.unique(view.beat.coarse.x)), 6))
    assert steps.tolist() == [200]  # ms, as on paper at 25 mm/s
    assert view.scale.disabled  # there is no recording


def test_choices(demo: ClassifierDemo) -> None:
    view = demo.view
    view.outcome.value = "wrong"
    view.order.value = ORDERS[2]
    assert "Beat 1 of 3 (of 10 in all)" in view.position.value
    assert "V Ventricular" in view.result.value and "F Fusion" in view.result.value
    view.class_name.value = "Q"
    assert NOTHING in view.position.value and view.beat_box.layout.display == "none"
    assert view.next.disabled and view.random.disabled
    view.outcome.value = "right"
    assert "Beat 1 of 1" in view.position.value and view.beat_box.layout.display is None
    assert not view.next.disabled
    view.class_name.value = "all"
    view.patient.value = "208"
    assert "Beat 1 of 4 (of 10 in all)" in view.position.value


def test_slider(beats: Beats) -> None:
    classifier = FakeClassifier()
    classifier.threshold = 0.957
    demo = ClassifierDemo(classifier, beats)
    demo.view.threshold.value = 0.96  # the browser rounds it
    assert demo.gallery.threshold == 0.957
    demo.view.next.click()
    assert "UNCERTAIN" in demo.view.result.value
    demo.view.threshold.value = 0.5
    assert demo.gallery.threshold == 0.5 and "UNCERTAIN" not in demo.view.result.value
    assert "10.0% of 10 beats" in demo.view.summary.value


def test_table_follows_the_choice(demo: ClassifierDemo) -> None:
    view = demo.view
    assert view.table.value == ""
    view.with_table.value = True
    assert view.table.value.count("<tr") == 11 and "▶ 1<" in view.table.value
    view.outcome.value = "wrong"
    assert "Beats 1 to 3 of 3" in view.table.value and ">no<" in view.table.value
    view.next.click()
    assert "▶ 2<" in view.table.value


def test_csv_of_the_choice(demo: ClassifierDemo, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    monkeypatch.setattr(demo.view.own.files, "save", lambda *file: files.append(file))
    demo.view.outcome.value = "wrong"
    demo.view.csv.click()
    (name, content, _), message = files[0], demo.view.message.value
    table = pd.read_csv(pd.io.common.BytesIO(content), dtype={"record": str})
    assert name == "test_beats_classified.csv" and "saves 3 beats" in message
    assert table.label.tolist() == list("NVN") and table.true_label.tolist() == list("SFV")
    assert not table.right.any() and table.uncertain.all()
    assert table[[f"p_{c}" for c in CLASSES]].sum(axis=1).tolist() == pytest.approx([1] * 3)
    assert demo.view.atr.disabled


# --- two models ----------------------------------------------------------------------------------


def test_two_models_side_by_side(two: ClassifierDemo) -> None:
    view, session = two.view, two.session
    assert view.model.options == (("fake", "fake"), ("other", "other"))
    view.second.value = "other"
    assert "The two models agree" in view.result.value
    view.outcome.value = "the models disagree"
    assert "Beat 1 of 1" in view.position.value
    assert "The two models disagree" in view.result.value and "N Normal" in view.result.value
    assert "V Ventricular" in view.result.value and "agree on 90.0%" in view.summary.value
    view.outcome.value = "all"
    view.model.value = "other"  # not compared with itself
    assert view.second.value == "" and session.second is None
    assert "two models" not in view.result.value
    view.second.value = "fake"
    assert view.second.options == (("no other", ""), ("fake", "fake"))
    assert view.outcome.value == "all" and two.gallery.second.classifier.card["name"] == "fake"


def test_another_model_classifies_again(two: ClassifierDemo) -> None:
    two.view.model.value = "other"
    two.wait()
    two.view.class_name.value = "V"
    assert two.gallery.reading().predicted == "N"
    assert two.gallery.classifier.card["name"] == "other" and "other" in two.view.result.value


def test_an_unreadable_model_is_reported(beats: Beats, tmp_path: Path) -> None:
    demo = ClassifierDemo(FakeClassifier(), beats, models={"gone": tmp_path / "gone.safetensors"})
    demo.view.model.value = "gone"
    assert "There is no model file" in demo.view.message.value
    assert demo.view.model.value == "fake", "the current one"
    demo.view.second.value = "gone"
    assert "There is no model file" in demo.view.message.value and not demo.view.second.value
    demo.view.next.click()
    assert "Beat 2 of 10" in demo.view.position.value


def test_with_a_real_network(network, beats: Beats) -> None:
    demo = ClassifierDemo(network, beats)
    demo.view.random.click()
    reading = demo.gallery.reading()
    assert reading.predicted == network.predict(reading.signal)[0]
    assert reading.threshold == network.threshold
    assert reading.attention.sum() == pytest.approx(1, abs=1e-5)
    assert CLASS_NAMES[reading.predicted] in demo.view.result.value
    demo.view.pages.selected_index = ABOUT
    assert "Normal against abnormal" in demo.view.about.value
    assert demo.view.body.layout.display == "none" and demo.view.message.value == ""


def test_names_are_shown_as_text(beats: Beats) -> None:
    demo = ClassifierDemo(FakeClassifier("<i>x"), replace(beats, record=np.full(10, "<u>")))
    demo.view.with_table.value = True
    for shown in (demo.view.position, demo.view.table):
        assert "<u>" not in shown.value and "&lt;u&gt;" in shown.value
    assert "<i>x" not in reading_html(demo.gallery.reading())


def test_saved_state_is_small(demo: ClassifierDemo) -> None:
    from ipywidgets.embed import dependency_state, embed_data

    data = embed_data([demo.view], state=dependency_state([demo.view]))
    assert len(json.dumps(data["manager_state"])) < 200_000


def test_every_control_is_wired(demo: ClassifierDemo) -> None:
    bare = DemoView(0.6, [], ["a"], [], [])
    shown = vars(demo.view) | vars(demo.view.own)
    unwired = vars(bare) | vars(bare.own)
    controls = {
        name
        for name, widget in shown.items()
        if isinstance(widget, DOMWidget) and ("value" in widget.traits() or clicks(widget) >= 0)
        and type(widget).__name__ not in ("HTML", "FloatProgress")
    }  # fmt: skip
    without = {name for name in controls if listeners(shown[name]) <= listeners(unwired[name])}
    assert len(controls) > 30 and without == {"threshold_text"}  # linked with the slider


def clicks(widget: object) -> int:
    handlers = getattr(widget, "_click_handlers", None)
    return len(handlers.callbacks) if handlers else -1


def listeners(widget: object) -> int:
    """Number of callbacks for a widget's value or clicks."""
    values = getattr(widget, "_trait_notifiers", {}).get("value", {}).get("change", [])
    return len(values) + max(clicks(widget), 0)
