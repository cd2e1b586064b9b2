"""The demo as a person uses it, without a browser: controls, pages, uploads, and no error lost."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ipywidgets import DOMWidget

from demo_fakes import CONFIDENCE, FakeClassifier, ten_beats
from ecglib.beats import Beats
from ecglib.demo import ClassifierDemo
from ecglib.demo_html import NOTICE, bars_html, reading_html, verdict_html
from ecglib.demo_session import ABOUT, OWN, TEST
from ecglib.demo_state import BATCH, ORDERS
from ecglib.demo_view import NO_SECOND, NOTHING, DemoView
from ecglib.labels import CLASS_COLOURS, CLASS_NAMES, CLASSES
from reliability import tried


@pytest.fixture
def beats() -> Beats:
    return ten_beats()


@pytest.fixture
def demo(beats: Beats) -> ClassifierDemo:
    return ClassifierDemo(FakeClassifier(), beats)


@pytest.fixture
def two(beats: Beats, monkeypatch: pytest.MonkeyPatch) -> ClassifierDemo:
    """With a second model to choose, which calls beat 4 Normal."""
    monkeypatch.setattr(
        "ecglib.demo_session.Classifier.load", lambda path: FakeClassifier(path, "NNNNVSFQNV")
    )
    return ClassifierDemo(FakeClassifier(), beats, models={"fake": "unused", "other": "other"})


def upload(demo: ClassifierDemo, content: bytes | dict[str, bytes], name: str = "mine.csv") -> None:
    """What the page does when somebody hands in files."""
    files = content if isinstance(content, dict) else {name: content}
    demo.view.pages.selected_index = OWN
    send = demo.view.own.files._receive
    send(None, {"kind": "begin", "transfer": "a", "names": list(files)}, [])
    for index, data in enumerate(files.values()):
        for start in range(0, len(data), 1 << 20):
            piece = memoryview(data[start : start + (1 << 20)])
            send(None, {"kind": "piece", "transfer": "a", "index": index}, [piece])
    send(None, {"kind": "end", "transfer": "a"}, [])
    demo.wait()


def classify(demo: ClassifierDemo, content: bytes | dict[str, bytes], **options) -> None:
    upload(demo, content, **options)
    demo.view.own.classify.click()
    demo.wait()


def csv(beats: Beats, labels: bool = True) -> bytes:
    rows = np.column_stack([beats.signal, beats.label]) if labels else beats.signal
    return "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows).encode()


def saved(demo: ClassifierDemo, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What goes to the browser from now on."""
    files: list[tuple[str, bytes]] = []
    monkeypatch.setattr(
        demo.view.own.files, "save", lambda name, content, mime: files.append((name, content))
    )
    return files


# --- test beats ----------------------------------------------------------------------------------


def test_the_notice_is_in_sight(demo: ClassifierDemo, beats: Beats) -> None:
    assert demo.view.children[0] is demo.view.notice and NOTICE in demo.view.notice.value
    other = ClassifierDemo(FakeClassifier(), beats, "patients").view.notice.value
    assert NOTICE in other and "protocol &#x27;kaggle&#x27;" in other


def test_never_colour_alone(demo: ClassifierDemo) -> None:
    demo.gallery.step(1)
    reading = demo.gallery.reading()
    shown = verdict_html(reading)
    assert "N Normal" in shown and "S Supraventricular" in shown and "Wrong" in shown
    assert "UNCERTAIN: needs a person's look" in shown and "55.0%" in shown
    bars = bars_html(reading)
    for c, p in zip(CLASSES, reading.proba, strict=True):
        assert f"{c} {CLASS_NAMES[c]}" in bars and f"{p:.2%}" in bars and CLASS_COLOURS[c] in bars
    demo.gallery.step(-1)
    assert "UNCERTAIN" not in verdict_html(demo.gallery.reading())


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
    assert "Beat 3 of 3" in view.position.value  # the second is called Normal
    view.class_name.value = "S"
    view.verdict.value = "wrong"
    view.abnormal.click()
    assert "No other beat" in view.message.value


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
    assert not view.beat.attention.visible and not view.beat.coarse.visible
    view.with_attention.value = view.paper.value = True
    assert view.beat.attention.visible and view.beat.coarse.visible and view.beat.fine.visible
    steps = np.unique(np.round(np.diff(np.unique(view.beat.coarse.x)), 6))
    assert steps.tolist() == [200]  # ms, as on paper at 25 mm/s
    assert view.scale.disabled  # no recording is at hand


