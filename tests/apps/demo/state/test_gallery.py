"""The beats of the demo, and their predictions."""

from dataclasses import replace

import numpy as np
import pytest

from demo_fakes import FakeClassifier
from ecglib.apps.demo.state.gallery import BATCH, Gallery
from ecglib.apps.demo.state.reading import clock
from ecglib.beats.beats import Beats


def classified(beats: Beats, seed: int = 0) -> Gallery:
    gallery = Gallery(FakeClassifier(), beats, seed)
    gallery.proba = gallery.classify()
    return gallery


@pytest.fixture
def gallery(beats: Beats) -> Gallery:
    return classified(beats)


def test_a_reading(gallery: Gallery) -> None:
    reading = gallery.reading()
    assert (reading.predicted, reading.true, reading.right) == ("N", "N", True)
    assert reading.confidence == pytest.approx(0.99) and not reading.uncertain
    assert reading.proba.sum() == pytest.approx(1)
    assert (reading.ms[0], reading.ms[120], reading.used) == (0, 1000, 120)
    assert reading.where == "record 100 at 0 min 1.0 s"
    gallery.step(1)
    reading = gallery.reading()
    assert (reading.predicted, reading.true, reading.right) == ("N", "S", False)
    assert reading.uncertain and reading.where == "record 100 at 1 min 41.0 s"


def test_times(beats: Beats) -> None:
    assert (clock(59.97), clock(60.04)) == ("1 min 0.0 s", "1 min 0.0 s")
    slow = Gallery(FakeClassifier(), replace(beats, fs=36.0))
    assert slow.reading().where == "record 100 at 0 min 10.0 s"


@pytest.mark.parametrize(
    ("class_name", "outcome", "chosen"),
    [
        ("all", "all", range(10)),
        ("V", "all", [3, 8, 9]),
        ("all", "wrong", [1, 4, 8]),
        ("all", "right", [0, 2, 3, 5, 6, 7, 9]),
        ("all", "uncertain", [1, 4, 8]),
        ("V", "wrong", [8]),
        ("Q", "wrong", []),
    ],
)
def test_filters(gallery: Gallery, class_name: str, outcome: str, chosen: list[int]) -> None:
    gallery.step(4)
    gallery.select(class_name, outcome)
    assert gallery.chosen.tolist() == list(chosen)
    assert gallery.position == 0


def test_orders_and_unknown_choices(gallery: Gallery) -> None:
    gallery.select(outcome="wrong", order="least sure first")
    assert gallery.chosen.tolist() == [4, 8, 1]
    gallery.select(outcome="wrong", order="surest first")
    assert gallery.chosen.tolist() == [1, 8, 4]
    for wrong in ({"class_name": "X"}, {"outcome": "maybe"}, {"order": "any"}, {"patient": "9"}):
        with pytest.raises(ValueError, match="Choose from"):
            gallery.select(**wrong)
    assert len(gallery) == 3


def jumps(gallery: Gallery) -> list[int]:
    return [gallery.jump() or gallery.position for _ in range(30)]


def test_steps_go_round_and_jumps_are_seeded(gallery: Gallery, beats: Beats) -> None:
    for step, position in ((-1, 9), (1, 0)):
        gallery.step(step)
        assert gallery.position == position
    places = jumps(gallery)
    assert places == jumps(classified(beats)) != jumps(classified(beats, seed=2))
    assert set(places) == set(range(10)) and all(np.diff(places) != 0)


def test_no_beat_and_a_single_beat(gallery: Gallery, beats: Beats) -> None:
    gallery.select("Q", "wrong")
    gallery.step(1)
    gallery.jump()
    assert gallery.reading() is None and len(gallery) == 0
    assert Gallery(FakeClassifier(), beats[:0]).reading() is None
    assert Gallery(FakeClassifier(), beats[:0]).summary() == "There are no beats."
    single = classified(beats[3])
    for move in (single.jump, lambda: single.step(1), lambda: single.step(-1)):
        move()
        assert single.position == 0 and single.reading().predicted == "V"


