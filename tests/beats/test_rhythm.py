"""The rhythm around a beat: what is compared with what, and what a missing interval does."""

import numpy as np
import pytest
import torch

from ecglib.beats.rhythm import RHYTHM, rhythm_features
from ecglib.models.classifier import Classifier
from ecglib.models.network import CNNLSTM, CONFIGS

BEFORE, AFTER, BEFORE_2, AFTER_2, AROUND, AVERAGE = range(len(RHYTHM))


def intervals(*rr: float) -> tuple[np.ndarray, np.ndarray]:
    """Preceding and following RR interval of the beats between some intervals."""
    return np.append(np.nan, rr), np.append(rr, np.nan)


def test_an_early_beat_stands_out() -> None:
    before, after = intervals(0.8, 0.8, 0.8, 0.4, 1.2, 0.8, 0.8, 0.8)
    features = rhythm_features(before, after)
    assert features.shape == (9, len(RHYTHM)) and features.dtype == np.float32
    early = np.exp(features[4])
    assert early[AVERAGE] == pytest.approx(0.8)
    assert early[BEFORE] == early[AROUND] == pytest.approx(0.5)
    assert early[AFTER] == pytest.approx(1.5)
    assert np.exp(features[5, BEFORE_2]) == np.exp(features[3, AFTER]) == pytest.approx(0.5)
    assert np.exp(features[2, AFTER_2]) == pytest.approx(0.5)


def test_what_is_missing_is_nan() -> None:
    features = rhythm_features(*intervals(0.8, 0.0, 0.8, 0.8))  # two marks on one sample
    assert np.isnan(features[0, BEFORE]) and np.isnan(features[-1, AFTER])
    assert np.isnan(features[2, BEFORE]) and np.isnan(features[1, AFTER])
    assert np.isfinite(features[:, AVERAGE]).all()
    assert rhythm_features(np.array([]), np.array([])).shape == (0, len(RHYTHM))
    assert np.isnan(rhythm_features(np.array([np.nan]), np.array([np.nan]))).all()


def test_recordings_do_not_mix() -> None:
    one, other = intervals(0.8, 0.7, 0.9, 0.8), intervals(0.5, 0.5, 0.6, 0.4)
    together = rhythm_features(
        np.append(one[0], other[0]), np.append(one[1], other[1]), np.repeat(["100", "101"], 5)
    )
    apart = np.concatenate([rhythm_features(*one), rhythm_features(*other)])
    np.testing.assert_array_equal(together, apart)


@pytest.mark.data
def test_early_beats_are_the_supraventricular_ones(mitdb_beats) -> None:
    features = mitdb_beats.rhythm
    early = np.exp(features[:, BEFORE]) < 0.85
    assert early[mitdb_beats.label == 1].mean() > 0.5
    assert early[mitdb_beats.label == 0].mean() < 0.1


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(CNNLSTM(CONFIGS["rhythm"]), {})


def test_a_network_with_rhythm_listens_to_it(classifier) -> None:
    beat = np.random.default_rng(0).random((4, 187), dtype=np.float32)
    rhythm = np.zeros((4, len(RHYTHM)))
    alone = classifier.predict_proba(beat)
    np.testing.assert_array_equal(alone, classifier.predict_proba(beat, rhythm * np.nan))
    rhythm[:, BEFORE] = -1.0
    early = classifier.predict_proba(beat, rhythm)
    assert np.abs(early - alone).max() > 1e-4
    np.testing.assert_allclose(early.sum(axis=1), 1)


def test_a_network_without_rhythm_does_not_look_at_it() -> None:
    torch.manual_seed(0)
    classifier = Classifier(CNNLSTM(CONFIGS["compact"]), {})
    beat = np.random.default_rng(0).random(187, dtype=np.float32)
    np.testing.assert_array_equal(
        classifier.predict_proba(beat), classifier.predict_proba(beat, np.ones(len(RHYTHM)))
    )


def test_a_rhythm_of_another_shape_is_refused(classifier) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 6\), not \(1, 5\)"):
        classifier.predict_proba(np.zeros((2, 187)), np.zeros(5))
