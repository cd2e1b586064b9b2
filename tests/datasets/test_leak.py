"""The leak between neighbouring beats, counted."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib.beats.beats import Beats
from ecglib.datasets.load import load_beats
from ecglib.datasets.splits import Split, leak_table, shares_samples, split_beats


def test_only_neighbours_in_the_same_record_share_samples():
    signal = np.zeros((6, 187), np.float32)
    signal[:, :120] = 0.5  # a row spans 360 samples of the recording
    beats = Beats(
        signal=signal,
        label=np.zeros(6, int),
        record=np.array(["a", "a", "a", "a", "b", "b"]),
        sample=np.array([0, 300, 600, 1000, 1100, 1400]),
        rr_before=np.array([np.nan, 300, 300, 400, np.nan, 300]) / 360,
        rr_after=np.array([300, 300, 400, 400, 300, 300]) / 360,
    )
    split = Split(np.array([0, 3]), np.array([5]), np.array([1, 2, 4]), "random")
    # 1 overlaps 0; 2 ends before 3 starts; 4 overlaps 5 (validation), 3 is another record.
    assert shares_samples(beats, split).tolist() == [True, False, True]


@pytest.mark.parametrize("fs", [100, 250, 1000])
def test_the_sampling_rate_of_the_recordings_does_not_matter(fs):
    beats = load_beats("synthetic")
    rows = round(1e6 * shares_samples(beats, split_beats(beats, "random")).mean())
    other = replace(beats, sample=np.rint(beats.sample * fs / 360).astype(int), fs=fs)
    shared = round(1e6 * shares_samples(other, split_beats(other, "random")).mean())
    assert shared == pytest.approx(rows, abs=10_000)


@pytest.mark.data
def test_most_published_test_beats_share_samples_with_training(mitdb_beats):
    table = leak_table(mitdb_beats)
    shared, patients = table.loc["kaggle"]
    assert 0.9 < shared < 1 and patients == 1
    shared, patients = table.loc["patients"]
    assert shared == 0 and patients == pytest.approx(1 / 22)  # 202 is the person of 201