def test_choices(demo: ClassifierDemo) -> None:
    view = demo.view
    view.verdict.value = "wrong"
    view.order.value = ORDERS[2]
    assert "Beat 1 of 3 (of 10 in all)" in view.position.value
    assert "V Ventricular" in view.result.value and "F Fusion" in view.result.value
    view.class_name.value = "Q"
    assert NOTHING in view.position.value and view.beat_box.layout.display == "none"
    assert view.next.disabled and view.random.disabled
    view.verdict.value = "right"
    assert "Beat 1 of 1" in view.position.value and view.beat_box.layout.display is None
    assert not view.next.disabled
    view.class_name.value = "all"
    view.patient.value = "208"
    assert "Beat 1 of 4 (of 10 in all)" in view.position.value


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


def test_table_follows_the_choice(demo: ClassifierDemo) -> None:
    view = demo.view
    assert view.table.value == ""
    view.with_table.value = True
    assert view.table.value.count("<tr") == 11 and "▶ 1<" in view.table.value
    view.verdict.value = "wrong"
    assert "Beats 1 to 3 of 3" in view.table.value and ">no<" in view.table.value
    view.next.click()
    assert "▶ 2<" in view.table.value


def test_csv_of_the_choice(demo: ClassifierDemo, monkeypatch: pytest.MonkeyPatch) -> None:
    files = saved(demo, monkeypatch)
    demo.view.verdict.value = "wrong"
    demo.view.csv.click()
    (name, content), message = files[0], demo.view.message.value
    table = pd.read_csv(pd.io.common.BytesIO(content), dtype={"record": str})
    assert name == "test_beats_classified.csv" and "3 beats go to" in message
    assert table.label.tolist() == list("NVN") and table.true_label.tolist() == list("SFV")
    assert not table.right.any() and table.uncertain.all()
    assert table[[f"p_{c}" for c in CLASSES]].sum(axis=1).tolist() == pytest.approx([1] * 3)
    assert demo.view.atr.disabled


# --- two models ----------------------------------------------------------------------------------


def test_one_model_says_how_to_get_another(demo: ClassifierDemo) -> None:
    assert demo.view.second.layout.display == "none"
    assert any(NO_SECOND in getattr(w, "value", "") for w in demo.view.models_row.children)


def test_two_models_side_by_side(two: ClassifierDemo) -> None:
    view = two.view
    assert view.model.options == (("fake", "fake"), ("other", "other"))
    view.second.value = "other"
    assert "The two models agree" in view.result.value
    view.verdict.value = "the models disagree"
    assert "Beat 1 of 1" in view.position.value
    assert "The two models disagree" in view.result.value and "N Normal" in view.result.value
    assert "V Ventricular" in view.result.value and "agree on 90.0%" in view.summary.value
    view.verdict.value = "all"
    view.second.value = ""
    assert "two models" not in view.result.value


def test_another_model_classifies_anew(two: ClassifierDemo) -> None:
    two.view.model.value = "other"
    two.wait()
    two.view.class_name.value = "V"
    assert two.gallery.reading().said == "N" and two.gallery.classifier.card["name"] == "other"
    assert "other" in two.view.result.value


@tried("11 a model file: missing", "demo")
def test_a_model_that_cannot_be_read_is_told(beats: Beats, tmp_path: Path) -> None:
    demo = ClassifierDemo(FakeClassifier(), beats, models={"gone": tmp_path / "gone.safetensors"})
    demo.view.model.value = "gone"
    assert "There is no model file" in demo.view.message.value
    demo.view.next.click()
    assert "Beat 2 of 10" in demo.view.position.value


def test_any_two_models_can_be_compared(two: ClassifierDemo) -> None:
    view, session = two.view, two.session
    view.second.value = "other"
    view.model.value = "other"  # not compared with itself
    assert view.second.value == "" and session.second is None
    view.second.value = "fake"
    assert view.second.options == (("no other", ""), ("fake", "fake"))
    assert view.verdict.value == "all" and two.gallery.second.classifier.card["name"] == "fake"


# --- an ECG of one's own -------------------------------------------------------------------------


