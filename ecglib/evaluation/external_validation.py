"""Other databases: any folder of annotated WFDB recordings, scored as the standard EC57 asks.

Twice: at the annotated beats, so that only the classification counts, and end to end, the very way
in which a person's recording is classified, which may miss beats and invent others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.beats.find import known_beats
from ecglib.labels import CLASSES, labels_of
from ecglib.metrics.ec57 import ec57_scores
from ecglib.models import load_model
from ecglib.models.recordings import Leads, RecordingClassifier, choose_leads
from ecglib.recordings.recording import Ecg
from ecglib.recordings.rpeaks import MATCH_S, match_peaks
from ecglib.recordings.wfdb import open_wfdb

MISSED, NO_BEAT = "missed", "no beat"


@dataclass(frozen=True)
class ExternalValidation:
    """Scores on a folder of recordings, from :func:`evaluate_recordings`.

    Attributes
    ----------
    gross, per_record : DataFrame
        One row for each ``way`` (``annotated``, ``end to end``), for each record in
        ``per_record``, and each class, with ``beats``, ``tp``, ``fn``, ``fp``, ``sensitivity``,
        ``precision`` (positive predictivity) and ``f1``. Class ``all`` has the macro F1 as ``f1``,
        and ``accuracy``, the share of the beats of these classes that is predicted correctly.
    confusion : DataFrame
        True classes (and ``no beat``) by predicted ones (and ``missed``), for each way.
    beats : DataFrame
        Every beat: ``way``, ``record``, ``sample`` (at the record's rate), ``true``, ``predicted``.
    leads : dict
        The leads that each record was judged by.
    left_out : dict
        Why a recording was not scored: it has no ``.atr`` file, or no beat is annotated in it.
    """

    gross: pd.DataFrame
    per_record: pd.DataFrame
    confusion: pd.DataFrame
    beats: pd.DataFrame
    leads: dict[str, tuple[str, ...]]
    left_out: dict[str, str]


def evaluate_recordings(
    folder: str | Path,
    model: RecordingClassifier | str | Path,
    classes: str = "NSV",
    lead: Leads = "auto",
) -> ExternalValidation:
    """Score a model on all annotated recordings of a folder.

    Annotations other than beats (rhythm, noise, signal quality) are ignored. Paced beats are of
    class Q. End to end, detections during ventricular flutter or fibrillation are not counted.

    Parameters
    ----------
    folder : str or Path
        Holds ``.hea``, ``.dat`` and ``.atr`` files at any sampling rate; or, if there are no
        ``.atr`` files in it, folders that do. A record there is named by its path in the folder.
    model : Classifier, PatientwiseClassifier, str or Path
        A model, its file, or the name of one in ``models/``.
    classes : str
        The classes to score. Of true beats of other classes, F are not counted as false V, Q are
        never counted as false; the rest count where they are predicted as one of ``classes``.
    lead : int, str or tuple
        As in :meth:`Classifier.classify_recording`. ``"auto"`` takes MLII or II where there is one,
        otherwise the first; for the patient-wise model also a second one.

    Returns
    -------
    ExternalValidation

    Raises
    ------
    ValueError
        There are no annotated recordings, or one can't be read or has no such lead; a class is
        unknown.
    """
    if not classes or not set(classes) <= set(CLASSES):
        raise ValueError(f"There are no classes '{classes}'. Choose from {''.join(CLASSES)}.")
    model = model if isinstance(model, RecordingClassifier) else load_model(model)
    beats, leads, left_out = [], {}, {}
    for name, path in find_recordings(folder).items():
        if not path.with_name(f"{path.name}.atr").is_file():
            left_out[name] = "no .atr file"
            continue
        ecg = open_wfdb(path, need_marks=True).in_millivolts()
        if not ecg.is_beat.any():
            left_out[name] = "no annotated beats"
            continue
        own = choose_leads(ecg, lead, model.most_leads)
        leads[name] = tuple(ecg.leads[k] for k in own)
        beats.append(score_recording(model, ecg, own).assign(record=name))
    if not beats:
        why = "".join(f" {name}: {reason}." for name, reason in list(left_out.items())[:5])
        raise ValueError(
            f"There are no annotated recordings in {folder}: each needs a .hea, a .dat and an .atr "
            f"file side by side, and annotated beats.{why}"
        )
    beats = pd.concat(beats, ignore_index=True)[["way", "record", "sample", "true", "predicted"]]
    ways = beats.groupby("way", sort=False)
    gross = [scores(part, classes).assign(way=way) for way, part in ways]
    per_record = [
        scores(part, classes).assign(way=way, record=record)
        for (way, record), part in beats.groupby(["way", "record"], sort=False)
    ]
    return ExternalValidation(
        pd.concat(gross, ignore_index=True),
        pd.concat(per_record, ignore_index=True),
        pd.concat({way: confusion(part) for way, part in ways}, names=["way"]),
        beats,
        leads,
        left_out,
    )


def find_recordings(folder: str | Path) -> dict[str, Path]:
    """All headers of a folder, or of the folders in it: the record's name, its path without suffix.

    Folders inside are looked into only where there are no annotations outside them: what databases
    add in folders of their own (mitdb's ``x_mitdb``) is no part of them.
    """
    folder = Path(folder)
    look = folder.glob if any(folder.glob("*.atr")) else folder.rglob
    paths = sorted(path.with_suffix("") for path in look("*.hea"))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def score_recording(model: RecordingClassifier, ecg: Ecg, leads: tuple[int, ...]) -> pd.DataFrame:
    """True and predicted class of a recording's beats, at annotated and at detected beats.

    A beat is missed if it is not found, if it is unreadable, or if it is the last one and the model
    needs the RR interval after it. An unreadable detection without a beat counts for nothing.
    """
    marks, symbols = ecg.beats()
    letters = np.array(CLASSES, dtype=object)
    true, predicted = letters[labels_of(symbols)], np.full(len(marks), MISSED, dtype=object)
    proba = model.predict_found(known_beats(ecg, leads, marks))
    predicted[: len(proba)] = letters[proba.argmax(axis=1)]
    given = pd.DataFrame({"sample": marks, "true": true, "predicted": predicted})

    table = model.classify_opened(ecg, leads).table
    found = table["sample"].to_numpy()
    predicted = np.where(table["label"] == "", MISSED, table["label"]).astype(object)
    flutter = in_flutter(ecg)
    marks, true = marks[~flutter[marks]], true[~flutter[marks]]
    found, predicted = found[~flutter[found]], predicted[~flutter[found]]
    hit, own = match_peaks(marks, found, MATCH_S * ecg.fs)
    ours = pd.DataFrame({"sample": marks, "true": true, "predicted": MISSED})
    ours.loc[hit, "predicted"] = predicted[own]
    extra = np.setdiff1d(np.flatnonzero(predicted != MISSED), own)
    more = {"sample": found[extra], "true": NO_BEAT, "predicted": predicted[extra]}
    ours = pd.concat([ours, pd.DataFrame(more)], ignore_index=True)
    return pd.concat({"annotated": given, "end to end": ours}, names=["way"]).reset_index(level=0)


def in_flutter(ecg: Ecg) -> np.ndarray:
    """Which samples, shape (n_samples,), are in ventricular flutter or fibrillation.

    From a mark ``[`` to the next ``]``, or to the end. There are no beats to find or to miss, so
    the standard leaves these stretches out.
    """
    inside = np.zeros(ecg.n_samples, dtype=bool)
    begins, ends = (ecg.mark_sample[ecg.mark_symbol == s] for s in "[]")
    for begin in begins:
        end = ends[ends > begin]
        inside[max(begin, 0) : end[0] if len(end) else None] = True
    return inside


def confusion(beats: pd.DataFrame) -> pd.DataFrame:
    """Counts of true classes (rows) against predicted ones (columns)."""
    rows, columns = [*CLASSES, NO_BEAT], [*CLASSES, MISSED]
    table = pd.crosstab(beats.true, beats.predicted)
    return table.reindex(index=rows, columns=columns, fill_value=0).rename_axis(None, axis=1)


def scores(beats: pd.DataFrame, classes: str) -> pd.DataFrame:
    """Scores of each class and of all of them, as in :class:`ExternalValidation`.

    ``beats`` are beats with ``true`` and ``predicted``, or what :func:`confusion` makes of them.
    """
    table = confusion(beats) if "predicted" in beats else beats
    found = ec57_scores(table.to_numpy(), classes)
    columns = ("beats", "tp", "fn", "fp", "sensitivity", "precision", "f1")
    rows = pd.DataFrame({"class": list(classes)} | {name: found[name] for name in columns})
    together = {"class": "all", "beats": found["beats"].sum(), "tp": found["tp"].sum()}
    together |= {"f1": float(found["macro_f1"]), "accuracy": float(found["accuracy"])}
    return pd.concat([rows, pd.DataFrame([together])], ignore_index=True)
