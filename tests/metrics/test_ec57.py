"""Counts and scores by EC57, against its definitions."""

import numpy as np
import pytest

from ecglib.metrics import ec57
from ecglib.metrics.scores import confusion_matrix

N, S, V, F, Q = range(5)


def score(pairs):
    """Scores of (true, predicted) pairs."""
    label, predicted = np.array(pairs).T
    return ec57.ec57_scores(confusion_matrix(label, predicted))


def test_beats_that_the_standard_allows_are_not_false():
    """As WFDB's bxb: VFP = Nv + Sv and SFP = Ns + Vs + Fs, without Fv, Qv and Qs."""
    scores = score([(N, V), (S, V), (F, V), (Q, V), (V, V), (N, S), (V, S), (F, S), (Q, S), (S, S)])
    assert scores["fp"].tolist() == [0, 3, 2]  # N, S, V
    assert scores["tp"].tolist() == [0, 1, 1]
    assert scores["fn"].tolist() == [2, 1, 1]  # S as V and V as S are missed beats
    assert scores["precision"][1:] == pytest.approx([1 / 4, 1 / 3])
    assert scores["sensitivity"][1:] == pytest.approx([1 / 2, 1 / 2])
    assert scores["f1"][2] == pytest.approx(2 / (2 + 1 + 2))


def test_beats_predicted_as_f_or_q_are_missed():
    scores = score([(V, F), (V, Q), (S, F), (N, Q), (N, N)])
    assert scores["fn"].tolist() == [1, 1, 2]
    assert scores["accuracy"] == pytest.approx(1 / 5)


def test_macro_f1_is_that_of_classes_with_beats():
    assert score([(N, N), (V, V)])["macro_f1"] == 1
    assert np.isnan(score([(N, N), (V, V)])["f1"][1])
    assert score([(N, N), (V, V), (S, N)])["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)


def draw(records=("100", "200", "202", "232", "102"), n=400, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.choice(5, n, p=[0.7, 0.1, 0.12, 0.05, 0.03])
    predicted = np.where(rng.random(n) < 0.8, label, rng.choice(5, n))
    return label, predicted, rng.choice(np.array(records), n)


def test_paced_records_are_left_out():
    label, predicted, record = draw()
    keep = record != "102"
    whole = ec57.gross_table(label, predicted, record, n=20)
    assert whole.equals(ec57.gross_table(label[keep], predicted[keep], record[keep], n=20))
    assert "102" not in set(ec57.record_table(label, predicted, record)["record"])
    with pytest.raises(ValueError, match="paced"):
        ec57.gross_table(label[~keep], predicted[~keep], record[~keep])


def test_gross_is_the_sum_of_the_records():
    label, predicted, record = draw()
    gross = ec57.gross_table(label, predicted, record, n=50).set_index(["records", "class"])
    single = ec57.record_table(label, predicted, record)
    for c in ("S", "V"):
        of_class = single[single["class"] == c]
        for count in ("beats", "tp", "fn", "fp"):
            assert gross.loc[("all records", c), count] == of_class[count].sum()
        without = of_class[of_class["record"] != "232"]
        assert gross.loc[("without 232", c), "beats"] == without["beats"].sum()
        average = of_class.loc[of_class["beats"] > 0, "sensitivity"].mean()
        assert gross.loc[("all records", c), "average_sensitivity"] == pytest.approx(average)
        row = gross.loc[("all records", c)]
        assert row["f1_low"] <= row["f1"] <= row["f1_high"]
    assert set(gross.index.get_level_values(0)) == {"all records", "without 232", "without 202"}


def test_two_records_without_intervals():
    table = ec57.gross_table(*draw(records=("100", "200")), n=0)
    assert set(table["records"]) == {"all records"}
    assert "f1_low" not in table


def test_headline_agrees_with_the_tables():
    label, predicted, record = draw()
    row = ec57.headline(label, predicted, record, n=50)
    gross = ec57.gross_table(label, predicted, record, n=0).set_index(["records", "class"])
    assert row["macro_f1"] == gross.loc[("all records", "N, S, V"), "f1"]
    assert row["f1_V"] == gross.loc[("all records", "V"), "f1"]
    for unit in ("", "_records"):
        assert row[f"macro_f1{unit}_low"] < row["macro_f1"] < row[f"macro_f1{unit}_high"]
    one = ec57.headline(label, predicted, np.full(len(label), "100"), n=20)
    assert np.isnan(one["macro_f1_records_low"])


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="same beats"):
        ec57.record_table(np.zeros(3, int), np.zeros(3, int), np.array(["100"] * 2))