def test_upload_understood_then_classified(demo: ClassifierDemo, beats: Beats) -> None:
    view = demo.view
    view.threshold.value = 0.98
    view.verdict.value = "wrong"
    upload(demo, csv(beats[3:5]))
    assert "mine.csv: 2 beats. Labels are in the last column." in view.own.understood.value
    assert view.body.layout.display == "none" and view.own.lead.layout.display == "none"
    view.own.classify.click()
    assert view.body.layout.display is None
    assert "Beat 1 of 2: mine.csv, beat 1" in view.position.value and view.verdict.value == "all"
    assert "UNCERTAIN" in view.result.value  # the threshold stays
    assert "50.0% of all are right" in view.summary.value  # the file tells the classes
    classify(demo, csv(beats[3:5], labels=False))
    assert "True class unknown" in view.result.value
    view.pages.selected_index = TEST
    assert "Beat 1 of 10: record 100" in view.position.value
    view.pages.selected_index = OWN
    assert "Beat 1 of 2: mine.csv" in view.position.value


def test_the_same_file_can_be_sent_twice(demo: ClassifierDemo, beats: Beats) -> None:
    for _ in range(2):
        classify(demo, csv(beats[:1]))
        assert "Beat 1 of 1: mine.csv" in demo.view.position.value


def test_corrections_read_the_file_again(demo: ClassifierDemo) -> None:
    lines = "time,I,II\n" + "\n".join(f"{i / 250:.3f},{i % 50},{i % 60}" for i in range(1000))
    view = demo.view
    upload(demo, lines.encode())
    assert "at 250 Hz, 4.0 s long, I." in view.own.understood.value
    assert view.own.fs.value == 250 and view.own.lead.options == (("I", 0), ("II", 1))
    view.own.lead.value = 1
    demo.wait()
    assert "long, II." in view.own.understood.value
    view.own.fs.value = 500
    demo.wait()
    assert "at 500 Hz, 2.0 s long, II." in view.own.understood.value
    assert "500 Hz as you say, not 250" in view.own.understood.value and view.own.lead.value == 1
    view.own.kind.value = "beats"
    demo.wait()
    assert "A row of mine.csv has 3 values" in view.message.value
    view.own.kind.value = "auto"
    demo.wait()
    assert "Error" not in view.message.value
    view.own.header.value = True
    demo.wait()
    upload(demo, b"1,2\n" * 500)  # of another file, nothing has been said yet
    assert view.own.header.value is None and view.own.fs.value == 0


def test_an_impossible_rate_can_be_taken_back(demo: ClassifierDemo) -> None:
    lines = "time,I\n" + "\n".join(f"{i / 250:.3f},{i % 50}" for i in range(1000))
    view = demo.view
    upload(demo, lines.encode())
    view.own.fs.value = -5
    demo.wait()
    assert "Error" in view.message.value and view.own.fs.value == -5
    view.own.fs.value = 250
    demo.wait()
    assert "Error" not in view.message.value and "at 250 Hz" in view.own.understood.value


def test_an_unknown_rate_is_asked_for(demo: ClassifierDemo) -> None:
    upload(demo, "\n".join(str(i % 97) for i in range(3000)).encode())
    view = demo.view
    assert "give it in Hz" in view.own.understood.value and view.own.fs.value == 0
    view.own.classify.click()
    assert "give its sampling rate in Hz first" in view.message.value


def test_samples_and_recordings_are_classified_at_once(beats: Beats, tmp_path: Path) -> None:
    (tmp_path / "sample_001_Ventricular_label2.csv").write_bytes(csv(beats[3], labels=False))
    demo = ClassifierDemo(FakeClassifier(), beats, samples=tmp_path)
    demo.view.pages.selected_index = OWN
    demo.view.own.sample.value = "sample_001_Ventricular_label2.csv"
    demo.wait()
    assert "Right" in demo.view.result.value and "V Ventricular" in demo.view.result.value
    assert demo.view.own.recording.layout.display == "none"


@pytest.mark.parametrize("content", [b"", b"1,2,3", b"\x00\x01", b"a,b\nc,d", b"PK\x03\x04junk"])
def test_bad_uploads_are_told_and_change_nothing(demo: ClassifierDemo, content: bytes) -> None:
    before = demo.view.position.value
    upload(demo, content, name="<b>bad</b>.csv")
    assert 'role="alert"' in demo.view.message.value and "<b>bad" not in demo.view.message.value
    demo.view.pages.selected_index = TEST
    assert demo.view.position.value == before and demo.view.message.value == ""


