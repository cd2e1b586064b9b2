"""Intervals, paired tests, and risk against coverage."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecglib.metrics.bootstrap import bootstrap_interval, paired_test, resampled_matrices
from ecglib.metrics.calibration import risk_coverage
from ecglib.metrics.scores import class_metrics, overall_scores
from predictions import draw, one_hot

pytestmark = pytest.mark.usefixtures("no_warnings")  # undefined is NaN, no division by zero


def test_bootstrap_interval_covers_the_true_score():
    """Of 200 samples from a known confusion matrix, about 95 % of the intervals hold its score."""
    rng = np.random.default_rng(1)
    cells = np.diag([0.55, 0.1, 0.15, 0.05, 0.05]) + 0.1 / 25
    truth = {k: overall_scores(cells)[k] for k in ("accuracy", "macro_f1")}
    covered = dict.fromkeys(truth, 0)
    for seed in range(200):
        cell = rng.choice(25, 1500, p=cells.ravel())
        for name in truth:
            found = bootstrap_interval(cell // 5, cell % 5, name, n=200, seed=seed)
            covered[name] += found["low"] <= truth[name] <= found["high"]
    assert all(175 <= c <= 200 for c in covered.values()), covered


def test_bootstrap_resamples_are_what_drawing_beats_gives():
    y, p = draw(500, skill=1.0)
    pred = p.argmax(1)
    rng = np.random.default_rng(0)
    picks = rng.integers(0, 500, (2000, 500))
    slow = np.array(
        [sk.f1_score(y[i], pred[i], average="macro", labels=range(5)) for i in picks[:300]]
    )
    fast = overall_scores(resampled_matrices(y, pred, n=2000))["macro_f1"]
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.01)
    assert fast.std() == pytest.approx(slow.std(), rel=0.15)


def test_bootstrap_over_records():
    y, p = draw(2000, skill=1.5)
    pred = p.argmax(1)
    record = np.repeat(np.arange(20).astype(str), 100)
    pred[record == "3"] = (y[record == "3"] + 1) % 5  # one patient on whom the model fails
    beats = bootstrap_interval(y, pred, "accuracy")
    records = bootstrap_interval(y, pred, "accuracy", groups=record)
    assert beats["value"] == records["value"] == pytest.approx((y == pred).mean())
    assert records["high"] - records["low"] > 1.5 * (beats["high"] - beats["low"])
    assert records == bootstrap_interval(y, pred, "accuracy", groups=record, seed=0)
    assert records != bootstrap_interval(y, pred, "accuracy", groups=record, seed=1)
    # each matrix is a sum of whole records
    assert (resampled_matrices(y, pred, record, n=5).sum((1, 2)) == 2000).all()


def test_bootstrap_says_how_often_a_class_is_missing():
    y = np.r_[np.zeros(90, int), np.full(10, 3)]
    record = np.repeat(list("abcdefghij"), 10)  # all F beats in one record
    found = bootstrap_interval(y, y, "macro_f1", groups=record)
    assert 0.25 < found["share_missing_a_class"] < 0.45  # 0.9 ** 10 = 0.35
    assert found["low"] == found["high"] == 1.0
    assert np.isnan(bootstrap_interval(y, y, "f1_S")["low"])


def test_bootstrap_metrics():
    y, p = draw(500)
    pred = p.argmax(1)
    assert bootstrap_interval(y, pred, "sensitivity_V", n=50)["value"] == pytest.approx(
        class_metrics(y, pred).loc["V", "sensitivity"]
    )
    first = bootstrap_interval(y, pred, lambda m: m[:, 0, 0] / m.sum((1, 2)), n=50)
    assert first["value"] == pytest.approx(((y == 0) & (pred == 0)).mean())
    with pytest.raises(ValueError, match="no score 'f1'"):
        bootstrap_interval(y, pred, "f1")
    with pytest.raises(ValueError, match="at least two records"):
        bootstrap_interval(y, pred, groups=np.full(500, "100"))
    with pytest.raises(ValueError, match="same beats"):
        bootstrap_interval(y, pred[:-1])


def test_paired_test():
    y, p = draw(2000, skill=2.0)
    good, bad = p.argmax(1), draw(2000, seed=0, skill=1.0)[1].argmax(1)
    found = paired_test(y, good, bad)
    only_good, only_bad = ((good == y) & (bad != y)).sum(), ((good != y) & (bad == y)).sum()
    assert (found["only_a_right"], found["only_b_right"]) == (only_good, only_bad)
    assert found["mcnemar_p"] < 0.001 and found["bootstrap_p"] < 0.01
    assert found["low"] < found["difference"] < found["high"]
    assert found["difference"] == pytest.approx(
        sk.f1_score(y, good, average="macro") - sk.f1_score(y, bad, average="macro")
    )
    swapped = paired_test(y, bad, good)
    assert swapped["difference"] == -found["difference"]
    records = np.arange(2000) % 13
    assert paired_test(y, good, bad, groups=records, n=100)["difference"] == found["difference"]


def test_paired_test_of_equal_predictions():
    y, p = draw(300)
    found = paired_test(y, p.argmax(1), p.argmax(1))
    assert found["mcnemar_p"] == found["bootstrap_p"] == 1.0
    assert found["difference"] == found["low"] == found["high"] == 0.0


def test_exact_mcnemar():
    y = np.zeros(10, int)
    a, b = np.zeros(10, int), np.zeros(10, int)
    b[:5] = 1  # only a is right, five times: p = 2 / 2**5
    assert paired_test(y, a, b)["mcnemar_p"] == pytest.approx(2 / 2**5)


def test_risk_falls_with_coverage_to_that_of_the_surest():
    y, p = draw()
    curve = risk_coverage(y, p)
    wrong = p.argmax(1) != y
    assert curve["coverage"].iloc[-1] == 1
    assert curve["risk"].iloc[-1] == pytest.approx(wrong.mean())
    for row in curve.iloc[[20, 100]].itertuples():
        answered = p.max(1) >= row.threshold
        assert row.coverage == pytest.approx(answered.mean())
        assert row.risk == pytest.approx(wrong[answered].mean())
    assert curve["threshold"].is_monotonic_decreasing
    perfect = risk_coverage(y, one_hot(y))
    assert (perfect["risk"] == 0).all()
    assert len(risk_coverage(y[:3], p[:3])) == 3
