"""Error analysis: the worst predictions, and beats whose label may be wrong."""

import numpy as np
import pandas as pd

from ecglib.beats.beats import Beats
from ecglib.labels import CLASSES
from ecglib.metrics.scores import check_predictions

LISTED, PER_RECORD = 9, 2  # of the worst beats
CONFIDENT = 0.95  # lowest probability that both models must give to a class
PREMATURE = 0.85  # ratio to the usual RR interval below which a beat is clearly early


def worst_beats(beats: Beats, proba: np.ndarray) -> pd.DataFrame:
    """The `LISTED` wrong predictions with the lowest probability of the true class.

    At most `PER_RECORD` come from one record, so that few patients do not fill the list.

    Parameters
    ----------
    beats : Beats
        The predicted beats, in any order.
    proba : ndarray, shape (n, 5)

    Returns
    -------
    DataFrame
        The worst first: ``position`` in `beats`, ``record``, ``sample``, ``time_s``, ``label``,
        ``predicted`` (class letters), ``confidence`` and ``p_label``, the true class's probability.
    """
    label, proba = check_predictions(beats.label, proba)
    table = _predictions_table(beats, proba).assign(p_label=proba[np.arange(len(label)), label])
    wrong = table[table["predicted"] != table["label"]].sort_values("p_label", kind="stable")
    wrong = wrong[wrong.groupby("record").cumcount() < PER_RECORD]
    return wrong.head(LISTED).reset_index(drop=True)


def doubtful_labels(
    beats: Beats, proba: np.ndarray, second: np.ndarray, usual_rr: pd.Series
) -> pd.DataFrame:
    """Beats for which two different models confidently predict the same other class.

    A list for a cardiologist to check, not a list of errors: models that see the same row share
    its limits. For one, a row lacks the RR interval before the beat.

    Parameters
    ----------
    beats : Beats
        Beats that neither model was trained on.
    proba, second : ndarray, shape (n, 5)
        Probabilities by the two models.
    usual_rr : Series
        Usual RR interval in seconds by record.

    Returns
    -------
    DataFrame
        As `worst_beats`, with ``confidence_of_second``, ``rr_ratio`` (RR interval before the beat
        divided by the record's usual one) and ``rhythm_speaks_for_label``: labelled S or V and
        early, or labelled N, predicted S or V and not early.
    """
    label, proba = check_predictions(beats.label, proba)
    second = check_predictions(beats.label, second)[1]
    predicted = proba.argmax(1)
    doubt = (predicted != label) & (predicted == second.argmax(1))
    doubt &= (proba.max(1) >= CONFIDENT) & (second.max(1) >= CONFIDENT)
    table = _predictions_table(beats, proba)
    table["confidence_of_second"] = second.max(1)
    table["rr_ratio"] = beats.rr_before / usual_rr.reindex(beats.record).to_numpy()
    premature, on_time = table["rr_ratio"] < PREMATURE, table["rr_ratio"] >= PREMATURE
    ectopic = table["label"].isin(["S", "V"])
    table["rhythm_speaks_for_label"] = (ectopic & premature) | (
        (table["label"] == "N") & table["predicted"].isin(["S", "V"]) & on_time
    )
    doubtful = table[doubt].sort_values("confidence", ascending=False, kind="stable")
    return doubtful.reset_index(drop=True)


def _predictions_table(beats: Beats, proba: np.ndarray) -> pd.DataFrame:
    """One row per beat: position, time, true and predicted class, confidence."""
    names = np.array(CLASSES)
    return pd.DataFrame(
        {
            "position": np.arange(len(beats)),
            "record": beats.record,
            "sample": beats.sample,
            "time_s": beats.sample / beats.fs,
            "label": names[beats.label],
            "predicted": names[proba.argmax(1)],
            "confidence": proba.max(1),
        }
    )
