"""What the API computes: from bytes to answers, beside the event loop.

Single beats are classified by a thread of the server; whole files by processes of their own, which
return JSON, so that neither a Holter nor one that takes all memory keeps the server from answering.
"""

import os
import re
import signal
import tempfile
import threading
from functools import cache
from multiprocessing import parent_process
from pathlib import Path

import numpy as np

from ecglib.api.models import (
    BatchPrediction,
    BeatTable,
    FilePrediction,
    RecordingResult,
    RecordingSummary,
    RowPrediction,
    SignalPrediction,
    TestSample,
)
from ecglib.beats import BEAT_SAMPLES, Beats, load_beats
from ecglib.classifier import Classifier
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.readers.beats import UNLABELLED, prepared_beats
from ecglib.readers.text import read_text
from ecglib.recordings import EcgFileError
from ecglib.splits import split_beats

NAMES = tuple(CLASS_NAMES[letter] for letter in CLASSES)
MAX_ROWS = 5_000  # beats in a file, about a second's work
FILE_NAME = re.compile(r"\w[\w-]{0,63}\.(hea|dat|atr|edf|bdf|ecg|csv|tsv|txt|zip)", re.ASCII)
FILES_WANTED = (
    "A recording is one .hea file with the .dat file that it names, or one EDF, ISHNE (.ecg), text "
    "or zip file. Names are plain: letters, digits, - and _, one dot and the usual suffix."
)


class UnusableError(ValueError):
    """What was sent can't be classified; the message repeats nothing of it."""


# --- beats, in a thread of the server -----------------------------------------------------------


def predict_values(classifier: Classifier, values: list[float]) -> SignalPrediction:
    """One beat, as numbers."""
    padding = BEAT_SAMPLES - len(values)
    beats = prepared_beats(np.array([[*values, *[0.0] * padding]]), "The beat")
    notes = []
    if padding:
        notes.append(f"Filled up with {padding} zeros to {BEAT_SAMPLES} values.")
    verdict = _verdict(classifier.predict_proba(beats.signal)[0], classifier.threshold)
    return SignalPrediction(**verdict, notes=notes)


def predict_first(classifier: Classifier, content: bytes) -> FilePrediction:
    """The first beat of a file."""
    beats, raw, notes = _read_beats(content)
    if len(beats) > 1:
        notes.append(f"Only the first of {len(beats):,} beats; /batch-predict-csv takes them all.")
    first = _drawn(beats[0], classifier.predict_proba(beats.signal[0]), classifier.threshold, raw)
    return FilePrediction(**first[0], rows=len(beats), notes=notes)


def predict_samples(
    classifier: Classifier, test: Beats, count: int, seed: int | None, letter: str | None
) -> list[TestSample]:
    """Test beats drawn at random, without repetition, of one class or of all."""
    pool = np.arange(len(test))
    if letter is not None:
        pool = np.flatnonzero(test.label == CLASSES.index(letter))
    index = np.random.default_rng(seed).choice(pool, min(count, len(pool)), replace=False)
    beats = test[index]
    raw = [np.trim_zeros(row, "b") for row in beats.signal]
    drawn = _drawn(beats, classifier.predict_proba(beats.signal), classifier.threshold, raw)
    return [
        TestSample(**fields, index=int(i), record=str(record), sample=int(sample))
        for fields, i, record, sample in zip(drawn, index, beats.record, beats.sample, strict=True)
    ]


def _verdict(proba: np.ndarray, threshold: float) -> dict:
    """The fields of a `Prediction`."""
    best = int(proba.argmax())
    confidence = float(proba[best])
    return dict(zip(NAMES, proba.tolist(), strict=True)) | {
        "predicted_class": NAMES[best],
        "label": CLASSES[best],
        "confidence": confidence,
        "is_uncertain": confidence < threshold,
        "threshold": threshold,
    }


def _truth(said: int, label: int) -> dict:
    """What is known of a beat, and whether the prediction is right; None where nobody knows."""
    known = label != UNLABELLED
    return {
        "true_label": NAMES[label] if known else None,
        "is_correct": bool(said == label) if known else None,
    }


def _drawn(beats: Beats, proba: np.ndarray, threshold: float, raw: list[np.ndarray]) -> list[dict]:
    """The fields of a `DrawnPrediction`, for each beat."""
    return [
        _verdict(p, threshold)
        | _truth(int(p.argmax()), label)
        | {"true_label_id": None if label == UNLABELLED else int(label)}
        | {"signal_raw": values.tolist(), "signal_normalized": signal.tolist()}
        for p, label, values, signal in zip(proba, beats.label, raw, beats.signal, strict=False)
    ]


