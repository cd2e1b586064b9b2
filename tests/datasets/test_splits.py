"""Splits: the published one to the row, patients kept apart, shares and rare classes."""

import numpy as np
import pytest

from ecglib.beats.beats import Beats
from ecglib.datasets.splits import split_beats
from ecglib.labels import DS1, DS2, MITDB_RECORDS, PACED, patient_of


def made_up(n=2000, records=("s01", "s02", "s03", "s04"), source="synthetic", seed=0):
    rng = np.random.default_rng(seed)
    return Beats(
        signal=rng.random((n, 187), dtype=np.float32),
        label=rng.choice(5, n, p=[0.7, 0.1, 0.1, 0.05, 0.05]),
        record=rng.choice(records, n),
        sample=np.arange(n),
        rr_before=np.ones(n, np.float32),
        rr_after=np.ones(n, np.float32),
        source=source,
    )


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
    sides = {name: set(mitdb_beats.record[index]) for name, index in split.parts().items()}
    assert sides["train"] | sides["validation"] == set(DS1)
    assert not sides["train"] & sides["validation"]
    assert sides["test"] == set(DS2)
    without = split_beats(mitdb_beats, "patients", leave_out_202=True)
    assert set(mitdb_beats.record[without.test]) == set(DS2) - {"202"}
    assert 0.05 < len(split.validation) / (len(split.train) + len(split.validation)) < 0.3


@pytest.mark.parametrize("protocol", ["kaggle", "random", "patients"])
def test_synthetic_beats_can_be_split_every_way(protocol):
    beats = made_up()
    split = split_beats(beats, protocol)
    sides = [set(index) for index in split.parts().values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == len(beats)


def test_shares_and_strata():
    beats = made_up(20_000)
    split = split_beats(beats, "random", seed=3)
    assert len(split.test) == pytest.approx(4000, abs=5)
    assert len(split.validation) == pytest.approx(0.15 * 16_000, abs=5)
    mixes = [np.bincount(beats.label[i]) / len(i) for i in split.parts().values()]
    assert np.allclose(mixes[0], mixes[1], atol=2e-3) and np.allclose(mixes[0], mixes[2], atol=2e-3)


def test_seed_decides():
    beats = made_up()
    assert (split_beats(beats, "random", 1).test == split_beats(beats, "random", 1).test).all()
    assert set(split_beats(beats, "random", 1).test) != set(split_beats(beats, "random", 2).test)


def test_class_of_one_beat_does_not_stop_the_split():
    beats = made_up()
    beats.label[:] = 0
    beats.label[7] = 3
    split = split_beats(beats, "random")
    assert 7 in split.train


def test_foreign_beats_are_refused_by_the_published_split():
    with pytest.raises(ValueError, match="not in the published split"):
        split_beats(made_up(source="folder"), "kaggle")
    assert len(split_beats(made_up(source="folder"), "patients").test)
    with pytest.raises(ValueError, match="no protocol"):
        split_beats(made_up(), "inter-patient")
    with pytest.raises(ValueError, match="at least two patients"):
        split_beats(made_up(records=("s01",)), "patients")
