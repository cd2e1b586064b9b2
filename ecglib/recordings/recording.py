"""One ECG recording: its leads, its annotations, its sampling rate.

An `Ecg` is opened and read in blocks; a `Recording` is in memory.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from numbers import Integral

import numpy as np

from ecglib.labels import SYMBOL_TO_CLASS

PREFERRED = ("MLII", "II", "ML2", "ECG1")  # names of the lead that the models are trained on
SECOND = ("V1", "V5", "V2", "V4", "V3", "ECG2")  # the second leads of MIT-BIH, most frequent first
SHOWN = 12  # leads that an error names
MAX_VALUES = 100_000_000  # of a recording in memory
TO_MV = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}
LARGEST = 1e30  # in any unit; differences of smaller values stay within float32
RECORDING_FS = 360  # Hz, the rate of the MIT-BIH recordings, at which beats are found and cut


class EcgFileError(ValueError):
    """A file or array is not a usable ECG; the message says why and how to mend it."""


class _Annotated:
    """Leads and annotations of a recording, opened or in memory."""

    def lead_number(self, lead: int | str) -> int:
        """The number of a lead, given by number from 0 or by name."""
        if isinstance(lead, str):
            upper, plain = ([f(n) for n in self.leads] for f in (str.upper, plain_name))
            if lead.upper() in upper:
                return upper.index(lead.upper())
            if plain_name(lead) in plain:
                return plain.index(plain_name(lead))
        elif isinstance(lead, Integral) and 0 <= lead < len(self.leads):
            return int(lead)
        shown = ", ".join(f"'{name}'" for name in self.leads[:SHOWN])
        raise EcgFileError(
            f"There is no lead {lead} in {self.name}; it has {len(self.leads)}, counted from 0: "
            f"{shown}."
        )

    @property
    def is_beat(self) -> np.ndarray:
        """Which annotations are beats, shape (n_marks,), bool."""
        return np.isin(self.mark_symbol, list(SYMBOL_TO_CLASS))

    def beats(self) -> tuple[np.ndarray, np.ndarray]:
        """Samples and symbols of the annotated beats, in time order."""
        return self.mark_sample[self.is_beat], self.mark_symbol[self.is_beat]


@dataclass(frozen=True)
class Recording(_Annotated):
    """A recording in memory: ``signal``, shape (n_samples, n_leads), in mV at ``fs`` Hz.

    ``mark_sample`` and ``mark_symbol``, shape (n_marks,), are all annotations in time order, beats
    and others (``"`` for an annotator's own code); ``assumed`` are sentences on what the source
    omits.
    """

    name: str
    fs: float
    signal: np.ndarray
    leads: tuple[str, ...]
    mark_sample: np.ndarray
    mark_symbol: np.ndarray
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ecg(_Annotated):
    """An opened ECG, read in parts; fields that `Recording` has as well mean the same.

    ``fs`` is None where the source does not tell it, a lead's unit is then ``""``.
    ``read(start, stop, lead)`` gives samples of one lead, float32, NaN in gaps.
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

    def in_millivolts(self) -> "Ecg":
        """The same ECG in mV where the unit is known; impossibly large values become gaps."""
        known = [unit.lower() for unit in self.units]
        factors = [np.float32(TO_MV.get(unit, 1)) for unit in known]

        def read(start: int, stop: int, lead: int) -> np.ndarray:
            with np.errstate(over="ignore"):
                value = np.asarray(self.read(start, stop, lead) * factors[lead], np.float32)
            return np.where(np.abs(value) < LARGEST, value, np.float32(np.nan))

        return replace(self, units=tuple("mV" * (unit in TO_MV) for unit in known), read=read)

    def load(self, leads: Sequence[int | str] | None = None) -> Recording:
        """All leads in memory, or the given ones."""
        chosen = [self.lead_number(k) for k in (range(len(self.leads)) if leads is None else leads)]
        if self.n_samples * len(chosen) > MAX_VALUES:
            raise EcgFileError(
                f"{self.name} has {self.n_samples:,} samples in {len(chosen)} leads, too many to "
                "hold in memory: read one lead, or classify the file, which is read in blocks."
            )
        signal = np.empty((self.n_samples, len(chosen)), np.float32)
        for column, lead in enumerate(chosen):
            signal[:, column] = self.read(0, self.n_samples, lead)
        names = tuple(self.leads[k] for k in chosen)
        marks = self.mark_sample, self.mark_symbol
        return Recording(self.name, self.fs, signal, names, *marks, self.assumed)


@dataclass(frozen=True)
class Rows:
    """Rows of numbers from a text file, too short for a recording: perhaps prepared beats."""

    name: str
    values: np.ndarray
    assumed: tuple[str, ...] = ()


def plain_name(lead: str) -> str:
    """A lead's short name: ``ECG lead II`` is ``II``."""
    words = re.split(r"[\s_-]+", lead.upper())
    return "".join(word for word in words if word not in ("ECG", "LEAD")) or lead.upper()


def likely_leads(names: Sequence[str], most: int) -> list[int]:
    """Numbers of up to ``most`` leads, those most like the leads of MIT-BIH first."""
    plain = [plain_name(name) for name in names]
    first = next((plain.index(name) for name in PREFERRED if name in plain), 0)
    others = [plain.index(name) for name in SECOND if name in plain]
    others += [k for k in range(len(names)) if k not in others]
    return [first, *(k for k in others if k != first)][:most]


def resampling_ratio(fs: float) -> tuple[int, int]:
    """Numerator and denominator (up to 1,000) of 360 Hz over ``fs``, nearly."""
    ratio = Fraction(RECORDING_FS / fs).limit_denominator(1000)
    return ratio.numerator, ratio.denominator


def to_recording_fs(signal: np.ndarray, fs: float) -> np.ndarray:
    """One lead at 360 Hz, resampled with a polyphase filter where needed."""
    if fs == RECORDING_FS:
        return signal
    from scipy.signal import resample_poly

    # Padded with its end values: padded with zeros, it would begin with a false beat.
    return resample_poly(signal, *resampling_ratio(fs), padtype="edge").astype(np.float32)


def to_360(sample: np.ndarray, fs: float) -> np.ndarray:
    """Sample numbers at 360 Hz from those at ``fs``."""
    up, down = resampling_ratio(fs)
    return np.rint(sample * up / down).astype(np.int64)


def from_360(sample: np.ndarray, fs: float) -> np.ndarray:
    """Sample numbers at ``fs`` from those at 360 Hz."""
    up, down = resampling_ratio(fs)
    return np.rint(sample * down / up).astype(np.int64)


def without_gaps(samples: np.ndarray) -> np.ndarray:
    """The samples with gaps (NaN) filled by the value before them."""
    good = np.isfinite(samples)
    if good.all():
        return samples
    last = np.maximum.accumulate(np.where(good, np.arange(len(samples)), -1))
    return np.where(last >= 0, samples[last], samples[good.argmax()] if good.any() else 0)
