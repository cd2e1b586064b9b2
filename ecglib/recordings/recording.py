"""One ECG recording: what every other module means by it, by its leads and by its sampling rate.

Recordings come in two forms: `Ecg` is opened and read in blocks, `Recording` is in memory.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Integral

import numpy as np

PREFERRED = ("MLII", "II", "ML2", "ECG1")  # what the models were trained on, by its names
SECOND = ("V1", "V5", "V2", "V4", "V3", "ECG2")  # the second leads of MIT-BIH, most frequent first
SHOWN = 12  # leads that an error names


def plain_name(lead: str) -> str:
    """A lead's name without what only some databases add: ``ECG lead II`` is ``II``."""
    words = re.split(r"[\s_-]+", lead.upper())
    return "".join(word for word in words if word not in ("ECG", "LEAD")) or lead.upper()


def lead_number(names: Sequence[str], lead: int | str, recording: str) -> int:
    """The number of a lead that is named by number from 0 or by name.

    Raises
    ------
    EcgFileError
        The recording, which the message names, has no such lead.
    """
    if isinstance(lead, str):
        plain = [plain_name(name) for name in names]
        if lead.upper() in (upper := [name.upper() for name in names]):
            return upper.index(lead.upper())
        if plain_name(lead) in plain:
            return plain.index(plain_name(lead))
    elif isinstance(lead, Integral) and 0 <= lead < len(names):
        return int(lead)
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    raise EcgFileError(
        f"There is no lead {lead} in {recording}; it has {len(names)}, counted from 0: {shown}."
    )


def likely_leads(names: Sequence[str], most: int) -> list[int]:
    """Numbers of at most so many leads, those most like the leads of MIT-BIH first."""
    plain = [plain_name(name) for name in names]
    first = next((plain.index(name) for name in PREFERRED if name in plain), 0)
    others = [plain.index(name) for name in SECOND if name in plain]
    others += [k for k in range(len(names)) if k not in others]
    return [first, *(k for k in others if k != first)][:most]


LARGEST = 1e30  # in whatever unit; differences of smaller values stay within float32
RECORDING_FS = 360  # Hz, the rate of the MIT-BIH recordings and of every cut


def to_recording_fs(signal: np.ndarray, fs: float) -> np.ndarray:
    """Bring one lead to 360 Hz with a polyphase filter; unchanged where it is at 360 Hz."""
    if fs == RECORDING_FS:
        return signal
    from scipy.signal import resample_poly

    # Beyond its ends the signal goes on as it ends: from zero, it would begin with a false beat.
    return resample_poly(signal, *resampling_ratio(fs), padtype="edge").astype(np.float32)


def resampling_ratio(fs: float) -> tuple[int, int]:
    """Numerator and denominator of 360 Hz over ``fs``, nearly: terms up to 1,000."""
    ratio = Fraction(RECORDING_FS / fs).limit_denominator(1000)
    return ratio.numerator, ratio.denominator


@dataclass(frozen=True)
class Ecg:
    """An opened ECG: what it is, and a way to read parts of it.

    Attributes
    ----------
    name : str
    fs : float or None
        Sampling rate in Hz; None where the source does not tell it.
    leads : tuple of str
    units : tuple of str
        Of each lead; empty where unknown.
    n_samples : int
        Of each lead.
    read : callable
        ``read(start, stop, lead)`` gives samples of one lead, float32, NaN where there are none.
    mark_sample, mark_symbol : ndarray
        Annotations, as in `ecglib.recordings.recording.Recording`.
    assumed : tuple of str
        What was taken for granted.
    """

    name: str
    fs: float | None
    leads: tuple[str, ...]
    units: tuple[str, ...]
    n_samples: int
    read: Callable[[int, int, int], np.ndarray]
    mark_sample: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    mark_symbol: np.ndarray = field(default_factory=lambda: np.zeros(0, "<U1"))
    assumed: tuple[str, ...] = ()

    def lead_number(self, lead: int | str) -> int:
        """The number of a lead that is named by number or by name."""
        return lead_number(self.leads, lead, self.name)


class EcgFileError(ValueError):
    """A file or array that is no usable ECG; the message says what is wrong and how to mend it."""


@dataclass(frozen=True)
class Rows:
    """Rows of numbers from a text file: too short for a recording, so perhaps prepared beats.

    `ecglib.beats.prepared.to_beats` reads them as such.
    """

    name: str
    values: np.ndarray
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """One ECG recording.

    Attributes
    ----------
    name : str
        Record name, such as ``"100"``.
    fs : float
        Sampling rate in Hz.
    signal : ndarray, shape (n_samples, n_leads), float32
        Millivolts.
    leads : tuple of str
        Lead names, such as ``("MLII", "V5")``.
    mark_sample : ndarray, shape (n_marks,), int64
        Sample number of every annotation in time order, beats and other marks alike.
    mark_symbol : ndarray, shape (n_marks,), str
        Annotation symbol of each: ``N``, ``V``, ``+``, ``~`` and so on; ``"`` where the annotator's
        own code has no symbol of one letter.
    assumed : tuple of str
        What the source did not say and was taken for granted, one sentence each.
    """

    name: str
    fs: float
    signal: np.ndarray
    leads: tuple[str, ...]
    mark_sample: np.ndarray
    mark_symbol: np.ndarray
    assumed: tuple[str, ...] = ()


def without_gaps(samples: np.ndarray) -> np.ndarray:
    """The samples with the value before each gap in it; NaN is a gap."""
    good = np.isfinite(samples)
    if good.all():
        return samples
    last = np.maximum.accumulate(np.where(good, np.arange(len(samples)), -1))
    return np.where(last >= 0, samples[last], samples[good.argmax()] if good.any() else 0)
