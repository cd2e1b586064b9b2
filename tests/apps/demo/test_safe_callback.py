"""Errors of callbacks are shown; clicks wait for changes of the page."""

import threading

import numpy as np
import pytest

from demo_fakes import FakeClassifier
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state.gallery import BATCH, ORDERS
from ecglib.beats.beats import Beats


def test_a_click_waits_while_a_thread_changes_the_page(demo: ClassifierDemo) -> None:
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


def test_an_error_in_the_background_is_shown(beats: Beats, caplog) -> None:
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
    ("control", "value"),
    [("next", None), ("order", ORDERS[1]), ("threshold", 0.1), ("with_table", True)],
)
def test_an_error_of_a_control_is_shown(
    demo: ClassifierDemo, control: str, value, monkeypatch, caplog
) -> None:
    def fail(*_) -> None:
        raise RuntimeError("the <disk> is full")

    monkeypatch.setattr(demo.view, "show", fail)
    if value is None:
        getattr(demo.view, control).click()
    else:
        getattr(demo.view, control).value = value
    assert "RuntimeError: the &lt;disk&gt; is full" in demo.view.message.value
    assert "Traceback" in caplog.text
    monkeypatch.undo()
    demo.view.next.click()
    assert demo.view.message.value == ""