def test_a_bad_upload_leaves_nothing_of_the_one_before(demo: ClassifierDemo, beats: Beats) -> None:
    classify(demo, csv(beats[3:5]))
    upload(demo, b"1,2,3", name="bad.csv")
    view = demo.view
    assert "bad.csv" in view.message.value and "mine.csv" not in view.own.understood.value
    assert view.body.layout.display == "none"  # no beat, and no button that asks for one
    view.threshold.value = 0.5
    assert view.message.value == ""  # it was told once


def test_too_much_is_refused_by_the_page_and_by_us(demo: ClassifierDemo) -> None:
    send = demo.view.own.files._receive
    send(None, {"kind": "refused", "count": 1, "size": 7e7}, [])
    assert "1 file of 70.0 MB: that is too much" in demo.view.message.value
    demo.view.own.files.limit_mb = 1  # what a page says that has been tampered with
    upload(demo, b"0" * 3_000_000)
    assert "that is too much. The limit is 1 MB" in demo.view.message.value
    assert demo.session.upload is None
    upload(demo, {f"{number}.csv": b"1" for number in range(201)})
    assert "201 files" in demo.view.message.value and demo.session.upload is None


def test_pieces_of_an_older_transfer_are_dropped(demo: ClassifierDemo, beats: Beats) -> None:
    demo.view.pages.selected_index = OWN
    send = demo.view.own.files._receive
    send(None, {"kind": "begin", "transfer": "old", "names": ["old.csv"]}, [])
    send(None, {"kind": "begin", "transfer": "new", "names": ["new.csv"]}, [])
    send(None, {"kind": "piece", "transfer": "old", "index": 0}, [b"rubbish"])
    send(None, {"kind": "piece", "transfer": "new", "index": 0}, [csv(beats[:1])])
    send(None, {"kind": "end", "transfer": "old"}, [])
    send(None, {"kind": "end", "transfer": "new"}, [])
    assert "new.csv: 1 beat." in demo.view.own.understood.value


# --- work in the background ----------------------------------------------------------------------


class SlowClassifier(FakeClassifier):
    """Waits in the middle of the work until it is told to go on."""

    def __init__(self):
        super().__init__()
        self.go_on, self.asked = threading.Event(), threading.Event()

    def predict_proba(self, signal, rhythm=None):
        if len(np.atleast_2d(signal)) > 1:
            self.asked.set()
            assert self.go_on.wait(60)
        return super().predict_proba(signal)


@pytest.fixture
def slow(beats: Beats) -> ClassifierDemo:
    demo = ClassifierDemo(SlowClassifier(), beats[np.arange(BATCH + 10) % 10])
    assert demo.session.classifier.asked.wait(60)
    return demo


def test_the_page_answers_while_it_computes(slow: ClassifierDemo) -> None:
    view = slow.view
    assert "Classifying 1,034 beats with fake" in view.doing.value
    view.next.click()
    view.next.click()
    assert "Beat 3 of 1,034" in view.position.value and view.csv.disabled
    view.verdict.value = "wrong"
    assert "Not all beats have been classified yet" in view.message.value
    slow.session.classifier.go_on.set()
    slow.wait()
    assert view.job_row.layout.display == "none" and "are uncertain" in view.summary.value


def test_work_can_be_stopped(slow: ClassifierDemo) -> None:
    slow.view.stop.click()
    assert slow.view.job_row.layout.display == "none"
    slow.session.classifier.go_on.set()
    slow.wait()
    slow.view.next.click()
    assert not slow.gallery.ready  # given up, and not begun again


def test_what_is_done_while_the_page_changes_is_not_lost(demo: ClassifierDemo) -> None:
    """A background thread sets controls quietly; a click that comes meanwhile has to wait."""
    showing, clicked = threading.Event(), threading.Event()

    def show() -> None:
        with demo._lock, demo._quietly():
            showing.set()
            clicked.wait(0.2)

    thread = threading.Thread(target=show)
    thread.start()
    assert showing.wait(60)
    demo.view.next.click()
    clicked.set()
    thread.join(60)
    assert "Beat 2 of 10" in demo.view.position.value


