"""What somebody hands in, understood: beats or a recording from a table, or a device's files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from ecglib.beats import BEAT_SAMPLES, Beats, join
from ecglib.readers import as_recording, open_ecg
from ecglib.readers_beats import UNLABELLED, UPLOAD, prepared_beats
from ecglib.recordings import Recording
from ecglib.upload_files import plain_name, unpacked
from ecglib.upload_tables import read_table

ACCEPTED = ".csv,.txt,.tsv,.dat,.hea,.atr,.edf,.bdf,.ecg,.zip"
BINARY = (".hea", ".dat", ".atr", ".edf", ".bdf", ".ecg")
MOST_LEADS = 32  # a table of more columns is one of beats


@dataclass(frozen=True)
class Corrections:
    """What a person says of a file where the reader might guess wrongly.

    Attributes
    ----------
    kind : {"auto", "beats", "recording"}
    fs : float, optional
        Sampling rate in Hz of a recording.
    lead : int
        Lead of a recording (column of a table), counted from 0.
    header : bool, optional
        Whether a table's first line holds names.
    decimal : {"auto", ".", ","}
    """

    kind: str = "auto"
    fs: float | None = None
    lead: int = 0
    header: bool | None = None
    decimal: str = "auto"


@dataclass(frozen=True, eq=False)
class Upload:
    """Beats or a recording, and what was assumed.

    Attributes
    ----------
    name : str
        Of the file, or of the record.
    beats : Beats or None
        ``record`` is the file's name, ``sample`` counts its rows from 1, ``label`` is -1 where the
        file does not tell it.
    raw : list of ndarray
        The beats' values as they were written, without padding.
    recording : Recording or None
        ``fs`` is NaN where neither the file nor a person has told it.
    lead : int
        The one to classify.
    unit : str
        ``"mV"``, or empty where nobody knows.
    understood : tuple of str
        In words, for the person to check.
    """

    name: str
    beats: Beats | None = None
    raw: list[np.ndarray] = field(default_factory=list)
    recording: Recording | None = None
    lead: int = 0
    unit: str = ""
    understood: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it can be classified: a recording of unknown rate can't."""
        return self.recording is None or bool(np.isfinite(self.recording.fs))

    def describe(self) -> str:
        """What it is and what was assumed, as a sentence."""
        if self.recording is None:
            count = len(self.beats)
            text = f"{self.name}: {count:,} beat{'s' * (count != 1)}"
        else:
            samples, fs = len(self.recording.signal), self.recording.fs
            text = f"{self.name}: a recording of {samples:,} samples"
            text += f" at {fs:g} Hz, {samples / fs:,.1f} s long" if self.ready else ""
            text += f", lead {self.recording.leads[self.lead]}, in {self.unit or 'an unknown unit'}"
        text += "".join(f"; {words}" for words in self.understood) + "."
        return text if self.ready else f"{text} Its sampling rate is not known: give it in Hz."


def read_upload(files: Mapping[str, bytes], corrections: Corrections | None = None) -> Upload:
    """Understand one or several files: tables of beats, a recording in whatever format, a zip.

    Parameters
    ----------
    files : mapping of str to bytes
        File names and contents. The names are never used as paths.
    corrections : Corrections, optional

    Returns
    -------
    Upload

    Raises
    ------
    ValueError
        A sentence that says what is wrong with which file.
    """
    corrections = corrections or Corrections()
    files = {plain_name(name): content for name, content in unpacked(files).items()}
    if not files:
        raise ValueError("There is no file to read.")
    if any(name.lower().endswith(BINARY) for name in files):
        return _from_device(files, corrections)
    tables = [_from_table(name, content, corrections) for name, content in files.items()]
    if len(tables) == 1:
        return tables[0]
    if odd := next((t for t in tables if t.beats is None), None):
        raise ValueError(
            f"{odd.name} holds a recording: hand in recordings one at a time; only files of beats "
            "can be read together."
        )
    return Upload(
        name=f"{len(tables)} files",
        beats=join([t.beats for t in tables], UPLOAD),
        raw=[row for t in tables for row in t.raw],
        understood=(
            f"{len(tables)} files",
            *dict.fromkeys(s for t in tables for s in t.understood),
        ),
    )


# --- WFDB, EDF, ISHNE ----------------------------------------------------------------------------


