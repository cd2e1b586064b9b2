"""Work in the background: one piece at a time, and stopped work is never shown."""

import threading

import numpy as np
import pytest

from demo_fakes import FakeClassifier, csv, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.background import Jobs, Work
from ecglib.apps.demo.state.gallery import BATCH
from ecglib.beats.beats import Beats


class SlowClassifier(FakeClassifier):
    """Waits in the middle of its work until `go_on` is set."""

    def __init__(self):
        super().__init__()
        self.go_on, self.called = threading.Event(), threading.Event()

    def predict_proba(self, signal, rhythm=None):
        if len(np.atleast_2d(signal)) > 1:
            self.called.set()
            assert self.go_on.wait(60)
        return super().predict_proba(signal)


@pytest.fixture
def slow(beats: Beats) -> ClassifierDemo:
    demo = ClassifierDemo(SlowClassifier(), beats[np.arange(BATCH + 10) % 10])
    assert demo.session.classifier.called.wait(60)
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
    assert not slow.gallery.ready  # not started again


@pytest.mark.parametrize("again", ["upload", "correct"])
def test_a_result_for_a_former_upload_is_dropped(
    slow: ClassifierDemo, beats: Beats, again: str
) -> None:
    classifier, view = slow.session.classifier, slow.view
    classifier.go_on.set()
    slow.wait()
    upload(slow, csv(beats[np.arange(BATCH + 1) % 10]), name="long.csv")
    classifier.go_on.clear()
    classifier.called.clear()
    view.own.classify.click()
    assert classifier.called.wait(60)
    if again == "correct":
        view.own.decimal.value = "."
    else:
        slow._receive({"short.csv": csv(beats[:1])})
        view.paper.value = True  # any action reads the file
    classifier.go_on.set()
    slow.wait()
    assert slow.session.own is None and view.body.layout.display == "none"
    assert ("short.csv" if again == "upload" else "long.csv") in view.own.understood.value


def test_new_work_replaces_old() -> None:
    done: list[str] = []
    go_on = threading.Event()
    jobs = Jobs(threading.RLock(), lambda what, share: None, lambda error: done.append("failed"))

    def wait_first(progress) -> str:
        assert go_on.wait(60)
        progress(0.5)  # raises: other work has begun
        return "old"

    jobs.start(Work("a", "old", wait_first, done.append), lambda: None)
    old = jobs._thread
    jobs.start(Work("a", "old", wait_first, done.append), lambda: None)
    assert jobs._thread is old  # the same work goes on
    jobs.start(Work("b", "new", lambda progress: "new", done.append), lambda: None)
    jobs.wait()
    go_on.set()
    old.join(60)
    assert done == ["new"]


def test_work_that_reports_while_it_is_stopped_is_not_shown() -> None:
    lock, shown = threading.RLock(), []
    reporting, stopped = threading.Event(), threading.Event()

    def show(what: str, share: float | None) -> None:
        if what:
            reporting.set()
            stopped.wait(0.2)
        shown.append(what)

    jobs = Jobs(lock, show, lambda error: None)
    jobs.start(Work("a", "working", lambda progress: "done", lambda result: None), lambda: None)
    assert reporting.wait(60)
    with lock:  # as the page does
        jobs.stop()
        stopped.set()
    jobs.wait()
    assert shown[-1] == ""
