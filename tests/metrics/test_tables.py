"""The tables of all models and sets, against scikit-learn and at their limits."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecglib.labels import CLASSES
from ecglib.metrics.tables import (
    class_table,
    confusion_table,
    curve_table,
    metrics_table,
    normal_vs_abnormal,
    summary,
)
from predictions import draw, one_hot

pytestmark = pytest.mark.usefixtures("no_warnings")


def test_summary_equals_scikit_learn():
    y, p = draw()
    ours = summary(y, p)
    theirs = {
        "macro_f1": sk.f1_score(y, p.argmax(1), average="macro"),
        "macro_auc": sk.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "macro_ap": sk.average_precision_score(one_hot(y), p, average="macro"),
        "log_loss": sk.log_loss(y, p),
    }
    assert {k: ours[k] for k in theirs} == pytest.approx(theirs)
    assert ours["beats"] == len(y) and ours["classes_present"] == "NSVFQ"


def test_perfect_and_wrong_predictions():
    y = np.repeat(np.arange(5), 4)
    scores = summary(y, one_hot(y))
    for name in "accuracy balanced_accuracy macro_f1 weighted_f1 mcc macro_auc macro_ap".split():
        assert scores[name] == 1.0, name
    assert scores["ece"] == 0.0 and scores["log_loss"] == 0.0
    scores = summary(y, one_hot((y + 1) % 5))
    assert scores["accuracy"] == scores["macro_f1"] == 0.0
    assert scores["ece"] == 1.0 and np.isfinite(scores["log_loss"])


def test_absent_classes():
    scores = summary(np.array([0, 0, 0, 1, 1, 2]), one_hot([0, 0, 4, 1, 1, 2]))
    assert scores["classes_present"] == "NSV"
    assert scores["macro_auc"] == pytest.approx((5 / 6 + 1 + 1) / 3)
    y = np.full(7, 2)
    scores = summary(y, one_hot(y))
    assert scores["accuracy"] == scores["macro_f1"] == scores["macro_ap"] == 1.0
    assert np.isnan(scores["macro_auc"]) and np.isnan(scores["mcc"])
    quality = normal_vs_abnormal(y, one_hot(y))
    assert quality["tn"] == 7 and quality["specificity"] == 1.0 and np.isnan(quality["recall"])


@pytest.mark.parametrize(
    ("y_true", "proba", "message"),
    [
        ([0, 1], one_hot([0]), "one row for each beat"),
        ([0, 5], one_hot([0, 1]), "from 0 to 4"),
        ([0, 1], 3 * one_hot([0, 1]), "sum to 1"),
        ([0, 1], np.full((2, 5), np.nan), "sum to 1"),
        ([], np.empty((0, 5)), "one row for each beat"),
    ],
)
def test_input_that_does_not_fit_is_refused(y_true, proba, message):
    with pytest.raises(ValueError, match=message):
        summary(np.array(y_true), proba)


def test_normal_vs_abnormal_equals_scikit_learn():
    y, p = draw(skill=1.5)
    q = normal_vs_abnormal(y, p)
    truth, predicted = y == 0, p.argmax(1) == 0
    tn, fp, fn, tp = sk.confusion_matrix(truth, predicted).ravel()
    assert [q[k] for k in ("tn", "fp", "fn", "tp")] == [tn, fp, fn, tp]
    expected = {
        "precision": sk.precision_score(truth, predicted),
        "recall": sk.recall_score(truth, predicted),
        "specificity": tn / (tn + fp),
        "fpr": fp / (tn + fp),
        "fnr": fn / (tp + fn),
        "npv": tn / (tn + fn),
        "error_rate": 1 - sk.accuracy_score(truth, predicted),
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, predicted),
        "mcc": sk.matthews_corrcoef(truth, predicted),
        "f1": sk.f1_score(truth, predicted),
        "g_mean": np.sqrt(tp / (tp + fn) * tn / (tn + fp)),
        "auc_pr": sk.average_precision_score(truth, p[:, 0]),
        "auc_roc": sk.roc_auc_score(truth, p[:, 0]),
        "brier": sk.brier_score_loss(truth, p[:, 0]),
        "expected_cost": (fn + 5 * fp) / len(y),
    }
    assert {k: q[k] for k in expected} == pytest.approx(expected)
    assert set(q) == set(expected) | {"tp", "fp", "tn", "fn", "ece", "mce"}
    assert 0 <= q["ece"] <= q["mce"] <= 1
    free = normal_vs_abnormal(y, p, cost=((0, 0), (0, 0)))
    assert free["expected_cost"] == 0


def test_metrics_table_and_class_table():
    y, p = draw(400)
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, one_hot(y))}
    table = metrics_table(predictions)
    assert list(table.columns[:3]) == ["model", "set", "beats"] and len(table) == 2
    assert table.loc[1, "macro_f1"] == 1.0
    assert "g_mean" in metrics_table(predictions, normal_vs_abnormal)
    by_class = class_table(predictions, n=200)
    assert list(by_class["class"]) == [*CLASSES, *CLASSES]
    assert (by_class["f1_low"] <= by_class["f1"]).all()
    assert (by_class["f1"] <= by_class["f1_high"]).all()


def test_tables_of_an_absent_class():
    y, p = draw(400)
    predictions = {("KNN", "test"): (y[y != 4], p[y != 4])}
    by_class = class_table(predictions, {"test": np.arange((y != 4).sum()) % 7}, n=50)
    assert by_class["f1_low"].isna().tolist() == [False] * 4 + [True]
    table = confusion_table(predictions)
    assert list(table.columns) == ["model", "set", "true", "predicted", "beats", "share"]
    cell = table[(table["true"] == "V") & (table["predicted"] == "N")].iloc[0]
    assert cell["beats"] == ((y == 2) & (p.argmax(1) == 0)).sum()
    assert cell["share"] == pytest.approx(cell["beats"] / (y == 2).sum())
    assert table.loc[table["true"] == "Q", "share"].isna().all()


def test_areas_equal_scikit_learn_and_are_nan_without_beats():
    y, p = draw()
    y[y == 4] = 0
    table = curve_table({("KNN", "test"): (y, p)}).set_index("class")
    assert table.loc["S", "auc"] == pytest.approx(sk.roc_auc_score(y == 1, p[:, 1]))
    assert table.loc["S", "ap"] == pytest.approx(sk.average_precision_score(y == 1, p[:, 1]))
    assert table.loc["V", "share"] == pytest.approx(np.mean(y == 2))
    assert table.loc["Q", ["auc", "ap"]].isna().all()
