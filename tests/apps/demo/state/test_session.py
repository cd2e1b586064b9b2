"""Models chosen while an upload is classified, and after that."""

import numpy as np

from demo_fakes import csv, upload
from ecglib.apps.demo.page import ClassifierDemo
from ecglib.apps.demo.state import session as module
from ecglib.apps.demo.state.session import OWN, TEST, Session
from ecglib.models.classifier import Classifier
from ecglib.models.network import build_model


def test_a_model_chosen_meanwhile_classifies_the_upload_again(two: ClassifierDemo) -> None:
    upload(two, csv(two.session.tests.beats[:2]))
    two.session.classify()
    work = two.session.next_work()
    two.view.pages.selected_index = TEST
    two.view.model.value = "other"
    work.take(work.do(lambda share: None))  # the first model's result comes late
    two.view.pages.selected_index = OWN
    assert two.session.own.classifier is two.session.classifier
    assert len(two.session.tests.beats) == 10


def test_another_model_takes_the_beats_already_found(network, uploaded, beats, monkeypatch) -> None:
    session = Session(network, beats)
    session.turn_to(OWN)
    session.upload = uploaded
    session.classify()
    work = session.next_work()
    work.take(work.do(lambda share: None))
    first, strip = session.own, session.strip
    session._loaded["other"] = Classifier(build_model("compact"), {"name": "other"})
    session.use_model("other")
    monkeypatch.setattr(module, "classify_upload", None)  # nothing is searched again
    work = session.next_work()
    work.take(work.do(lambda share: None))
    assert session.own.beats is first.beats and session.strip.recording is strip.recording
    assert np.array_equal(session.strip.predicted, session.own.predicted)
    assert session.own.classifier.card["name"] == "other" and session.next_work() is None
