"""The beats that a model gets wrong: the worst of them, and those whose label may be at fault."""

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats
from ecglib.labels import CLASSES
from ecglib.metrics.scores import check_predictions

SURE = 0.95  # probability from which a call is a sure one
PREMATURE = 0.85  # of the usual RR interval: a beat that comes earlier is early by any measure


def worst_beats(beats: Beats, proba: np.ndarray, k: int = 9, each_record: int = 2) -> pd.DataFrame:
    """The wrong calls that give the true class the least probability.

    Parameters
    ----------
    beats : Beats
        The predicted ones.
    proba : ndarray, shape (n, 5)
    k : int
        How many.
    each_record : int
        At most so many of one record, or few patients would fill the list.

    Returns
    -------
    DataFrame
        The worst first: ``position`` in `beats`, ``record``, ``sample``, ``time_s``, ``label``,
        ``called`` (class letters), ``confidence`` in the call and ``p_label``, the probability of
        the true class.
    """
    label, proba = check_predictions(beats.label, proba)
    table = _calls(beats, proba).assign(p_label=proba[np.arange(len(label)), label])
    wrong = table[table["called"] != table["label"]].sort_values("p_label", kind="stable")
    return wrong[wrong.groupby("record").cumcount() < each_record].head(k).reset_index(drop=True)


def doubtful_labels(
    beats: Beats, proba: np.ndarray, second: np.ndarray, usual_rr: pd.Series, sure: float = SURE
) -> pd.DataFrame:
    """Beats for which two models of different kind are sure of one and the same other class.

    This is a list for a cardiologist to look at, not one of errors: models that see the same row
    share its blind spots. The row lacks the RR interval before the beat, for one, so
    ``rr_ratio`` tells whether the beat came early: an S that did has its label for a reason that
    neither model can see.

    Parameters
    ----------
    beats : Beats
        Beats that neither model has learnt from.
    proba, second : ndarray, shape (n, 5)
        Of the two models.
    usual_rr : Series
        Usual RR interval in seconds by record.
    sure : float
        Probability that both must give to that class.

    Returns
    -------
    DataFrame
        As `worst_beats`, with ``confidence_of_second``, ``rr_ratio`` (RR interval before the beat
        to the record's usual one) and ``rhythm_speaks_for_label``: labelled S or V and early, or
        labelled N and
        called S or V and not early.
    """
    label, proba = check_predictions(beats.label, proba)
    second = check_predictions(beats.label, second)[1]
    called = proba.argmax(1)
    doubt = (called != label) & (called == second.argmax(1))
    doubt &= (proba.max(1) >= sure) & (second.max(1) >= sure)
    table = _calls(beats, proba)
    table["confidence_of_second"] = second.max(1)
    table["rr_ratio"] = beats.rr_before / usual_rr.reindex(beats.record).to_numpy()
    premature, later = table["rr_ratio"] < PREMATURE, table["rr_ratio"] >= PREMATURE
    ectopic = table["label"].isin(["S", "V"])
    table["rhythm_speaks_for_label"] = (ectopic & premature) | (
        (table["label"] == "N") & table["called"].isin(["S", "V"]) & later
    )
    doubtful = table[doubt].sort_values("confidence", ascending=False, kind="stable")
    return doubtful.reset_index(drop=True)


def _calls(beats: Beats, proba: np.ndarray) -> pd.DataFrame:
    """One row a beat: where it is, what it is, what it is called."""
    names = np.array(CLASSES)
    return pd.DataFrame(
        {
            "position": np.arange(len(beats)),
            "record": beats.record,
            "sample": beats.sample,
            "time_s": beats.sample / beats.fs,
            "label": names[beats.label],
            "called": names[proba.argmax(1)],
            "confidence": proba.max(1),
        }
    )
