"""The worst predictions and the doubtful labels."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats, cut_beats, join
from ecglib.datasets.synthetic import write_recordings
from ecglib.evaluation import errors
from ecglib.recordings.wfdb import read_recording


def beats(label, record, rr_before):
    rows, rr = np.zeros((len(label), 187), np.float32), np.array(rr_before, np.float32)
    sample = np.arange(len(label)) * 360
    return Beats(rows, np.array(label), np.array(record), sample, rr, np.ones_like(rr))


def confident(predicted, p=0.97):
    proba = np.full((len(predicted), 5), (1 - p) / 4)
    proba[np.arange(len(predicted)), predicted] = p
    return proba


def test_worst_first_and_few_of_each_record():
    some = beats([0, 0, 0, 1, 0], ["a", "a", "a", "b", "b"], np.ones(5))
    proba = confident([1, 1, 1, 0, 0])
    proba[2] = [0.02, 0.98, 0, 0, 0]
    table = errors.worst_beats(some, proba)
    assert table["position"].tolist() == [0, 1, 3]  # 2 would be the third of its record, 4 is right
    assert table["p_label"].is_monotonic_increasing
    assert table.loc[0, ["label", "predicted"]].tolist() == ["N", "S"]
    assert len(errors.worst_beats(some, confident([0, 0, 0, 1, 0]))) == 0


def test_times_lie_in_the_recording_for_any_subset_in_any_order(tmp_path):
    folder = write_recordings(tmp_path / "r", n_records=3, minutes=1)
    rates = {"s01": 250.0, "s02": 360.0, "s03": 1000.0}
    recordings = [replace(read_recording(folder / name), fs=fs) for name, fs in rates.items()]
    every = join([cut_beats(recording) for recording in recordings], "folder", folder)
    duration = {each.name: len(each.signal) / each.fs for each in recordings}
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, len(every)):
        some = every[rng.permutation(len(every))[:size]]
        wrong = confident((some.label + 1) % 5)
        for table in (
            errors.worst_beats(some, wrong),
            errors.doubtful_labels(some, wrong, wrong, pd.Series(1.0, index=list(rates))),
        ):
            assert len(table)
            assert (table["time_s"] >= 0).all()
            assert (table["time_s"] <= table["record"].map(duration)).all()
            assert np.allclose(table["time_s"], table["sample"] / table["record"].map(rates))


def test_doubt_needs_two_confident_models_that_agree():
    some = beats([1, 1, 1, 0, 0], ["a"] * 5, [0.5, 1.0, 1.0, 1.0, 0.5])
    first, second = confident([0, 0, 0, 2, 2]), confident([0, 0, 2, 2, 2])
    first[1] = [0.6, 0.4, 0, 0, 0]  # not confident
    table = errors.doubtful_labels(some, first, second, pd.Series({"a": 1.0}))
    table = table.set_index("position")
    assert sorted(table.index) == [0, 3, 4]
    assert table["rr_ratio"][0] == 0.5
    by_rhythm = table["rhythm_speaks_for_label"]
    assert by_rhythm[0]  # S, and early
    assert by_rhythm[3] and not by_rhythm[4]  # N predicted as V: on time, and early


def test_an_unknown_rr_interval_supports_no_label():
    table = errors.doubtful_labels(
        beats([1], ["a"], [np.nan]), confident([0]), confident([0]), pd.Series({"a": 1.0})
    )
    assert table["rhythm_speaks_for_label"].tolist() == [False]
