"""Uploaded files, read as beats or as a recording, with the assumptions made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ecglib.beats.beats import Beats
from ecglib.beats.prepared import to_beats
from ecglib.recordings.readers.text_tables import Layout
from ecglib.recordings.reading import open_source
from ecglib.recordings.recording import Ecg


@dataclass(frozen=True)
class Corrections(Layout):
    """A person's corrections of how a file is read: its layout, sampling rate in Hz, and lead."""

    fs: float | None = None
    lead: int = 0


@dataclass(frozen=True, eq=False)
class Upload:
    """Prepared beats, or a recording in memory, whose ``fs`` is NaN if unknown."""

    name: str  # of the file or record
    beats: Beats | None = None
    recording: Ecg | None = None
    lead: int = 0  # to classify

    @property
    def ready(self) -> bool:
        """Whether it can be classified: a recording needs its sampling rate."""
        return self.recording is None or bool(np.isfinite(self.recording.fs))

    def describe(self) -> str:
        """Contents and assumptions in sentences."""
        if self.recording is None:
            count = len(self.beats)
            return " ".join(
                [f"{self.name}: {count:,} beat{'s' * (count != 1)}.", *self.beats.assumed]
            )
        ecg, unit = self.recording, self.recording.units[self.lead]
        text = f"{self.name}: a recording of {ecg.n_samples:,} samples"
        if self.ready:
            text += f" at {ecg.fs:g} Hz, {ecg.n_samples / ecg.fs:,.1f} s long"
        text += f", {ecg.leads[self.lead]}" + f" in {unit}" * bool(unit)
        if marks := len(ecg.mark_sample):
            text += f", {marks:,} annotations"
        unknown = [] if self.ready else ["The sampling rate is unknown. Enter it in Hz."]
        return " ".join([f"{text}.", *ecg.assumed, *unknown])


def read_upload(files: Mapping[str, bytes], corrections: Corrections | None = None) -> Upload:
    """Read uploaded files: tables of beats, a recording in any format, or a zip of them.

    File names are never used as paths. An `EcgFileError` says which file can't be read, and why.
    """
    given = corrections or Corrections()
    with open_source(dict(files), fs=given.fs, layout=given, need_fs=False) as ecg:
        if isinstance(ecg, list):
            beats, names = to_beats(ecg), {rows.name for rows in ecg}
            return Upload(names.pop() if len(names) == 1 else f"{len(names)} files", beats)
        signal = ecg.load().signal
        held = replace(ecg, read=lambda start, stop, lead: signal[start:stop, lead])
        return Upload(ecg.name, None, held, ecg.lead_number(given.lead))
