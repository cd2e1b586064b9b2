"""Scores of confusion matrices, against scikit-learn and at their limits."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecglib.metrics.scores import class_scores, confusion_matrix, overall_scores
from predictions import draw

pytestmark = pytest.mark.usefixtures("no_warnings")  # undefined is NaN, no division by zero


def test_scores_equal_scikit_learn():
    y, p = draw()
    pred = p.argmax(1)
    matrix = confusion_matrix(y, pred)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(y, pred))
    precision, recall, f1, support = sk.precision_recall_fscore_support(y, pred)
    expected = {"sensitivity": recall, "precision": precision, "f1": f1, "support": support}
    for name, values in class_scores(matrix).items():
        np.testing.assert_allclose(values, expected[name])
    overall = {
        "accuracy": sk.accuracy_score(y, pred),
        "balanced_accuracy": sk.balanced_accuracy_score(y, pred),
        "macro_f1": sk.f1_score(y, pred, average="macro"),
        "weighted_f1": sk.f1_score(y, pred, average="weighted"),
        "mcc": sk.matthews_corrcoef(y, pred),
    }
    assert overall_scores(matrix) == pytest.approx(overall)


def test_scores_of_many_matrices_at_once():
    matrices = np.random.default_rng(0).integers(0, 50, (7, 5, 5))
    for scores in (class_scores, overall_scores):
        for name, values in scores(matrices).items():
            np.testing.assert_allclose(values[3], scores(matrices[3])[name])


def test_absent_class_is_left_out_of_averages():
    """Q is predicted once but has no beats; F is neither predicted nor present."""
    matrix = confusion_matrix(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 4, 1, 1, 2]))
    scores = class_scores(matrix)
    for name in ("sensitivity", "f1"):
        assert np.isnan(scores[name]).tolist() == [False, False, False, True, True]
    assert np.isnan(scores["precision"][3]) and scores["precision"][4] == 0.0
    assert overall_scores(matrix)["macro_f1"] == pytest.approx((0.8 + 1 + 1) / 3)
    assert overall_scores(matrix)["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 1) / 3)


def test_class_never_predicted_has_f1_zero():
    matrix = confusion_matrix(np.array([0, 0, 3]), np.array([0, 0, 0]))
    scores = class_scores(matrix)
    assert scores["f1"][3] == scores["sensitivity"][3] == 0.0 and np.isnan(scores["precision"][3])
    assert overall_scores(matrix)["mcc"] == 0.0
    with pytest.raises(ValueError, match="same beats"):
        confusion_matrix(np.array([0, 0, 3]), np.array([0, 0]))
