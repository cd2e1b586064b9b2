"""Training, validation and test beats by three protocols, and the leak between them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ecglib.beats.beats import BEAT_FS, Beats
from ecglib.datasets import published
from ecglib.labels import DS1, DS2, MITDB_RECORDS, SAME_PATIENT, patient_of

PROTOCOLS = ("kaggle", "patients", "random")
NEIGHBOURS = 4  # a row spans 1.56 s at most: at most so many further beats begin within it
VALIDATION_SHARE = 0.15  # of the beats that are not for test
TEST_SHARE = 0.2  # of the random protocol; the published split has the same share


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Positions of the beats of each set: ``train``, ``validation``, ``test`` (int64 arrays)."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    protocol: str

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(index):,} {name}" for name, index in self.sets().items())
        return f"Split('{self.protocol}': {counts} beats)"

    def sets(self) -> dict[str, np.ndarray]:
        """The three sets by name, in the order in which they are reported."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def for_refit(self) -> "Split":
        """The split with the validation beats among the training beats, for a last training."""
        train = np.concatenate([self.train, self.validation])
        return replace(self, train=train, validation=self.validation[:0])


def split_beats(
    beats: Beats, protocol: str = "kaggle", seed: int = 0, leave_out_202: bool = False
) -> Split:
    """Split beats into training, validation (15 % of training, stratified) and test.

    Parameters
    ----------
    beats : Beats
    protocol : {"kaggle", "patients", "random"}
        ``kaggle``: the published rows, the test beats in the order of ``mitbih_test.csv``. All
        sets have beats of the same patients. ``patients``: de Chazal's DS1 for training and
        validation, DS2 for test, without paced records; validation has patients of its own.
        ``random``: 20 % of the beats of every class for test. For records that are not MIT-BIH's,
        ``patients`` takes every second one for test. Synthetic beats have no published split;
        ``kaggle`` splits them like ``random``.
    seed : int
        Draws the validation beats and the ``random`` test beats. Under ``patients`` the validation
        patients are those with the most typical number and mix of beats, so that few seeds change
        them.
    leave_out_202 : bool
        Under ``patients``, leave record 202 out of the test beats: it is the same person as 201
        in DS1, the one exception of the published lists.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        The protocol is unknown or does not fit the beats.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"There is no protocol '{protocol}'. Choose from {', '.join(PROTOCOLS)}.")
    rng = np.random.default_rng(seed)
    if protocol == "patients":
        split = _by_patient(beats, seed, leave_out_202)
    else:
        if protocol == "kaggle" and not beats.synthetic:
            row = published.test_rows(beats.record, beats.sample)
            test = np.flatnonzero(row >= 0)
            test = test[np.argsort(row[test])]
            training = np.flatnonzero(row < 0)
        else:
            training, test = _stratified(np.arange(len(beats)), beats.label, TEST_SHARE, rng)
        train, validation = _stratified(training, beats.label, VALIDATION_SHARE, rng)
        split = Split(train, validation, test, protocol)
    _check(beats, split)
    return split


def _stratified(
    positions: np.ndarray, label: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a share of every class, also of a class of one beat, which scikit-learn refuses."""
    drawn = []
    for each in np.unique(label[positions]):
        members = rng.permutation(positions[label[positions] == each])
        drawn.append(members[: round(share * len(members))])
    drawn = np.sort(np.concatenate(drawn)) if drawn else positions[:0]
    return np.setdiff1d(positions, drawn), drawn


def _by_patient(beats: Beats, seed: int, leave_out_202: bool) -> Split:
    """Split by patients: DS1 and DS2, or every second record of another database."""
    names = np.unique(beats.record)
    if not set(names) <= set(MITDB_RECORDS):
        ds1, ds2 = names[::2], names[1::2]
    else:
        ds1, ds2 = DS1, [r for r in DS2 if not (leave_out_202 and r in SAME_PATIENT)]
    training = np.flatnonzero(np.isin(beats.record, ds1))
    test = np.flatnonzero(np.isin(beats.record, ds2))
    patients = np.array([patient_of(r) for r in beats.record[training]])
    n_patients = len(np.unique(patients))
    if n_patients < 2 or not len(test):
        raise ValueError(
            "protocol='patients' needs beats of at least two patients for training and one for the "
            f"test; these come from {len(names)} record(s). Use protocol='random'."
        )
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(
        min(round(1 / VALIDATION_SHARE), n_patients), shuffle=True, random_state=seed
    )
    label = beats.label[training]
    mix = np.bincount(label, minlength=5) / len(label)
    # Of the folds, the one nearest in size and class mix: with 22 patients they differ a lot.
    train, validation = min(
        folds.split(training, label, patients),
        key=lambda fold: np.abs(
            np.bincount(label[fold[1]], minlength=5) / (VALIDATION_SHARE * len(label)) - mix
        ).sum(),
    )
    return Split(training[train], training[validation], test, "patients")


def _check(beats: Beats, split: Split) -> None:
    """No beat in two sets; under ``patients`` no patient either, with one exception."""
    sets = list(split.sets().values())
    together = np.concatenate(sets)
    assert len(np.unique(together)) == len(together), "a beat is in two sets of the split"
    if split.protocol != "patients":
        return
    # Records, not persons, are compared: the published lists separate 201 and 202 (SAME_PATIENT).
    train, validation, test = (set(beats.record[index]) for index in sets)
    shared = train & validation | train & test | validation & test
    assert not shared, f"patients in two sets of the split: {', '.join(sorted(shared))}"


def shares_samples(beats: Beats, split: Split) -> np.ndarray:
    """Test beats whose rows share samples of the recording with the row of a training beat.

    A row runs past the next R peak, so the rows of neighbouring beats overlap. Validation beats
    count as training beats here: the published training file holds both.

    Parameters
    ----------
    beats : Beats
        Of whole records, in the order of ``load_beats``.
    split : Split

    Returns
    -------
    ndarray of bool, shape (n_test,)
        In the order of ``split.test``.
    """
    filled = beats.signal != 0
    used = beats.signal.shape[1] - filled[:, ::-1].argmax(axis=1)  # samples before the padding
    end = beats.sample + used * (beats.fs / BEAT_FS)
    in_training = np.zeros(len(beats), dtype=bool)
    in_training[split.for_refit().train] = True
    shared = np.zeros(len(beats), dtype=bool)
    for step in range(1, NEIGHBOURS + 1):
        first, second = slice(None, -step), slice(step, None)
        overlap = beats.sample[second] < end[first]
        overlap &= beats.record[first] == beats.record[second]
        shared[first] |= overlap & in_training[second]
        shared[second] |= overlap & in_training[first]
    return shared[split.test]


def leak_table(beats: Beats, seed: int = 0) -> pd.DataFrame:
    """Shares of the test beats and patients that training has seen, for every protocol.

    Parameters
    ----------
    beats : Beats
    seed : int

    Returns
    -------
    DataFrame
        One row for each protocol that fits the beats; ``test beats that share samples with a
        training beat`` and ``test patients who are training patients``, both from 0 to 1. Record
        202 counts as patient 201.
    """
    rows = {}
    for protocol in PROTOCOLS:
        try:
            split = split_beats(beats, protocol, seed)
        except ValueError:  # records that are not MIT-BIH's, or too few of them
            continue
        shared = shares_samples(beats, split).mean()
        learnt, tested = (
            {patient_of(record) for record in np.unique(beats.record[index])}
            for index in (split.for_refit().train, split.test)
        )
        rows[protocol] = {
            "test beats that share samples with a training beat": shared,
            "test patients who are training patients": len(learnt & tested) / len(tested),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
