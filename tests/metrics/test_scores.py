"""Scores at their limits and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecglib.labels import CLASSES
from ecglib.metrics.bootstrap import bootstrap_interval, interval_table
from ecglib.metrics.calibration import calibration_bins, calibration_errors, uncertain_beats
from ecglib.metrics.scores import class_metrics, confusion_matrix, overall_scores
from ecglib.metrics.tables import (
    class_table,
    confusion_table,
    curve_table,
    metrics_table,
    normal_vs_abnormal,
    summary,
)
from predictions import draw, one_hot

pytestmark = pytest.mark.usefixtures("no_warnings")  # undefined is NaN, no division by zero


def test_scores_equal_scikit_learn():
    y, p = draw()
    pred = p.argmax(1)
    ours = summary(y, p)
    theirs = {
        "accuracy": sk.accuracy_score(y, pred),
        "balanced_accuracy": sk.balanced_accuracy_score(y, pred),
        "macro_f1": sk.f1_score(y, pred, average="macro"),
        "weighted_f1": sk.f1_score(y, pred, average="weighted"),
        "mcc": sk.matthews_corrcoef(y, pred),
        "macro_auc": sk.roc_auc_score(y, p, multi_class="ovr", average="macro"),
        "macro_ap": sk.average_precision_score(one_hot(y), p, average="macro"),
        "log_loss": sk.log_loss(y, p),
    }
    assert {k: ours[k] for k in theirs} == pytest.approx(theirs)
    assert ours["beats"] == len(y) and ours["classes_present"] == "NSVFQ"
    precision, recall, f1, support = sk.precision_recall_fscore_support(y, pred)
    table = class_metrics(y, pred)
    assert list(table.index) == list(CLASSES)
    for name, values in zip(table, [recall, precision, f1, support], strict=True):
        np.testing.assert_allclose(table[name], values)
    np.testing.assert_array_equal(confusion_matrix(y, pred), sk.confusion_matrix(y, pred))


def test_perfect_predictions():
    y = np.repeat(np.arange(5), 4)
    scores = summary(y, one_hot(y))
    for name in "accuracy balanced_accuracy macro_f1 weighted_f1 mcc macro_auc macro_ap".split():
        assert scores[name] == 1.0, name
    assert scores["ece"] == 0.0 and scores["log_loss"] == 0.0
    assert (class_metrics(y, y)[["sensitivity", "precision", "f1"]] == 1).all(axis=None)


def test_wrong_everywhere():
    y = np.repeat(np.arange(5), 4)
    scores = summary(y, one_hot((y + 1) % 5))
    assert scores["accuracy"] == scores["macro_f1"] == 0.0
    assert scores["ece"] == 1.0 and np.isfinite(scores["log_loss"])


def test_absent_class_is_left_out_of_averages_and_says_so():
    y = np.array([0, 0, 0, 1, 1, 2])
    pred = np.array([0, 0, 4, 1, 1, 2])  # Q is predicted once but has no beats, F neither
    table = class_metrics(y, pred)
    assert np.isnan(table.loc[["F", "Q"], ["sensitivity", "f1"]]).all(axis=None)
    assert np.isnan(table.loc["F", "precision"]) and table.loc["Q", "precision"] == 0.0
    assert list(table["support"]) == [3, 2, 1, 0, 0]
    scores = summary(y, one_hot(pred))
    assert scores["classes_present"] == "NSV"
    assert scores["macro_f1"] == pytest.approx((0.8 + 1 + 1) / 3)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert scores["macro_auc"] == pytest.approx((5 / 6 + 1 + 1) / 3)


def test_class_never_predicted_has_f1_zero():
    table = class_metrics(np.array([0, 0, 3]), np.array([0, 0, 0]))
    assert table.loc["F", "f1"] == 0.0 and table.loc["F", "sensitivity"] == 0.0
    assert np.isnan(table.loc["F", "precision"])
    assert overall_scores(confusion_matrix(np.array([0, 3]), np.array([0, 0])))["mcc"] == 0.0


@pytest.mark.parametrize("n", [1, 7])
def test_single_class(n):
    y = np.full(n, 2)
    scores = summary(y, one_hot(y))
    assert scores["accuracy"] == scores["macro_f1"] == scores["macro_ap"] == 1.0
    assert np.isnan(scores["macro_auc"]) and np.isnan(scores["mcc"])
    quality = normal_vs_abnormal(y, one_hot(y))
    assert quality["tn"] == n and quality["specificity"] == 1.0 and np.isnan(quality["recall"])


def test_fewer_classes():
    y = np.array([0, 1, 2, 2])
    p = np.eye(3)[[0, 1, 2, 1]]
    assert summary(y, p, classes=("N", "S", "V"))["accuracy"] == 0.75
    assert list(class_metrics(y, y, classes=("N", "S", "V")).index) == ["N", "S", "V"]


@pytest.mark.parametrize(
    ("y_true", "proba", "message"),
    [
        ([0, 1], one_hot([0]), "one row a beat"),
        ([0, 5], one_hot([0, 1]), "from 0 to 4"),
        ([0, 1], 3 * one_hot([0, 1]), "sum to 1"),
        ([0, 1], np.full((2, 5), np.nan), "sum to 1"),
        ([], np.empty((0, 5)), "one row a beat"),
    ],
)
def test_input_that_does_not_fit_is_refused(y_true, proba, message):
    with pytest.raises(ValueError, match=message):
        summary(np.array(y_true), proba)


def test_normal_vs_abnormal_equals_scikit_learn():
    y, p = draw(skill=1.5)
    q = normal_vs_abnormal(y, p)
    truth, called = y == 0, p.argmax(1) == 0
    tn, fp, fn, tp = sk.confusion_matrix(truth, called).ravel()
    assert [q[k] for k in ("tn", "fp", "fn", "tp")] == [tn, fp, fn, tp]
    expected = {
        "precision": sk.precision_score(truth, called),
        "recall": sk.recall_score(truth, called),
        "specificity": tn / (tn + fp),
        "fpr": fp / (tn + fp),
        "fnr": fn / (tp + fn),
        "npv": tn / (tn + fn),
        "error_rate": 1 - sk.accuracy_score(truth, called),
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "mcc": sk.matthews_corrcoef(truth, called),
        "f1": sk.f1_score(truth, called),
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


def test_calibration_bins():
    y = np.array([0, 0, 0, 1])
    p = np.array([[0.9, 0.1, 0, 0, 0]] * 4)
    bins = calibration_bins(y, p, bins=10)
    assert bins["beats"].sum() == 4 and bins.loc[9, "beats"] == 4
    assert bins.loc[9, "accuracy"] == 0.75 and np.isnan(bins.loc[0, "accuracy"])
    assert calibration_errors(bins) == pytest.approx({"ece": 0.15, "mce": 0.15})
    event = calibration_bins(np.array([True, False]), np.array([1.0, 0.0]))
    assert event["beats"].iloc[[0, -1]].tolist() == [1, 1]  # 1.0 falls into the last bin
    assert calibration_errors(event)["mce"] == 0.0


def test_well_calibrated_probabilities_have_small_errors():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(5, 0.3), 20_000)
    y = (p.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    assert summary(y, p)["ece"] < 0.02


def test_tables_are_tidy():
    y, p = draw(400)
    predictions = {("KNN", "test"): (y, p), ("compact", "test"): (y, one_hot(y))}
    table = metrics_table(predictions)
    assert list(table.columns[:3]) == ["model", "set", "beats"] and len(table) == 2
    assert table.loc[1, "macro_f1"] == 1.0
    assert "g_mean" in metrics_table(predictions, normal_vs_abnormal)
    by_class = class_table(predictions, n=200)
    assert len(by_class) == 10 and list(by_class["class"][:5]) == list(CLASSES)
    knn = by_class[by_class["model"] == "KNN"]
    assert ((knn["f1_low"] <= knn["f1"]) & (knn["f1"] <= knn["f1_high"])).all()


def test_interval_table_over_beats_and_records():
    y, p = draw(2000)
    predictions = {("KNN", "train"): (y, p), ("KNN", "test"): (y, p)}
    table = interval_table(predictions, {"test": np.arange(2000) % 9}, n=100)
    assert list(table["set"]) == ["train", "test"]
    for metric in ("accuracy", "macro_f1"):
        over_beats = bootstrap_interval(y, p.argmax(1), metric, n=100)
        row = table.iloc[1]
        assert [row[metric], row[f"{metric}_low"], row[f"{metric}_high"]] == [
            over_beats[key] for key in ("value", "low", "high")
        ]
        assert row[f"{metric}_records_low"] < row[metric] < row[f"{metric}_records_high"]
        assert np.isnan(table.loc[0, f"{metric}_records_low"])


def test_confusion_table_is_tidy():
    y, p = draw(400)
    keep = y != 4
    table = confusion_table({("KNN", "test"): (y[keep], p[keep])})
    assert list(table.columns) == ["model", "set", "true", "predicted", "beats", "share"]
    cell = table[(table["true"] == "V") & (table["predicted"] == "N")].iloc[0]
    assert cell["beats"] == ((y == 2) & (p.argmax(1) == 0)).sum()
    assert cell["share"] == pytest.approx(cell["beats"] / (y == 2).sum())
    assert table.loc[table["true"] == "Q", "share"].isna().all()


def test_uncertain_beats():
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]])
    found = uncertain_beats(np.array([0, 1, 0, 1]), proba, 0.7)
    assert found == {
        "threshold": 0.7,
        "uncertain": 0.5,
        "accuracy": 0.75,
        "accuracy_certain": 1.0,
        "accuracy_uncertain": 0.5,
        "errors_caught": 1.0,
    }
    assert np.isnan(uncertain_beats(np.array([0]), proba[:1], 0.5)["accuracy_uncertain"])


def test_class_table_with_an_absent_class_and_records():
    y, p = draw(400)
    keep = y != 4
    record = np.arange(keep.sum()) % 7
    table = class_table({("KNN", "test"): (y[keep], p[keep])}, groups={"test": record}, n=50)
    assert np.isnan(table.iloc[4][["f1", "f1_low", "f1_high"]].astype(float)).all()
    assert table["f1_low"][:4].notna().all()


def test_areas_equal_scikit_learn_and_are_nan_without_beats():
    y, p = draw()
    y[y == 4] = 0
    table = curve_table({("KNN", "test"): (y, p)}).set_index("class")
    assert table.loc["S", "auc"] == pytest.approx(sk.roc_auc_score(y == 1, p[:, 1]))
    assert table.loc["S", "ap"] == pytest.approx(sk.average_precision_score(y == 1, p[:, 1]))
    assert table.loc["V", "share"] == pytest.approx(np.mean(y == 2))
    assert table.loc["Q", ["auc", "ap"]].isna().all()
