"""Prepared beats that somebody hands in: rows of numbers understood, or refused with a sentence."""

import re
from dataclasses import replace

import numpy as np

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES, Beats, join
from ecglib.labels import CLASSES
from ecglib.recordings.reading import as_recording, open_source
from ecglib.recordings.recording import LARGEST, EcgFileError, Recording, Rows

UPLOAD = "upload"  # the source of such beats
UNLABELLED = -1  # the label of a beat that nobody has named
TOLERANCE = 1e-6  # of values in [0, 1], for files with few digits
SHORTEST = 20  # samples; fewer are no beat


def read_ecg(source, *, lead: int | str | None = None, **how) -> Recording | Beats:
    """Read an ECG, whatever it comes in.

    Parameters
    ----------
    source, **how
        As for `ecglib.recordings.reading.open_source`.
    lead : int or str, optional
        Only this lead, by number from 0 or by name; all leads by default.

    Returns
    -------
    Recording or Beats
        Beats where text files hold prepared beats, rows of 187 samples or 188 with the label, as
        Kaggle's do; see :func:`prepared_beats`.

    Raises
    ------
    EcgFileError
    """
    with open_source(source, **how) as opened:
        return to_beats(opened) if isinstance(opened, list) else as_recording(opened, lead)


def to_beats(rows: list[Rows]) -> Beats:
    """The rows of one or several text files as prepared beats."""
    parts = [(r.assumed, prepared_beats(r.values, r.name)) for r in rows]
    return join([replace(b, assumed=(*assumed, *b.assumed)) for assumed, b in parts], UPLOAD)


def prepared_beats(table: np.ndarray, name: str) -> Beats:
    """Beats from a table: one a row, 187 numbers each, or 188 with the label at the end.

    Shorter rows are filled up with zeros. Rows that leave [0, 1] are scaled, zeros at their end
    being padding. The name of a file of one beat may tell its label, as in ``x_label2.csv``.

    Parameters
    ----------
    table : ndarray, shape (n, n_values)
    name : str
        Of the file, to name the beats with.

    Returns
    -------
    Beats
        ``record`` is the file's name and ``sample`` counts the beats from 1; labels are -1 where
        nobody tells them.

    Raises
    ------
    EcgFileError
        The rows have another length, or hold what is no beat or no label.
    """
    rows, width = table.shape
    if not SHORTEST <= width <= BEAT_SAMPLES + 1:
        raise EcgFileError(
            f"A row of {name} has {width} values. A beat has {BEAT_SAMPLES} numbers, or "
            f"{BEAT_SAMPLES + 1} with its label at the end, cut from its R peak on at "
            f"{BEAT_FS:.0f} Hz. For a recording, say so under Corrections, or use "
            "Classifier.classify_recording."
        )
    possible = np.abs(table) < LARGEST
    if not possible.all():
        row, column = np.argwhere(~possible)[0] + 1
        raise EcgFileError(
            f"Row {row}, column {column} of {name} is not a finite number, or none of an ECG."
        )
    understood = []
    signal, label = table[:, :BEAT_SAMPLES], np.full(rows, UNLABELLED)
    if width > BEAT_SAMPLES:
        label = table[:, -1]
        if not np.isin(label, range(len(CLASSES))).all():
            raise EcgFileError(
                f"The last of the {width} columns of {name} should hold the labels 0 to 4 "
                f"(= {' '.join(CLASSES)}) and holds other numbers. Leave it out, or mend it."
            )
        understood.append("Labels are in the last column.")
    elif rows == 1 and (named := re.search(r"_label([0-4])\.\w+$", name)):
        label = np.array([int(named[1])])
        understood.append("The label is from the file's name.")
    if width < BEAT_SAMPLES:
        understood.append(f"A beat has {width} values, filled up with zeros to {BEAT_SAMPLES}.")
    signal = np.pad(signal, ((0, 0), (0, BEAT_SAMPLES - signal.shape[1]))).astype(np.float32)
    written = signal
    outside = (signal.min(axis=1) < -TOLERANCE) | (signal.max(axis=1) > 1 + TOLERANCE)
    if outside.any():
        signal = signal.copy()
        signal[outside] = [_scaled(row) for row in signal[outside]]
        understood.append(f"{outside.sum():,} of {rows:,} beats were scaled to 0 … 1.")
    if flat := int((np.ptp(signal, axis=1) == 0).sum()):
        understood.append(
            f"{flat:,} of {rows:,} beats are flat: what is said of them means nothing."
        )
    return Beats(
        signal=signal,
        label=label.astype(np.int64),
        record=np.full(rows, name),
        sample=np.arange(1, rows + 1),
        rr_before=np.full(rows, np.nan, dtype=np.float32),
        rr_after=np.full(rows, np.nan, dtype=np.float32),
        source=UPLOAD,
        assumed=tuple(understood),
        written=written,
    )


def _scaled(row: np.ndarray) -> np.ndarray:
    """A row scaled to [0, 1], the zeros at its end left alone."""
    used = len(np.trim_zeros(row, "b"))
    beat = row[:used]
    span = np.ptp(beat) if used else 0
    return np.append((beat - beat.min()) / span if span else 0 * beat, row[used:])