def _from_device(files: dict[str, bytes], corrections: Corrections) -> Upload:
    with open_ecg(files, fs=corrections.fs) as ecg:
        recording, units = as_recording(ecg), ecg.units
    known = [f"{len(recording.mark_sample):,} annotations"] * bool(len(recording.mark_sample))
    known += [sentence.rstrip(".") for sentence in recording.assumed]
    return _recording_upload(recording, corrections, units, known)


# --- tables --------------------------------------------------------------------------------------


def _from_table(name: str, content: bytes, corrections: Corrections) -> Upload:
    table, columns, understood = read_table(content, name, corrections.header, corrections.decimal)
    rows, width = table.shape
    kind = corrections.kind
    if width == 1 and (kind == "beats" or (kind == "auto" and rows <= BEAT_SAMPLES + 1)):
        table, columns = table.T, []
        understood.append("one beat, written as a column")
        rows, width = table.shape
    if kind == "auto":
        beats = MOST_LEADS < width <= BEAT_SAMPLES + 1 or (rows == 1 and width <= BEAT_SAMPLES + 1)
        kind = "beats" if beats else "recording"
    if kind == "beats":
        return _beats_upload(name, table, understood)
    if width > rows:
        table, columns = table.T, []
        understood.append("the recording is written in rows")
    return _table_recording(name, table, columns, corrections, understood)


def _beats_upload(name: str, table: np.ndarray, understood: list[str]) -> Upload:
    beats = prepared_beats(table, name)
    known = list(beats.assumed)
    if len(beats) == 1 and (named := re.search(r"_label([0-4])\.\w+$", name)):
        if beats.label[0] == UNLABELLED:
            beats.label[0] = int(named[1])
            known.append("label from the file's name")
    raw = [row[: max(len(np.trim_zeros(row, "b")), 1)] for row in table[:, :BEAT_SAMPLES]]
    return Upload(name=name, beats=beats, raw=raw, understood=(*understood, *known))


def _table_recording(
    name: str,
    table: np.ndarray,
    columns: list[str],
    corrections: Corrections,
    understood: list[str],
) -> Upload:
    columns = columns if len(columns) == table.shape[1] else []
    leads = columns or [f"column {number}" for number in range(1, table.shape[1] + 1)]
    fs = corrections.fs or np.nan
    if table.shape[1] > 1 and (step := _time_step(table[:, 0])):
        seconds = _in_seconds(step, columns[0] if columns else "")
        understood.append("first column is the time" if seconds else "first column counts")
        if seconds and not corrections.fs:
            fs = round(1 / seconds, 3)
        table, leads = table[:, 1:], leads[1:]
    recording = Recording(
        name=PurePath(name).stem,
        fs=float(fs),
        signal=table.astype(np.float32),
        leads=tuple(leads),
        mark_sample=np.zeros(0, np.int64),
        mark_symbol=np.zeros(0, "<U1"),
    )
    units = tuple("mV" if re.search(r"\bm[vV]\b", lead) else "" for lead in leads)
    return _recording_upload(recording, corrections, units, understood)


def _time_step(values: np.ndarray) -> float | None:
    """The step of a column that rises evenly, as time does; None for a signal."""
    steps = np.diff(values)
    if len(steps) < 2 or (steps <= 0).any():
        return None
    step = float((values[-1] - values[0]) / len(steps))
    return step if np.abs(steps - step).max() <= 0.51 * step else None  # rounded times vary


def _in_seconds(step: float, title: str) -> float | None:
    """A time step in seconds; None where the column only counts the samples."""
    if re.search(r"\bms\b|milli", title, re.IGNORECASE):
        return step / 1000
    if step == 1:
        return None
    return step / 1000 if step > 1 else step


def _recording_upload(
    recording: Recording,
    corrections: Corrections,
    units: tuple[str, ...],
    understood: list[str],
) -> Upload:
    if not 0 <= corrections.lead < len(recording.leads):
        raise ValueError(
            f"{recording.name} has no lead {corrections.lead + 1}: it has "
            f"{', '.join(recording.leads)}."
        )
    return Upload(
        name=recording.name,
        recording=recording,
        lead=corrections.lead,
        unit=units[corrections.lead],
        understood=tuple(understood),
    )
