"""The API's predictions, from data of a request to the answer.

Single beats are predicted in a thread. Files are predicted in other processes, so that neither a
Holter recording nor a file that takes all memory keeps the server from answering.
"""

import os
import re
import signal
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path

import numpy as np

from ecglib.apps.api import schemas
from ecglib.apps.api.schemas import Refused
from ecglib.beats.beats import BEAT_SAMPLES, Beats
from ecglib.beats.prepared import UNLABELLED, prepared_beats, to_beats
from ecglib.datasets.load import load_beats
from ecglib.datasets.physionet import cache_folder
from ecglib.datasets.sources import DataSourceError
from ecglib.datasets.splits import split_beats
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.models.classifier import Classifier
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.readers.unpacking import names_in
from ecglib.recordings.recording import EcgFileError, Rows

NAMES = [CLASS_NAMES[letter] for letter in CLASSES]
MAX_ROWS = 5_000  # beats in a file, about a second's work


# --- beats --------------------------------------------------------------------------------------


def predict_values(classifier: Classifier, values: list[float]) -> schemas.SignalPrediction:
    """One beat, given as numbers."""
    padding = BEAT_SAMPLES - len(values)
    beats = prepared_beats(np.array([[*values, *[0.0] * padding]]), "The beat")
    notes = [f"Padded with {padding} zeros to {BEAT_SAMPLES} values."] if padding else []
    return schemas.SignalPrediction(**predictions(classifier, beats)[0], notes=notes)


def predict_first(classifier: Classifier, content: bytes) -> schemas.FilePrediction:
    """The first beat of a file."""
    beats, notes = read_beats(content)
    if len(beats) > 1:
        notes.append(f"Only the first of {len(beats):,} beats; /batch-predict-csv classifies all.")
    fields = predictions(classifier, beats[0])[0]
    return schemas.FilePrediction(**fields, rows=len(beats), notes=notes)


def predict_samples(
    classifier: Classifier, test: Beats, query: schemas.SampleQuery
) -> list[schemas.TestSample]:
    """Test beats drawn at random without repetition, of one class or of all."""
    pool = np.arange(len(test))
    if query.letter is not None:
        pool = np.flatnonzero(test.label == CLASSES.index(query.letter))
    rng = np.random.default_rng(query.seed)
    index = rng.choice(pool, min(query.count, len(pool)), replace=False)
    beats = test[index]
    places = zip(predictions(classifier, beats), index, beats.record, beats.sample, strict=True)
    return [
        schemas.TestSample(**fields, index=i, record=record, sample=sample)
        for fields, i, record, sample in places
    ]


def predictions(classifier: Classifier, beats: Beats) -> list[dict]:
    """The fields of a `DrawnPrediction` for each beat; a smaller answer takes those that it has."""
    raw = beats.signal if beats.written is None else beats.written
    proba = classifier.predict_proba(beats.signal)
    found = []
    for p, label, values, scaled in zip(proba, beats.label, raw, beats.signal, strict=True):
        best = int(p.argmax())
        known = label != UNLABELLED
        found.append(dict(zip(NAMES, p.tolist(), strict=True)))
        found[-1] |= {
            "predicted_class": NAMES[best],
            "label": CLASSES[best],
            "confidence": float(p[best]),
            "is_uncertain": bool(p[best] < classifier.threshold),
            "threshold": classifier.threshold,
            "true_label": NAMES[label] if known else None,
            "true_label_id": int(label) if known else None,
            "is_correct": bool(best == label) if known else None,
            "signal_raw": np.trim_zeros(values, "b").tolist(),
            "signal_normalized": scaled.tolist(),
        }
    return found


def read_beats(content: bytes) -> tuple[Beats, list[str]]:
    """The beats of a text file, and the assumptions made."""
    try:
        rows = read_text(content, "The file")
        beats = to_beats([rows]) if isinstance(rows, Rows) else None
    except EcgFileError as error:
        raise Refused(422, without_input(error)) from None
    if beats is None:
        detail = f"The file holds a recording, not beats of {BEAT_SAMPLES} values each. Send it to "
        raise Refused(422, detail + "/recordings.")
    return beats, [f"{len(beats):,} beat{'s' * (len(beats) != 1)}.", *beats.assumed]


