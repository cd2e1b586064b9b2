"""The worst beats and the doubtful labels."""

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats
from ecglib.evaluation import errors


def beats(label, record, rr_before):
    n = len(label)
    return Beats(
        signal=np.zeros((n, 187), np.float32),
        label=np.array(label),
        record=np.array(record),
        sample=np.arange(n) * 360,
        rr_before=np.array(rr_before, np.float32),
        rr_after=np.ones(n, np.float32),
    )


def sure_of(called, p=0.97):
    proba = np.full((len(called), 5), (1 - p) / 4)
    proba[np.arange(len(called)), called] = p
    return proba


def test_worst_first_and_few_of_each_record():
    some = beats([0, 0, 0, 1, 0], ["a", "a", "a", "b", "b"], np.ones(5))
    proba = sure_of([1, 1, 1, 0, 0])
    proba[2] = [0.02, 0.98, 0, 0, 0]
    table = errors.worst_beats(some, proba, each_record=2)
    assert table["position"].tolist() == [0, 1, 3]  # 2 would be the third of its record
    assert 4 not in table["position"].tolist()  # right
    assert table.groupby("record").size().max() <= 2
    assert table["p_label"].is_monotonic_increasing
    assert table.loc[0, ["label", "called"]].tolist() == ["N", "S"]
    assert len(errors.worst_beats(some, sure_of([0, 0, 0, 1, 0]))) == 0


def test_doubt_needs_two_sure_models_that_agree():
    some = beats([1, 1, 1, 0, 0], ["a"] * 5, [0.5, 1.0, 1.0, 1.0, 0.5])
    first, second = sure_of([0, 0, 0, 2, 2]), sure_of([0, 0, 2, 2, 2])
    first[1] = [0.6, 0.4, 0, 0, 0]  # not sure
    table = errors.doubtful_labels(some, first, second, pd.Series({"a": 1.0}))
    assert sorted(table["position"]) == [0, 3, 4]
    by_rhythm = table.set_index("position")["rhythm_speaks_for_label"]
    assert by_rhythm[0]  # S, and it came early
    assert by_rhythm[3] and not by_rhythm[4]  # N called V: on time, and early
    assert table.set_index("position")["rr_ratio"][0] == 0.5


def test_unknown_rhythm_speaks_for_nothing_early():
    some = beats([1], ["a"], [np.nan])
    table = errors.doubtful_labels(some, sure_of([0]), sure_of([0]), pd.Series({"a": 1.0}))
    assert table["rhythm_speaks_for_label"].tolist() == [False]
