"""Trees as arrays answer as scikit-learn's own do, and know what they were told."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ecglib.models.patientwise.trees import average_trees, check_trees, fit_trees, score


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2000, 3))
    return features, features[:, 0] + 0.5 * features[:, 1] ** 2 + rng.normal(size=2000) > 0.5


def test_the_arrays_answer_as_scikit_learn(problem, monkeypatch) -> None:
    made = []
    fit = HistGradientBoostingClassifier.fit
    monkeypatch.setattr(
        HistGradientBoostingClassifier, "fit", lambda m, *a, **k: made.append(m) or fit(m, *a, **k)
    )
    features, label = problem
    trees = fit_trees(features, label, np.ones(len(label)), [1, 0, 0], seed=0)
    assert score(trees, features) == pytest.approx(made[0].decision_function(features))


def test_what_is_known_is_kept(problem) -> None:
    features, label = problem
    trees = fit_trees(features, label, np.ones(len(label)), [1, 0, 0], seed=0)
    line = np.zeros((100, 3))
    line[:, 0] = np.linspace(-3, 3, 100)
    assert (np.diff(score(trees, line)) >= 0).all()


def test_joined_trees_answer_with_the_mean(problem) -> None:
    features, label = problem
    members = [fit_trees(features, label, np.ones(len(label)), [0, 0, 0], s) for s in (0, 1)]
    mean = np.mean([score(m, features) for m in members], axis=0)
    assert score(average_trees(members), features) == pytest.approx(mean)


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [("left", 99), ("right", -1), ("feature", 3), ("value", np.nan), ("start", None)],
)
def test_what_is_no_tree_is_refused(problem, name, spoilt) -> None:
    features, label = problem
    trees = fit_trees(features, label, np.ones(len(label)), [0, 0, 0], seed=0)
    check_trees(trees, 3)
    if spoilt is None:
        del trees[name]
    else:
        trees[name][0, 0] = spoilt
    with pytest.raises(ValueError):
        check_trees(trees, 3)


def test_a_tree_with_too_many_leaves_is_refused() -> None:
    """Its table of answers would grow without bounds."""
    own = np.arange(41)[None]
    trees = {"left": np.minimum(2 * own + 1, 40), "right": np.minimum(2 * own + 2, 40)}
    trees |= {"feature": 0 * own, "threshold": own * 0.0, "value": own * 0.0}
    with pytest.raises(ValueError, match="leaves"):
        check_trees(trees | {"start": np.zeros(1)}, 3)


def test_a_circle_ends(problem) -> None:
    features, label = problem
    trees = fit_trees(features, label, np.ones(len(label)), [0, 0, 0], seed=0)
    trees["left"][:], trees["right"][:] = 0, 0
    trees["left"][:, 0] = trees["right"][:, 0] = 1
    assert np.isfinite(score(trees, features)).all()
