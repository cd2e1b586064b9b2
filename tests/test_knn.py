"""The KNN pipelines."""

import numpy as np
import pytest

from ecglib.knn import fade, fast_knn, predict_proba, published_knn


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    label = rng.choice([0, 2, 4], 300)
    signal = rng.normal(0, 0.05, (300, 187)).astype(np.float32)
    signal[:, 10:30] += 0.5 * label[:, None].astype(np.float32)
    return signal, label


@pytest.mark.parametrize("make", [published_knn, fast_knn])
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
