"""Beats from a text file that somebody hands in: read with care, refused with a sentence."""

import numpy as np

from ecglib.beats import BEAT_SAMPLES, Beats
from ecglib.labels import CLASSES

MAX_MB = 5  # about 1,000 rows as Kaggle writes them
UPLOAD = "upload"  # the source of such beats
UNLABELLED = -1  # the label of a beat that nobody has named
TOLERANCE = 1e-6  # of values in [0, 1], for files with few digits


def read_beats(content: bytes, name: str) -> tuple[Beats, str]:
    """Beats from a CSV or text file: one a row, 187 numbers each, or 188 with the label at the end.

    Numbers may be parted by commas, semicolons, tabs or spaces; with semicolons and tabs a decimal
    comma is understood. A first line without numbers is taken for a header. A single beat may also
    be written as a column. Rows that leave [0, 1] are scaled, zeros at their end being padding.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        Of the file, to name the beats with.

    Returns
    -------
    Beats
        ``record`` is the file's name and ``sample`` counts the beats from 1; labels are -1 where
        the file has none.
    str
        What was understood, as a sentence.

    Raises
    ------
    ValueError
        The file is no text, too large, or has other numbers.
    """
    if len(content) > MAX_MB * 1_000_000:
        raise ValueError(
            f"{name} has {len(content) / 1e6:.1f} MB, and the limit is {MAX_MB} MB: "
            "split the file, or classify it in Python with Classifier.predict_proba."
        )
    table = _table(_rows(content, name), name)
    signal, label = table[:, :BEAT_SAMPLES], np.full(len(table), UNLABELLED)
    if has_labels := table.shape[1] > BEAT_SAMPLES:
        label = table[:, -1]
        if not np.isin(label, range(len(CLASSES))).all():
            raise ValueError(
                f"The last of the {table.shape[1]} columns of {name} should hold the labels 0 to 4 "
                f"(= {' '.join(CLASSES)}) and holds other numbers. Leave it out, or mend it."
            )
    outside = (signal.min(axis=1) < -TOLERANCE) | (signal.max(axis=1) > 1 + TOLERANCE)
    signal[outside] = [_scaled(row) for row in signal[outside]] if outside.any() else 0
    beats = Beats(
        signal=signal.astype(np.float32),
        label=label.astype(np.int64),
        record=np.full(len(table), name),
        sample=np.arange(1, len(table) + 1),
        rr_before=np.full(len(table), np.nan, dtype=np.float32),
        rr_after=np.full(len(table), np.nan, dtype=np.float32),
        source=UPLOAD,
    )
    text = f"{name}: {len(beats):,} beat{'s' * (len(beats) != 1)}, "
    text += "labels in the last column" if has_labels else "without labels"
    if outside.any():
        text += f"; {outside.sum():,} of them scaled to 0 … 1"
    return beats, text + "."


def _rows(content: bytes, name: str) -> list[list[str]]:
    """The fields of each line, without a header."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError(f"{name} is not a text file. Save the beats as CSV (UTF-8) and try again.")
    separator = next((s for s in (";", "\t") if s in text), None)
    if separator:
        text = text.replace(",", ".")
    elif "," in text:
        separator = ","
    lines = [line.strip().rstrip(separator or "") for line in text.splitlines() if line.strip()]
    rows = [line.split(separator) for line in lines]
    if rows and not any(_is_number(field) for field in rows[0]):
        rows = rows[1:]
    if len(rows) in (BEAT_SAMPLES, BEAT_SAMPLES + 1) and all(len(row) == 1 for row in rows):
        rows = [[row[0] for row in rows]]  # one beat, written as a column
    if not rows:
        raise ValueError(f"{name} holds no numbers. {_WANTED}")
    return rows


def _table(rows: list[list[str]], name: str) -> np.ndarray:
    """The rows as finite numbers, shape (n, 187) or (n, 188), float64."""
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width or width not in (BEAT_SAMPLES, BEAT_SAMPLES + 1):
            first = f", its first has {width}" if len(row) != width else ""
            raise ValueError(f"Row {number} of {name} has {len(row)} values{first}. {_WANTED}")
        for column, field in enumerate(row, 1):
            if not _is_number(field):
                raise ValueError(
                    f"Row {number}, column {column} of {name} is not a number: '{field[:20]}'."
                )
    return np.array(rows, dtype=np.float64)


_WANTED = (
    f"A beat has {BEAT_SAMPLES} numbers, or {BEAT_SAMPLES + 1} with its label at the end, cut from "
    "its R peak on at 120 Hz. For a whole recording, use Classifier.classify_recording."
)


def _is_number(field: str) -> bool:
    try:
        return bool(np.isfinite(float(field)))
    except ValueError:
        return False


def _scaled(row: np.ndarray) -> np.ndarray:
    """A row scaled to [0, 1], the zeros at its end left alone."""
    used = len(np.trim_zeros(row, "b"))
    beat = row[:used]
    span = np.ptp(beat) if used else 0
    return np.append((beat - beat.min()) / span if span else 0 * beat, row[used:])
