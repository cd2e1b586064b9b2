"""The interactive classifier while it computes, and when something goes wrong."""

import threading

import numpy as np
import pytest
from ipywidgets import DOMWidget

from demo_fakes import FakeClassifier, csv, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.gallery import BATCH, ORDERS
from ecglib.apps.demo.state.session import OWN, TEST
from ecglib.apps.demo.widgets.view import DemoView
from ecglib.beats.beats import Beats


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
    view.outcome.value = "wrong"
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
        with demo._safe.lock, demo._safe.quietly():
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


@pytest.mark.parametrize(
    "use",
    [
        lambda view: view.next.click(),
        lambda view: view.previous.click(),
        lambda view: view.random.click(),
        lambda view: view.abnormal.click(),
        lambda view: setattr(view.class_name, "value", "V"),
        lambda view: setattr(view.outcome, "value", "wrong"),
        lambda view: setattr(view.order, "value", ORDERS[1]),
        lambda view: setattr(view.patient, "value", "208"),
        lambda view: setattr(view.threshold, "value", 0.1),
        lambda view: setattr(view.with_attention, "value", True),
        lambda view: setattr(view.with_table, "value", True),
        lambda view: setattr(view.paper, "value", True),
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
