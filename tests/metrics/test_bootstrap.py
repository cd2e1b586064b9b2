"""Bootstrap intervals over beats and records, and paired tests."""

import numpy as np
import pytest
from sklearn import metrics as sk

from ecglib.metrics.bootstrap import interval, interval_table, paired_test, resampled_matrices
from ecglib.metrics.scores import overall_scores
from predictions import draw, one_hot

pytestmark = pytest.mark.usefixtures("no_warnings")


def row(y, pred, metric="macro_f1", record=None, **options):
    """The score of one model on one set, with its intervals."""
    groups = None if record is None else {"test": record}
    predictions = {("KNN", "test"): (y, one_hot(pred))}
    return interval_table(predictions, groups, (metric,), **options).iloc[0]


def test_intervals_cover_the_true_score():
    """Of 200 samples from a known confusion matrix, about 95 % of the intervals hold its score."""
    rng = np.random.default_rng(1)
    cells = np.diag([0.55, 0.1, 0.15, 0.05, 0.05]) + 0.1 / 25
    truth = {k: overall_scores(cells)[k] for k in ("accuracy", "macro_f1")}
    covered = dict.fromkeys(truth, 0)
    for seed in range(200):
        cell = rng.choice(25, 1500, p=cells.ravel())
        scores = overall_scores(resampled_matrices((cell // 5, cell % 5), None, 200, seed))
        for name in truth:
            low, high = interval(scores[name])
            covered[name] += low <= truth[name] <= high
    assert all(175 <= c <= 200 for c in covered.values()), covered


def test_resampled_matrices_are_like_drawn_beats():
    y, p = draw(500, skill=1.0)
    pred = p.argmax(1)
    picks = np.random.default_rng(0).integers(0, 500, (300, 500))
    slow = np.array([sk.f1_score(y[i], pred[i], average="macro", labels=range(5)) for i in picks])
    fast = overall_scores(resampled_matrices((y, pred), None, 2000, 0))["macro_f1"]
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.01)
    assert fast.std() == pytest.approx(slow.std(), rel=0.15)


def test_intervals_over_records():
    y, p = draw(2000, skill=1.5)
    pred = p.argmax(1)
    record = np.repeat(np.arange(20).astype(str), 100)
    pred[record == "3"] = (y[record == "3"] + 1) % 5  # one patient on whom the model fails
    found = row(y, pred, "accuracy", record)
    assert found["accuracy"] == pytest.approx((y == pred).mean())
    beats = found["accuracy_high"] - found["accuracy_low"]
    assert found["accuracy_records_high"] - found["accuracy_records_low"] > 1.5 * beats
    assert found.equals(row(y, pred, "accuracy", record, seed=0))
    assert not found.equals(row(y, pred, "accuracy", record, seed=1))
    # each matrix is a sum of whole records
    assert (resampled_matrices((y, pred), record, 5, 0).sum((1, 2)) == 2000).all()


def test_sets_without_records_have_no_intervals_over_records():
    y, p = draw(500)
    predictions = {("KNN", name): (y, p) for name in ("train", "test")}
    table = interval_table(predictions, {"test": np.arange(500) % 9}, n=50)
    assert list(table["set"]) == ["train", "test"]
    for metric in ("accuracy", "macro_f1"):
        assert table[f"{metric}_records_low"].isna().tolist() == [True, False]
        assert (table[f"{metric}_low"] < table[metric]).all()


def test_scores_of_one_class():
    y, p = draw(500)
    pred = p.argmax(1)
    assert row(y, pred, "sensitivity_V")["sensitivity_V"] == (pred[y == 2] == 2).mean()
    assert np.isnan(row(y[y != 1], pred[y != 1], "f1_S")["f1_S_low"])


def test_input_that_does_not_fit_is_refused():
    y, p = draw(500)
    pred = p.argmax(1)
    with pytest.raises(ValueError, match="no score 'f1'"):
        row(y, pred, "f1")
    with pytest.raises(ValueError, match="at least two records"):
        row(y, pred, record=np.full(500, "100"))
    for test in (row, lambda y, pred: paired_test(y, pred, pred)):
        with pytest.raises(ValueError, match="same beats"):
            test(y, pred[:-1])


def test_paired_test():
    y, p = draw(2000, skill=2.0)
    good, bad = p.argmax(1), draw(2000, seed=0, skill=1.0)[1].argmax(1)
    found = paired_test(y, good, bad)
    assert found["only_a_right"] == ((good == y) & (bad != y)).sum()
    assert found["only_b_right"] == ((good != y) & (bad == y)).sum()
    assert found["mcnemar_p"] < 0.001 and found["bootstrap_p"] < 0.01
    assert found["low"] < found["difference"] < found["high"]
    assert found["difference"] == pytest.approx(
        sk.f1_score(y, good, average="macro") - sk.f1_score(y, bad, average="macro")
    )
    assert paired_test(y, bad, good)["difference"] == -found["difference"]
    over_records = paired_test(y, good, bad, groups=np.arange(2000) % 13, n=100)
    assert over_records["difference"] == found["difference"] != over_records["low"] > 0


def test_paired_test_at_its_limits():
    y, p = draw(300)
    found = paired_test(y, p.argmax(1), p.argmax(1))
    assert found["mcnemar_p"] == found["bootstrap_p"] == 1.0
    assert found["difference"] == found["low"] == found["high"] == 0.0
    y = np.zeros(10, int)
    five_wrong = (np.arange(10) < 5).astype(int)  # only the other model is right: p = 2 / 2**5
    assert paired_test(y, y, five_wrong)["mcnemar_p"] == pytest.approx(2 / 2**5)
