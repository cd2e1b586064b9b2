"""What somebody hands in, understood: beats or a recording, and what was assumed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecglib.beats.beats import Beats
from ecglib.beats.prepared import to_beats
from ecglib.recordings.readers.text_tables import Layout
from ecglib.recordings.reading import open_source
from ecglib.recordings.recording import Recording


@dataclass(frozen=True)
class Corrections(Layout):
    """What a person says of a file where the reader might guess wrongly.

    Attributes
    ----------
    kind, header, decimal
        Of a text file, see `ecglib.recordings.readers.text_tables.Layout`.
    fs : float, optional
        Sampling rate in Hz of a recording.
    lead : int
        Lead of a recording, counted from 0.
    """

    fs: float | None = None
    lead: int = 0


@dataclass(frozen=True, eq=False)
class Upload:
    """Beats or a recording.

    Attributes
    ----------
    name : str
        Of the file, or of the record.
    beats : Beats or None
        As `ecglib.beats.prepared.prepared_beats` gives them.
    recording : Recording or None
        ``fs`` is NaN where neither the file nor a person has told it.
    lead : int
        The one to classify.
    unit : str
        ``"mV"``, or empty where nobody knows.
    """

    name: str
    beats: Beats | None = None
    recording: Recording | None = None
    lead: int = 0
    unit: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be classified: a recording of unknown rate can't."""
        return self.recording is None or bool(np.isfinite(self.recording.fs))

    def describe(self) -> str:
        """What it is and what was assumed, in sentences."""
        if self.recording is None:
            count = len(self.beats)
            told = [f"{self.name}: {count:,} beat{'s' * (count != 1)}.", *self.beats.assumed]
        else:
            recording, samples = self.recording, len(self.recording.signal)
            text = f"{self.name}: a recording of {samples:,} samples"
            if self.ready:
                text += f" at {recording.fs:g} Hz, {samples / recording.fs:,.1f} s long"
            text += f", {recording.leads[self.lead]}" + f" in {self.unit}" * bool(self.unit)
            if marks := len(recording.mark_sample):
                text += f", {marks:,} annotations"
            told = [f"{text}.", *recording.assumed]
        if not self.ready:
            told.append("Its sampling rate is not known: give it in Hz.")
        return " ".join(told)


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
    EcgFileError
        A sentence that says what is wrong with which file.
    """
    told = corrections or Corrections()
    with open_source(dict(files), fs=told.fs, layout=told, need_fs=False) as ecg:
        if isinstance(ecg, list):
            beats, names = to_beats(ecg), {rows.name for rows in ecg}
            return Upload(names.pop() if len(names) == 1 else f"{len(names)} files", beats)
        lead = ecg.lead_number(told.lead)
        return Upload(ecg.name, None, ecg.load(), lead, ecg.units[lead])
