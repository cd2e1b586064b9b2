"""Splits: the published one to the row, patients kept apart, rare classes, and the leak."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib.beats.beats import Beats
from ecglib.datasets.load import load_beats
from ecglib.datasets.splits import Split, leak_table, shares_samples, split_beats
from ecglib.labels import DS1, DS2, MITDB_RECORDS, PACED, patient_of


def made_up(n=2000, records=("s01", "s02", "s03", "s04"), source="synthetic"):
    rng = np.random.default_rng(0)
    rr = np.ones(n, np.float32)
    signal = rng.random((n, 187), np.float32)
    label = rng.choice(5, n, p=[0.7, 0.1, 0.1, 0.05, 0.05])
    return Beats(signal, label, rng.choice(records, n), np.arange(n), rr, rr, source)


def test_lists_of_the_patient_protocol():
    assert len(MITDB_RECORDS) == len(set(MITDB_RECORDS)) == 48
    assert not set(DS1) & set(DS2) and not set(PACED) & {*DS1, *DS2}
    assert patient_of("202") == patient_of("201") == "201"


@pytest.mark.data
def test_published_split_is_the_kaggle_one(mitdb_beats, kaggle_rows):
    split = split_beats(mitdb_beats, "kaggle")
    assert len(split.train) + len(split.validation) == 87_554
    published = np.load(kaggle_rows.parent / "test_beats.npz")
    assert (mitdb_beats.record[split.test].astype(int) == published["record"]).all()
    assert (mitdb_beats.sample[split.test] == published["sample"]).all()


@pytest.mark.data
def test_patients_stay_apart(mitdb_beats):
    split = split_beats(mitdb_beats, "patients")
    train, validation, test = (set(mitdb_beats.record[i]) for i in split.sets().values())
    assert train | validation == set(DS1) and not train & validation and test == set(DS2)
    without = split_beats(mitdb_beats, "patients", leave_out_202=True)
    assert set(mitdb_beats.record[without.test]) == set(DS2) - {"202"}
    assert 0.05 < len(split.validation) / (len(split.train) + len(split.validation)) < 0.3


@pytest.mark.parametrize("protocol", ["kaggle", "random", "patients"])
def test_synthetic_beats_can_be_split_every_way(protocol):
    beats = made_up()
    split = split_beats(beats, protocol)
    sets = [set(index) for index in split.sets().values()]
    assert sum(map(len, sets)) == len(set.union(*sets)) == len(beats)
    if protocol == "random":
        assert repr(split) == "Split('random': 1,360 train, 240 validation, 400 test beats)"


def test_shares_and_strata():
    beats = made_up(20_000)
    split = split_beats(beats, "random", seed=3)
    assert len(split.test) == pytest.approx(4000, abs=5)
    assert len(split.validation) == pytest.approx(0.15 * 16_000, abs=5)
    mixes = [np.bincount(beats.label[i]) / len(i) for i in split.sets().values()]
    assert np.ptp(mixes, axis=0).max() < 2e-3


def test_the_seed_decides():
    one, same, other = (split_beats(made_up(), "random", seed).test for seed in (1, 1, 2))
    assert (one == same).all() and set(one) != set(other)


def test_class_of_one_beat_does_not_stop_the_split():
    beats = made_up()
    beats.label[:] = np.where(np.arange(len(beats)) == 7, 3, 0)
    assert 7 in split_beats(beats, "random").train


def test_foreign_beats_are_refused_by_the_published_split():
    with pytest.raises(ValueError, match="not in the published split"):
        split_beats(made_up(source="folder"), "kaggle")
    assert len(split_beats(made_up(source="folder"), "patients").test)
    with pytest.raises(ValueError, match="no protocol"):
        split_beats(made_up(), "inter-patient")
    with pytest.raises(ValueError, match="at least two patients"):
        split_beats(made_up(records=("s01",)), "patients")


def test_only_neighbours_in_the_same_record_share_samples():
    signal = np.zeros((6, 187), np.float32)
    signal[:, :120] = 0.5  # a row spans 360 samples of the recording
    record = np.array(["a", "a", "a", "a", "b", "b"])
    rr = np.ones(6, np.float32)
    beats = Beats(signal, np.zeros(6, int), record, np.r_[0, 300, 600, 1000, 1100, 1400], rr, rr)
    split = Split(np.array([0, 3]), np.array([5]), np.array([1, 2, 4]), "random")
    # 1 overlaps 0; 2 ends before 3 starts; 4 overlaps 5 (validation), 3 is another record.
    assert shares_samples(beats, split).tolist() == [True, False, True]


@pytest.mark.parametrize("fs", [100, 250, 1000])
def test_the_sampling_rate_of_the_recordings_does_not_matter(fs):
    beats = load_beats("synthetic")
    split = split_beats(beats, "random")
    other = replace(beats, sample=np.rint(beats.sample * fs / 360).astype(int), fs=fs)
    shared = shares_samples(other, split).mean()
    assert shared == pytest.approx(shares_samples(beats, split).mean(), abs=0.01)


@pytest.mark.data
def test_most_published_test_beats_share_samples_with_training(mitdb_beats):
    table = leak_table(mitdb_beats)
    shared, patients = table.loc["kaggle"]
    assert 0.9 < shared < 1 and patients == 1
    shared, patients = table.loc["patients"]
    assert shared == 0 and patients == pytest.approx(1 / 22)  # 202 is the person of 201