@pytest.mark.parametrize("again", ["hand in", "correct"])
def test_a_result_for_what_is_no_longer_there_is_dropped(
    slow: ClassifierDemo, beats: Beats, again: str
) -> None:
    classifier, view = slow.session.classifier, slow.view
    classifier.go_on.set()
    slow.wait()
    upload(slow, csv(beats[np.arange(BATCH + 1) % 10]), name="long.csv")
    classifier.go_on.clear()
    classifier.asked.clear()
    view.own.classify.click()
    assert classifier.asked.wait(60)
    if again == "correct":
        view.own.decimal.value = "."
    else:
        slow._receive({"short.csv": csv(beats[:1])})
        view.paper.value = True  # whatever is done next reads the file
    classifier.go_on.set()
    slow.wait()
    assert slow.session.own is None and view.body.layout.display == "none"
    assert ("short.csv" if again == "hand in" else "long.csv") in view.own.understood.value


def test_a_model_chosen_meanwhile_classifies_the_upload_anew(two: ClassifierDemo) -> None:
    upload(two, csv(two.session.tests.beats[:2]))
    two.session.classify()
    work = two.session.next_work()
    two.view.pages.selected_index = TEST
    two.view.model.value = "other"
    work.take(work.do(lambda share: None))  # what the first model says comes late
    two.view.pages.selected_index = OWN
    assert two.session.own.classifier is two.session.classifier
    assert len(two.session.tests.beats) == 10


@tried("17 the work raises", "demo")
def test_failed_work_is_told(beats: Beats, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeClassifier):
        def predict_proba(self, signal, rhythm=None):
            if len(np.atleast_2d(signal)) > 1:
                raise RuntimeError("out of <memory>")
            return super().predict_proba(signal)

    demo = ClassifierDemo(Broken(), beats[np.arange(BATCH + 10) % 10])
    demo.wait()
    assert "RuntimeError: out of &lt;memory&gt;" in demo.view.message.value
    assert "Traceback" in caplog.text


# --- no error is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda view: view.next.click(),
        lambda view: view.previous.click(),
        lambda view: view.random.click(),
        lambda view: view.abnormal.click(),
        lambda view: setattr(view.class_name, "value", "V"),
        lambda view: setattr(view.verdict, "value", "wrong"),
        lambda view: setattr(view.order, "value", ORDERS[1]),
        lambda view: setattr(view.patient, "value", "208"),
        lambda view: setattr(view.threshold, "value", 0.1),
        lambda view: setattr(view.with_attention, "value", True),
        lambda view: setattr(view.with_table, "value", True),
        lambda view: setattr(view.paper, "value", True),
    ],
)
@tried("20 an error in a callback", "demo")
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


def test_every_control_is_wired(demo: ClassifierDemo) -> None:
    """What a person can press or set does something: a new control is not forgotten."""
    bare = DemoView(0.6, [], ["a"], [], [])
    shown = vars(demo.view) | vars(demo.view.own)
    unshown = vars(bare) | vars(bare.own)
    controls = {
        name
        for name, widget in shown.items()
        if isinstance(widget, DOMWidget) and ("value" in widget.traits() or clicks(widget) >= 0)
        and type(widget).__name__ not in ("HTML", "FloatProgress")
    }  # fmt: skip
    unwired = {name for name in controls if listeners(shown[name]) <= listeners(unshown[name])}
    assert len(controls) > 30 and unwired == {"threshold_text"}  # the page joins it with the slider


def clicks(widget: object) -> int:
    handlers = getattr(widget, "_click_handlers", None)
    return len(handlers.callbacks) if handlers else -1


def listeners(widget: object) -> int:
    """How many callbacks wait for a widget's value or its clicks."""
    values = getattr(widget, "_trait_notifiers", {}).get("value", {}).get("change", [])
    return len(values) + max(clicks(widget), 0)


# --- the rest ------------------------------------------------------------------------------------


def test_about_page(demo: ClassifierDemo) -> None:
    demo.view.pages.selected_index = ABOUT
    assert "Normal against abnormal" in demo.view.about.value
    assert demo.view.body.layout.display == "none"


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


def test_confidence_of_the_fakes_is_what_the_tests_assume() -> None:
    assert FakeClassifier().predict_proba(ten_beats().signal).max(axis=1) == pytest.approx(
        CONFIDENCE
    )
