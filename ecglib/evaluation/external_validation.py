"""Other databases: any folder of annotated WFDB recordings, scored as the standard EC57 asks.

Twice: by the annotated beats, so that only the classification counts, and end to end, with beats
found by our own R-peak detection, which may miss some and invent others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.beats.beats import cut_rows
from ecglib.beats.rhythm import rhythm_between
from ecglib.labels import CLASSES, SYMBOL_TO_CLASS
from ecglib.metrics.ec57 import ec57_scores
from ecglib.models.classifier import Classifier
from ecglib.models.model_file import read_card
from ecglib.models.patientwise.classifier import KIND, PatientwiseClassifier
from ecglib.paths import MODELS
from ecglib.recordings.recording import (
    RECORDING_FS,
    Recording,
    likely_leads,
    to_recording_fs,
    without_gaps,
)
from ecglib.recordings.rpeaks import MATCH_S, find_r_peaks, match_peaks
from ecglib.recordings.wfdb import read_recording

SYMBOLS = SYMBOL_TO_CLASS
MISSED, NO_BEAT = "missed", "no beat"


@dataclass(frozen=True)
class Transfer:
    """What :func:`evaluate_recordings` found.

    Attributes
    ----------
    gross, per_record : DataFrame
        One row for each ``way`` (``annotated``, ``end to end``), for each record in
        ``per_record``, and each class, with ``beats``, ``tp``, ``fn``, ``fp``, ``sensitivity``,
        ``precision`` (positive predictivity) and ``f1``. Class ``all`` has the macro F1 as ``f1``,
        and ``accuracy``, the share of the beats of these classes that is called right.
    confusion : DataFrame
        True class (and ``no beat``) on rows, for each way; called so in columns (and ``missed``).
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
    model: "Classifier | PatientwiseClassifier | str | Path",
    classes: str = "NSV",
    lead: int | str | tuple[int | str, ...] | None = None,
) -> Transfer:
    """Score a model on all annotated recordings of a folder.

    Annotations that are no beats (rhythm, noise, signal quality) are passed over. Paced beats are
    of class Q. End to end, what is found in stretches of ventricular flutter or fibrillation counts
    for nothing.

    Parameters
    ----------
    folder : str or Path
        Holds ``.hea``, ``.dat`` and ``.atr`` files at any sampling rate; or, if there are no
        ``.atr`` files in it, folders that do. A record there is named by its path in the folder.
    model : Classifier, PatientwiseClassifier, str or Path
        A model, its file, or the name of one in ``models/``.
    classes : str
        The classes to score. True beats of classes left out are no false V if they are F, no false
        anything if they are Q; otherwise they count where they are called one of ``classes``.
    lead : int, str or tuple, optional
        Lead by number from 0 or by name; several for the patient-wise model. By default MLII or II
        where there is one, otherwise the first; for the patient-wise model a second one, too.

    Returns
    -------
    Transfer

    Raises
    ------
    ValueError
        There are no annotated recordings, or one can't be read or has no such lead; a class is
        unknown.
    """
    if not classes or not set(classes) <= set(CLASSES):
        raise ValueError(f"There are no classes '{classes}'. Choose from {''.join(CLASSES)}.")
    model = load_any(model)
    most = 2 if isinstance(model, PatientwiseClassifier) else 1
    beats, leads, left_out = [], {}, {}
    for name, path in find_recordings(folder).items():
        if not path.with_name(f"{path.name}.atr").is_file():
            left_out[name] = "no .atr file"
            continue
        recording = read_recording(path)
        if not any(symbol in SYMBOLS for symbol in recording.mark_symbol):
            left_out[name] = "no annotated beats"
            continue
        own = pick_leads(recording, lead, most)
        leads[name] = tuple(recording.leads[k] for k in own)
        beats.append(judge_recording(model, recording, own).assign(record=name))
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
    return Transfer(
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


def load_any(model: "Classifier | PatientwiseClassifier | str | Path"):
    """A model, from its file or its name where it is not one already."""
    if not isinstance(model, (str, Path)):
        return model
    path = Path(model)
    path = path if path.suffix else MODELS / f"{model}.safetensors"
    kind = PatientwiseClassifier if read_card(path).get("architecture") == KIND else Classifier
    return kind.load(path)


def pick_leads(recording: Recording, asked, most: int) -> list[int]:
    """Numbers of the leads that are asked for, or of those most like the training's."""
    if asked is None:
        return likely_leads(recording.leads, most)
    asked = asked if isinstance(asked, (tuple, list)) else (asked,)
    if not 0 < len(asked) <= most:
        several = "1 lead" if most == 1 else f"1 to {most} leads"
        raise ValueError(f"This model judges by {several}, not by {len(asked)}.")
    return [recording.lead_number(lead) for lead in asked]


def judge_recording(model, recording: Recording, leads: list[int]) -> pd.DataFrame:
    """True and predicted class of a recording's beats, by annotated and by detected beats."""
    is_beat = np.array([s in SYMBOLS for s in recording.mark_symbol], dtype=bool)
    marks = recording.mark_sample[is_beat]
    true = np.array([SYMBOLS[s] for s in recording.mark_symbol[is_beat]], dtype=object)
    signal = np.stack([without_gaps(lead) for lead in recording.signal[:, leads].T], axis=1)
    inside = (marks >= 0) & (marks < len(signal))
    marks, true = marks[inside], true[inside]
    given = pd.DataFrame({"sample": marks, "true": true})
    given["predicted"] = call(model, signal, recording.fs, marks)

    found = detect(signal[:, 0], recording.fs)
    called = call(model, signal, recording.fs, found)
    flutter = in_flutter(recording)
    marks, true = marks[~flutter[marks]], true[~flutter[marks]]
    found, called = found[~flutter[found]], called[~flutter[found]]
    hit, own = match_peaks(marks, found, MATCH_S * recording.fs)
    ours = pd.DataFrame({"sample": marks, "true": true, "predicted": MISSED})
    ours.loc[hit, "predicted"] = called[own]
    extra = np.setdiff1d(np.arange(len(found)), own)
    more = {"sample": found[extra], "true": NO_BEAT, "predicted": called[extra]}
    ours = pd.concat([ours, pd.DataFrame(more)], ignore_index=True)
    both = pd.concat({"annotated": given, "end to end": ours}, names=["way"]).reset_index(level=0)
    return both


def in_flutter(recording: Recording) -> np.ndarray:
    """Which samples, shape (n_samples,), are in ventricular flutter or fibrillation.

    From a mark ``[`` to the next ``]``, or to the end. There are no beats to find or to miss, so
    the standard leaves these stretches out.
    """
    inside = np.zeros(len(recording.signal), dtype=bool)
    begins, ends = (recording.mark_sample[recording.mark_symbol == s] for s in "[]")
    for begin in begins:
        end = ends[ends > begin]
        inside[max(begin, 0) : end[0] if len(end) else None] = True
    return inside


def detect(signal: np.ndarray, fs: float) -> np.ndarray:
    """R peaks of one lead, shape (n,), as samples at its own rate."""
    peaks = find_r_peaks(to_recording_fs(signal, fs))
    return np.unique(np.minimum(np.rint(peaks * (fs / RECORDING_FS)), len(signal) - 1)).astype(int)


def call(model, signal: np.ndarray, fs: float, peaks: np.ndarray) -> np.ndarray:
    """Class letters of all beats, shape (n,); an ordinary network calls the last one N.

    It needs the RR interval after a beat, and the last one has none.
    """
    letters = np.array(CLASSES, dtype=object)
    if isinstance(model, PatientwiseClassifier):
        return letters[model.predict_beats(signal, fs, peaks).argmax(axis=1)]
    called = np.full(len(peaks), "N", dtype=object)
    if len(peaks) > 1:
        grid = np.rint(peaks * (RECORDING_FS / fs)).astype(np.int64)
        rows = cut_rows(to_recording_fs(signal[:, 0], fs), grid, np.arange(len(peaks) - 1))
        rr = np.diff(peaks) / fs
        called[:-1] = letters[model.predict_proba(rows, rhythm_between(rr)).argmax(axis=1)]
    return called


def confusion(beats: pd.DataFrame) -> pd.DataFrame:
    """Counts of true classes (rows) against predicted ones (columns)."""
    rows, columns = [*CLASSES, NO_BEAT], [*CLASSES, MISSED]
    table = pd.crosstab(beats.true, beats.predicted)
    return table.reindex(index=rows, columns=columns, fill_value=0).rename_axis(None, axis=1)


def scores(beats: pd.DataFrame, classes: str) -> pd.DataFrame:
    """Scores of each class and of all of them, as in :class:`Transfer`.

    ``beats`` are beats with ``true`` and ``predicted``, or what :func:`confusion` makes of them.
    """
    table = confusion(beats) if "predicted" in beats else beats
    found = ec57_scores(table.to_numpy(), classes)
    columns = ("beats", "tp", "fn", "fp", "sensitivity", "precision", "f1")
    rows = pd.DataFrame({"class": list(classes)} | {name: found[name] for name in columns})
    together = {"class": "all", "beats": found["beats"].sum(), "tp": found["tp"].sum()}
    together |= {"f1": float(found["macro_f1"]), "accuracy": float(found["accuracy"])}
    return pd.concat([rows, pd.DataFrame([together])], ignore_index=True)