def test_threshold_decides_what_is_uncertain(gallery: Gallery) -> None:
    assert "30.0% of 10 beats are uncertain; 70.0% of all are right, 100.0%" in gallery.summary()
    gallery.step(4)
    assert gallery.reading().uncertain
    gallery.set_threshold(0.4)
    assert not gallery.reading().uncertain
    assert "0.0% of 10 beats are uncertain; 70.0% of all are right, 70.0%" in gallery.summary()
    gallery.set_threshold(1.01)
    assert gallery.summary() == "100.0% of 10 beats are uncertain; 70.0% of all are right."
    gallery.set_threshold(0.5)
    gallery.select(outcome="uncertain")
    assert gallery.chosen.tolist() == [4]


def test_beats_without_labels(beats: Beats) -> None:
    gallery = classified(replace(beats, label=np.full(10, -1)))
    assert gallery.reading().true is None and gallery.reading().right is None
    assert gallery.summary() == "30.0% of 10 beats are uncertain."
    gallery.select("V")  # the predicted class
    assert gallery.chosen.tolist() == [3, 4, 9]
    for outcome in ("right", "wrong"):
        gallery.select(outcome=outcome)
        assert len(gallery) == 0


def test_patients(gallery: Gallery, beats: Beats) -> None:
    assert gallery.patients == ["100", "208"]
    gallery.select(patient="208", outcome="wrong")
    assert gallery.chosen.tolist() == [8]
    same = classified(replace(beats, record=np.array(["201", "202"] * 5)))
    assert same.patients == ["201"]  # one person


def test_next_abnormal_goes_round_the_selection(gallery: Gallery) -> None:
    places = []
    for _ in range(6):
        assert gallery.next_abnormal()
        places.append(int(gallery.chosen[gallery.position]))
    assert places == [3, 4, 5, 6, 7, 9]
    assert gallery.next_abnormal() and gallery.position == 3
    gallery.select("S")
    gallery.chosen = gallery.chosen[:1]
    assert not gallery.next_abnormal()


def test_before_all_are_classified(beats: Beats) -> None:
    gallery = Gallery(FakeClassifier(), beats)
    assert gallery.reading().predicted == "N" and gallery.summary() == "10 beats."
    gallery.select("V", patient="208")
    for choice in ({"outcome": "wrong"}, {"order": "surest first"}, {"outcome": "uncertain"}):
        with pytest.raises(ValueError, match="Not all beats have been classified yet"):
            gallery.select(**choice)
    assert gallery.chosen.tolist() == [8, 9]


def test_progress_is_reported_and_may_end_the_work(beats: Beats) -> None:
    many = beats[np.zeros(BATCH * 2 + 1, dtype=int)]
    shares: list[float] = []
    proba = Gallery(FakeClassifier(), many).classify(shares.append)
    assert proba.shape == (len(many), 5) and shares[0] == 0 and len(shares) == 3
    with pytest.raises(ZeroDivisionError):
        Gallery(FakeClassifier(), many).classify(lambda share: 1 / 0)


def test_rhythm_reaches_the_classifier(beats: Beats) -> None:
    given = []

    class Listening(FakeClassifier):
        def predict_proba(self, signal, rhythm=None):
            given.append(rhythm)
            return super().predict_proba(signal)

    rhythm = np.arange(60.0).reshape(10, 6)
    gallery = Gallery(Listening(), replace(beats, rhythm=rhythm))
    gallery.step(3)
    gallery.reading()
    assert np.array_equal(given[-1], rhythm[3:4])
    gallery.classify()
    assert np.array_equal(given[-1], rhythm)


def test_two_models(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="second model first"):
        gallery.select(outcome="the models disagree")
    gallery.second = gallery.with_model(FakeClassifier("other", "NNNNVSFQNV"))
    gallery.second.proba = gallery.second.classify()
    gallery.select(outcome="the models disagree")
    assert gallery.chosen.tolist() == [3]
    reading = gallery.reading()
    assert (reading.predicted, reading.other.predicted) == ("V", "N")
    assert (reading.model, reading.other.model) == ("fake", "other")
    assert "The models agree on 90.0%" in gallery.summary()
    gallery.set_threshold(0.98)
    assert gallery.reading().other.threshold == 0.98
