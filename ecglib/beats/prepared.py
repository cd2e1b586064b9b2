"""Prepared beats: tables of numbers, one beat a row, read as beats or refused with a sentence."""

import re
from dataclasses import replace

import numpy as np

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES, Beats, join
from ecglib.beats.rhythm import RHYTHM
from ecglib.labels import CLASSES
from ecglib.recordings.reading import open_source
from ecglib.recordings.recording import LARGEST, EcgFileError, Recording, Rows

UPLOAD = "upload"  # the source of such beats
UNLABELLED = -1  # the label of a beat of unknown class
TOLERANCE = 1e-6  # of values in [0, 1], for files with few digits
SHORTEST = 20  # samples of a beat


def read_ecg(source, *, lead: int | str | None = None, **how) -> Recording | Beats:
    """Read whatever `ecglib.recordings.reading.open_source` opens, all leads or one of them.

    Text files of prepared beats (rows of 187 samples, or 188 with the label, as Kaggle's) give
    `Beats`.
    """
    with open_source(source, **how) as opened:
        if isinstance(opened, list):
            return to_beats(opened)
        return opened.load(None if lead is None else [lead])


def to_beats(rows: list[Rows]) -> Beats:
    """The rows of one or several text files as prepared beats."""
    parts = [(r.assumed, prepared_beats(r.values, r.name)) for r in rows]
    return join([replace(b, assumed=(*assumed, *b.assumed)) for assumed, b in parts], UPLOAD)


def prepared_beats(table: np.ndarray, name: str) -> Beats:
    """Beats from a table of a file: 187 numbers a row, or 188 with the label at the end.

    Shorter rows are padded with zeros; rows outside [0, 1] are scaled, up to the zeros at their
    end. ``sample`` counts the beats from 1, the label is -1 where it is unknown. A file of one beat
    may have the label in its name, as in ``x_label2.csv``.
    """
    rows, width = table.shape
    if not SHORTEST <= width <= BEAT_SAMPLES + 1:
        raise EcgFileError(
            f"A row of {name} has {width} values. A beat has {BEAT_SAMPLES} numbers, or "
            f"{BEAT_SAMPLES + 1} with its label at the end, from its R peak on at {BEAT_FS:.0f} Hz."
            " For a recording, choose so under Corrections, or use Classifier.classify_recording."
        )
    possible = np.abs(table) < LARGEST
    if not possible.all():
        row, column = np.argwhere(~possible)[0] + 1
        raise EcgFileError(
            f"Row {row}, column {column} of {name} is not a finite number, or too large for an ECG."
        )
    assumed = []
    signal, label = table[:, :BEAT_SAMPLES], np.full(rows, UNLABELLED)
    if width > BEAT_SAMPLES:
        label = table[:, -1]
        if not np.isin(label, range(len(CLASSES))).all():
            raise EcgFileError(
                f"The last of the {width} columns of {name} must hold the labels 0 to 4 "
                f"(= {' '.join(CLASSES)}), but holds other numbers: correct or remove it."
            )
        assumed.append("Labels are in the last column.")
    elif rows == 1 and (named := re.search(r"_label([0-4])\.\w+$", name)):
        label = np.array([int(named[1])])
        assumed.append("The label is from the file's name.")
    if width < BEAT_SAMPLES:
        assumed.append(f"A beat has {width} values, filled up with zeros to {BEAT_SAMPLES}.")
    signal = np.pad(signal, ((0, 0), (0, BEAT_SAMPLES - signal.shape[1]))).astype(np.float32)
    written = signal
    outside = (signal.min(axis=1) < -TOLERANCE) | (signal.max(axis=1) > 1 + TOLERANCE)
    if outside.any():
        signal = signal.copy()
        signal[outside] = [_scaled(row) for row in signal[outside]]
        assumed.append(f"{outside.sum():,} of {rows:,} beats were scaled to 0 … 1.")
    if flat := int((np.ptp(signal, axis=1) == 0).sum()):
        assumed.append(f"{flat:,} of {rows:,} beats are flat: their classes mean nothing.")
    return Beats(
        signal=signal,
        label=label.astype(np.int64),
        record=np.full(rows, name),
        sample=np.arange(1, rows + 1),
        rr_before=np.full(rows, np.nan, dtype=np.float32),
        rr_after=np.full(rows, np.nan, dtype=np.float32),
        rhythm=np.full((rows, len(RHYTHM)), np.nan, dtype=np.float32),
        source=UPLOAD,
        assumed=tuple(assumed),
        written=written,
    )


def _scaled(row: np.ndarray) -> np.ndarray:
    """A row scaled to [0, 1], except for the zeros at its end."""
    used = len(np.trim_zeros(row, "b"))
    beat = row[:used]
    span = np.ptp(beat) if used else 0
    return np.append((beat - beat.min()) / span if span else 0 * beat, row[used:])
