"""How much of the test beats a model has already met while it was trained."""

import numpy as np
import pandas as pd

from ecglib.beats import BEAT_FS, Beats, sampling_rates
from ecglib.labels import patient_of
from ecglib.splits import PROTOCOLS, Split, split_beats

NEIGHBOURS = 4  # a row spans 1.56 s at most: no more beats than this begin within it


def shares_samples(beats: Beats, split: Split) -> np.ndarray:
    """Which test beats hold samples of the recording that a training beat holds, too.

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
    end = beats.sample + used * (sampling_rates(beats) / BEAT_FS)
    in_training = np.zeros(len(beats), dtype=bool)
    in_training[split.train] = in_training[split.validation] = True
    shared = np.zeros(len(beats), dtype=bool)
    for step in range(1, NEIGHBOURS + 1):
        first, second = slice(None, -step), slice(step, None)
        overlap = beats.sample[second] < end[first]
        overlap &= beats.record[first] == beats.record[second]
        shared[first] |= overlap & in_training[second]
        shared[second] |= overlap & in_training[first]
    return shared[split.test]


def leak_table(beats: Beats, seed: int = 0) -> pd.DataFrame:
    """Shares of the test side that training has met, for every protocol.

    Parameters
    ----------
    beats : Beats
    seed : int

    Returns
    -------
    DataFrame
        One row a protocol that fits the beats; ``test beats that share samples with a training
        beat`` and ``test patients who are training patients``, both from 0 to 1. Record 202
        counts as patient 201.
    """
    rows = {}
    for protocol in PROTOCOLS:
        try:
            split = split_beats(beats, protocol, seed)
        except ValueError:  # records that are not MIT-BIH's, or too few of them
            continue
        training = np.concatenate([split.train, split.validation])
        met = {patient_of(record) for record in np.unique(beats.record[training])}
        asked = {patient_of(record) for record in np.unique(beats.record[split.test])}
        rows[protocol] = {
            "test beats that share samples with a training beat": shares_samples(
                beats, split
            ).mean(),
            "test patients who are training patients": len(asked & met) / len(asked),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
