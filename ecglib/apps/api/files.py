"""What the API's processes compute: from files of any size to answers in JSON.

They are processes of their own, so that neither a Holter nor a file that takes all memory keeps the
server from answering.
"""

import os
import re
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import parent_process
from pathlib import Path

import numpy as np

from ecglib.apps.api.models import (
    BatchPrediction,
    BeatTable,
    RecordingResult,
    RecordingSummary,
    RowPrediction,
)
from ecglib.apps.api.work import NAMES, UnusableError, read_beats, truth, verdict, without_input
from ecglib.beats.prepared import UNLABELLED
from ecglib.labels import CLASSES
from ecglib.models.classifier import Classifier
from ecglib.recordings.readers.unpacking import names_in

MAX_ROWS = 5_000  # beats in a file, about a second's work
ALONE = ("edf", "bdf", "ecg", "csv", "tsv", "txt", "zip")
RECORD_FILE = re.compile(r"\w[\w-]{0,63}\.(hea|dat|atr)", re.ASCII)
FILES_WANTED = (
    "A recording is one EDF (.edf, .bdf), ISHNE (.ecg), text (.csv, .tsv, .txt) or zip file, or a "
    ".hea file with the .dat file that it names; these have plain names: letters, digits, - and _, "
    "one dot and the usual suffix."
)


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
    too_many = UnusableError(f"The file has too many lines: {MAX_ROWS:,} are taken at a time.")
    if content.count(b"\n") > MAX_ROWS:  # told before it is read
        raise too_many
    beats, _, notes = read_beats(content)
    if len(beats) > MAX_ROWS:
        raise too_many
    classifier = _classifier(model)
    proba = classifier.predict_proba(beats.signal)
    said = proba.argmax(axis=1)
    labelled = beats.label != UNLABELLED
    correct = int((said == beats.label).sum()) if labelled.all() else None
    rows = [
        RowPrediction(**verdict(p, classifier.threshold), **truth(k, label), row=number)
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


def classify_files(
    model: str, path: Path, fs: float | None, lead: int, table: bool, seconds: int
) -> bytes:
    """The beats of a recording: a `RecordingResult` as JSON."""
    try:
        with at_most(seconds):
            recording = _classifier(model).classify_file(path, fs, lead)
        beats = recording.table
    except UnusableError:
        raise
    except ValueError as error:
        raise UnusableError(without_names(without_input(error), path)) from None
    counts = beats["label"].value_counts()
    span_s = beats["time_s"].iloc[-1] - beats["time_s"].iloc[0] if len(beats) > 1 else 0
    summary = RecordingSummary(
        duration_s=recording.duration_s,
        fs=recording.fs,
        lead=", ".join(recording.leads),
        beats=len(beats),
        counts={name: int(counts.get(k, 0)) for k, name in zip(CLASSES, NAMES, strict=True)},
        no_verdict=int((~beats["label"].isin(CLASSES)).sum()),
        uncertain=int(beats["uncertain"].sum()),
        mean_heart_rate_bpm=60 * (len(beats) - 1) / span_s if span_s else None,
    )
    columns = beats.round(4).to_dict("list")
    columns["probability"] = {letter: columns[f"p_{letter}"] for letter in CLASSES}
    result = RecordingResult(
        summary=summary,
        beats=BeatTable(**columns) if table else None,
        notes=[*recording.assumed, *recording.warnings],
    )
    return result.model_dump_json().encode()


def without_names(text: str, path: Path) -> str:
    """Sentences without the names of a recording's files, those in a zip included."""
    names = [path.name, *(file.name for file in path.parent.iterdir()), *names_in(path)]
    stems = sorted({Path(name).stem for name in names if Path(name).stem}, key=len, reverse=True)
    named = "|".join(rf"(?<!\w){re.escape(stem)}(\.\w+)?(?!\w)" for stem in stems)
    return re.sub(named, "sent", text)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """End this process's work after a time (POSIX); only its main thread can do so.

    Raises
    ------
    UnusableError
        When the time is over.
    """

    def over(*_: object) -> None:
        raise UnusableError(f"The recording takes longer than {seconds} s: send a part of it.")

    rings = getattr(signal, "SIGALRM", None)
    if rings is None:
        yield
        return
    before = signal.signal(rings, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(rings, before)