def _read_beats(content: bytes) -> tuple[Beats, list[np.ndarray], list[str]]:
    """Beats of a text, their values without padding, and what was assumed."""
    try:
        beats = read_text(content, "The file")
    except EcgFileError as error:
        raise UnusableError(without_input(error)) from None
    if not isinstance(beats, Beats):
        raise UnusableError(
            f"The file holds a recording, not beats of {BEAT_SAMPLES} values each: send it to "
            "/recordings."
        )
    notes = [f"{len(beats):,} beat{'s' * (len(beats) != 1)}.", *beats.assumed]
    return beats, [np.trim_zeros(row, "b") for row in beats.written], notes


def without_input(error: Exception) -> str:
    """An error's sentences without what they quote, which may be of the input."""
    return re.sub(r"\s*(: )?'.*'|\s*\(\w+(Error|Exception).*?\)", "", str(error), flags=re.DOTALL)


# --- files of any size, in processes of their own ----------------------------------------------


@cache
def _classifier(model: str) -> Classifier:
    """The classifier of this process."""
    return Classifier.load(model)


def start_process(folder: Path) -> None:
    """Leave Ctrl-C to the server, which ends its processes; end with it, even if it is killed.

    Files are unpacked below its folder, which the next server removes if need be.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = str(folder)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)


def warm_up(model: str) -> None:
    """Load the model into a process before the first recording comes."""
    _classifier(model)


def predict_all(model: str, content: bytes) -> bytes:
    """Every beat of a file: a `BatchPrediction` as JSON."""
    if content.count(b"\n") > MAX_ROWS:
        raise UnusableError(f"The file has too many lines: {MAX_ROWS:,} are taken at a time.")
    beats, _, notes = _read_beats(content)
    classifier = _classifier(model)
    proba = classifier.predict_proba(beats.signal)
    said = proba.argmax(axis=1)
    labelled = beats.label != UNLABELLED
    correct = int((said == beats.label).sum()) if labelled.all() else None
    rows = [
        RowPrediction(**_verdict(p, classifier.threshold), **_truth(k, label), row=number)
        for number, (p, k, label) in enumerate(zip(proba, said, beats.label, strict=True), 1)
    ]
    result = BatchPrediction(
        predictions=rows,
        count=len(rows),
        counts=dict(zip(NAMES, np.bincount(said, minlength=len(NAMES)).tolist(), strict=True)),
        accuracy=None if correct is None else correct / len(rows),
        correct=correct,
        notes=notes,
    )
    return result.model_dump_json().encode()


def classify_files(model: str, path: Path, fs: float | None, lead: int, table: bool) -> bytes:
    """The beats of a recording: a `RecordingResult` as JSON."""
    try:
        beats = _classifier(model).classify_recording(path, fs, lead)
        about = beats.attrs
    except ValueError as error:
        named = rf"\b{re.escape(path.stem)}\b(\.\w+)?"
        raise UnusableError(re.sub(named, "sent", without_input(error))) from None
    counts = beats["label"].value_counts()
    seconds = beats["time_s"].iloc[-1] - beats["time_s"].iloc[0] if len(beats) > 1 else 0
    summary = RecordingSummary(
        duration_s=about["duration_s"],
        fs=about["fs"],
        lead=about["lead"],
        beats=len(beats),
        counts={name: int(counts.get(k, 0)) for k, name in zip(CLASSES, NAMES, strict=True)},
        no_verdict=int((~beats["label"].isin(CLASSES)).sum()),
        uncertain=int(beats["uncertain"].sum()),
        mean_heart_rate_bpm=60 * (len(beats) - 1) / seconds if seconds else None,
    )
    columns = beats.round(4).to_dict("list")
    columns["probability"] = {letter: columns[f"p_{letter}"] for letter in CLASSES}
    result = RecordingResult(
        summary=summary,
        beats=BeatTable(**columns) if table else None,
        notes=[*about["assumed"], *about["warnings"]],
    )
    return result.model_dump_json().encode()


def load_test_beats() -> tuple[Beats, str]:
    """Test beats to show, from recordings on this machine, and where they come from in words."""
    from ecglib.physionet import cache_folder
    from ecglib.sources import DataSourceError

    for root in (None, cache_folder()):
        try:
            beats = load_beats("folder", root)
            test = beats[split_beats(beats, "kaggle").test]
            return test, "The published test split of the MIT-BIH Arrhythmia Database."
        except (DataSourceError, ValueError):  # not here, or not these recordings
            continue
    beats = load_beats("synthetic")
    test = beats[split_beats(beats, "random").test]
    return test, "SYNTHETIC: generated, not recorded from people. No recordings are in reach."
