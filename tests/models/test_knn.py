"""The KNN pipelines."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.models.knn import fade, fast_knn, neighbours, predict_proba, published_knn, vote


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    label = rng.choice([0, 2, 4], 300)
    signal = rng.normal(0, 0.05, (300, 187)).astype(np.float32)
    signal[:, 10:30] += 0.5 * label[:, None].astype(np.float32)
    return signal, label


def naive_bayes():
    return make_pipeline(StandardScaler(), GaussianNB())


@pytest.mark.parametrize("make", [published_knn, fast_knn, naive_bayes])
def test_learns_and_leaves_absent_classes_at_zero(data, make):
    signal, label = data
    model = make().fit(signal[:200], label[:200])
    proba = predict_proba(model, signal[200:])
    assert proba.shape == (100, 5)
    assert np.allclose(proba.sum(axis=1), 1)
    assert not proba[:, [1, 3]].any()
    assert (proba.argmax(axis=1) == label[200:]).mean() > 0.95


def test_published_settings():
    scaler, knn = published_knn()
    assert type(scaler).__name__ == "RobustScaler"
    assert (knn.n_neighbors, knn.metric) == (5, "manhattan")


def test_fade_runs_from_one_to_a_tenth():
    weights = fade(np.ones((1, 187), dtype=np.float32))[0]
    assert weights[0] == 1 and weights[-1] == pytest.approx(0.1) and (np.diff(weights) < 0).all()


def test_neighbours_and_vote_give_what_the_pipeline_predicts(data):
    signal, label = data
    model = fast_knn().fit(signal[:200], label[:200])
    distance, position = neighbours(model, signal[150:], 7)
    assert distance.shape == position.shape == (150, 7)
    assert (np.diff(distance, axis=1) >= 0).all()
    assert (position[:50, 0] == np.arange(150, 200)).all()  # a training beat finds itself first
    proba = vote(distance[:, :3], label[position[:, :3]])
    assert np.allclose(proba, predict_proba(model, signal[150:]), atol=1e-6)


def test_votes_count_by_nearness():
    distance = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 1.0]])
    label = np.array([[0, 2, 2], [4, 1, 2]])
    expected = [[0.5, 0, 0.5, 0, 0], [0, 0.5, 0, 0, 0.5]]
    assert np.allclose(vote(distance, label), expected)
    assert np.allclose(vote(np.ones_like(distance), label)[0], [1 / 3, 0, 2 / 3, 0, 0])