def without_input(error: Exception) -> str:
    """An error's sentences without their quotations, which may be of the input."""
    quoted = r"\s*(: )?(?<!\w)b?'.*'(?!\w)|\s*\(\w+(Error|Exception).*?\)"
    return re.sub(quoted, "", str(error), flags=re.DOTALL)


def load_test_beats() -> tuple[Beats, str]:
    """Test beats from recordings on this machine, or else synthetic ones, and their origin."""
    for root in (None, cache_folder()):
        with suppress(DataSourceError, ValueError):  # not here, or other recordings
            beats = load_beats("folder", root)
            test = beats[split_beats(beats, "kaggle").test]
            return test, "The published test split of the MIT-BIH Arrhythmia Database."
    beats = load_beats("synthetic")
    test = beats[split_beats(beats, "random").test]
    return test, "SYNTHETIC: generated, not recorded from people. No recordings were found."


# --- files, in other processes ------------------------------------------------------------------


def start_process(folder: Path, model: Path) -> None:
    """Load the model; end with the server, not at Ctrl-C; unpack files in the server's folder."""
    global _classifier
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tempfile.tempdir = str(folder)
    _classifier = Classifier.load(model)


def _end_with_parent() -> None:
    parent_process().join()  # it may have been killed
    os._exit(1)


def predict_all(content: bytes) -> bytes:
    """Every beat of a file: a `BatchPrediction` as JSON."""
    too_many = Refused(422, f"The file has too many lines. Send at most {MAX_ROWS:,} at a time.")
    if content.count(b"\n") > MAX_ROWS:  # before the numbers are read
        raise too_many
    beats, notes = read_beats(content)
    if len(beats) > MAX_ROWS:
        raise too_many
    fields = predictions(_classifier, beats)
    labelled = (beats.label != UNLABELLED).all()
    correct = sum(row["is_correct"] for row in fields) if labelled else None
    counts = Counter(row["predicted_class"] for row in fields)
    result = schemas.BatchPrediction(
        predictions=[schemas.RowPrediction(**row, row=n) for n, row in enumerate(fields, 1)],
        count=len(fields),
        counts={name: counts[name] for name in NAMES},
        accuracy=None if correct is None else correct / len(fields),
        correct=correct,
        notes=notes,
    )
    return result.model_dump_json().encode()


def classify_files(path: Path, fs: float | None, lead: int, table: bool, seconds: int) -> bytes:
    """The beats of a recording: a `RecordingResult` as JSON."""

    def stop(*_: object) -> None:
        raise Refused(422, f"The recording takes longer than {seconds} s. Send a part of it.")

    alarm = getattr(signal, "alarm", lambda _: None)  # only POSIX has it
    try:
        if (number := getattr(signal, "SIGALRM", None)) is not None:
            signal.signal(number, stop)
        alarm(seconds)
        recording = _classifier.classify_file(path, fs, lead)
    except ValueError as error:
        raise Refused(422, without_names(without_input(error), path)) from None
    finally:
        alarm(0)
    beats = recording.table
    counts = Counter(beats["label"])
    span_s = beats["time_s"].iloc[-1] - beats["time_s"].iloc[0] if len(beats) > 1 else 0
    summary = schemas.RecordingSummary(
        duration_s=recording.duration_s,
        fs=recording.fs,
        lead=", ".join(recording.leads),
        beats=len(beats),
        counts={name: counts[k] for k, name in zip(CLASSES, NAMES, strict=True)},
        unreadable=(~beats["label"].isin(CLASSES)).sum(),
        uncertain=beats["uncertain"].sum(),
        mean_heart_rate_bpm=60 * (len(beats) - 1) / span_s if span_s else None,
    )
    columns = beats.round(4).to_dict("list")
    columns["probability"] = {letter: columns[f"p_{letter}"] for letter in CLASSES}
    result = schemas.RecordingResult(
        summary=summary,
        beats=schemas.BeatTable(**columns) if table else None,
        notes=[*recording.assumed, *recording.warnings],
    )
    return result.model_dump_json().encode()


def without_names(text: str, path: Path) -> str:
    """Sentences without the names of a recording's files, including those in a zip file."""
    names = [path.name, *(file.name for file in path.parent.iterdir()), *names_in(path)]
    stems = sorted({Path(name).stem for name in names if Path(name).stem}, key=len, reverse=True)
    named = "|".join(rf"(?<!\w){re.escape(stem)}(\.\w+)?(?!\w)" for stem in stems)
    return re.sub(named, "sent", text)
