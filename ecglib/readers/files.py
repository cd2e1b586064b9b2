"""The ECG formats that recorders write, EDF and ISHNE, read in blocks.

Headers are checked against the size of the files before a library parses them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecglib.leads import lead_number
from ecglib.recordings import EcgFileError


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
        Annotations, as in `ecglib.recordings.Recording`.
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


# --- EDF -----------------------------------------------------------------------------------------


def open_edf(path: Path) -> Ecg:
    """Open an EDF, EDF+ or BDF file: its ECG leads, or those that may be ECG leads."""
    import edfio

    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            head = file.read(256)
            n_signals = int(head[252:256])
            if not 1 <= n_signals <= 512 or int(head[184:192]) != 256 * (n_signals + 1):
                raise ValueError("the number of signals is impossible")
            labels = file.read(256 * n_signals)
        per_record = [int(labels[216 * n_signals + 8 * k :][:8]) for k in range(n_signals)]
        sample_bytes = 3 if head[0] == 0xFF else 2
        needed = 256 * (n_signals + 1) + int(head[236:244]) * sum(per_record) * sample_bytes
        if min(per_record) < 1 or needed > size + 1 or int(head[236:244]) < 1:
            raise ValueError("it is shorter than its header says")
        if head[192:197] == b"EDF+D":
            raise ValueError("it has gaps (EDF+D), which are not read")
        edf = edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")
        signals = [s for s in edf.signals if 1 <= s.sampling_frequency <= 10_000]
        named = [s for s in signals if re.search(r"ecg|ekg", s.label, re.IGNORECASE)]
        electric = [s for s in signals if s.physical_dimension.lower() in {"mv", "uv", "µv", "v"}]
        chosen = named or electric or signals
        chosen = [s for s in chosen if s.sampling_frequency == chosen[0].sampling_frequency]
        if not chosen:
            raise ValueError("no signal has a usable sampling rate")
        if any(s.digital_max <= s.digital_min for s in chosen):
            raise ValueError("a digital range is empty")
        scale = [
            (s.physical_max - s.physical_min) / (s.digital_max - s.digital_min) for s in chosen
        ]
        fs = float(chosen[0].sampling_frequency)
        n_samples = edf.num_data_records * chosen[0].samples_per_data_record
        units = tuple(s.physical_dimension for s in chosen)
        leads = tuple(s.label for s in chosen)
    except Exception as error:  # edfio raises whatever its parsers run into
        reason = error if isinstance(error, ValueError) else type(error).__name__
        raise EcgFileError(
            f"The EDF file {path.name} can't be read: {str(reason)[:100]}. Export it again."
        ) from error
    assumed = []
    if not named:
        assumed.append(f"No lead is called ECG; taken for ECG: {', '.join(leads[:12])}.")

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        signal = chosen[lead]
        # Half a sample further, so that rounding inside edfio can't fall short.
        digital = signal.get_digital_slice((start + 0.25) / fs, (stop + 0.25) / fs)
        digital = digital[: stop - start].astype(np.float64)
        return (signal.physical_min + (digital - signal.digital_min) * scale[lead]).astype(
            np.float32
        )

    return Ecg(path.stem, fs, leads, units, n_samples, read, assumed=tuple(assumed))


# --- ISHNE ---------------------------------------------------------------------------------------

ISHNE_LEADS = (
    "unknown", "generic", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3",
    "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip
# The fixed header from byte 10 on (Badilini 1998); only what is needed has a name.
ISHNE_HEADER = np.dtype(
    [
        ("variable_bytes", "<i4"), ("n_samples", "<i4"), ("variable_at", "<i4"), ("ecg_at", "<i4"),
        ("_person", "S130"), ("n_leads", "<i2"), ("lead", "<i2", 12), ("quality", "<i2", 12),
        ("nanovolt", "<i2", 12), ("pacemaker", "<i2"), ("recorder", "S40"), ("fs", "<i2"),
    ]
)  # fmt: skip


def open_ishne(path: Path) -> Ecg:
    """Open an ISHNE Holter file: a fixed header, then interleaved 16-bit samples.

    No maintained library reads the format (Badilini, The ISHNE Holter standard output file
    format, Ann. Noninvasive Electrocardiol. 3, 1998).
    """
    with path.open("rb") as file:
        content = file.read(10 + ISHNE_HEADER.itemsize)[10:]
    size = path.stat().st_size
    header = np.frombuffer(content.ljust(ISHNE_HEADER.itemsize, b"\0"), dtype=ISHNE_HEADER)[0]
    n_leads, at = int(header["n_leads"]), int(header["ecg_at"])
    if not (1 <= n_leads <= 12 and 1 <= header["fs"] <= 10_000 and 522 <= at < size):
        raise EcgFileError(f"The ISHNE file {path.name} has an impossible header: it is damaged.")
    n_samples = (size - at) // 2 // n_leads
    # The standard counts samples of one lead; some recorders count those of all leads together.
    if int(header["n_samples"]) not in (n_samples, n_samples * n_leads):
        if int(header["n_samples"]) > n_samples * n_leads:
            raise EcgFileError(f"The ISHNE file {path.name} is truncated; copy it again.")
        n_samples = min(n_samples, int(header["n_samples"]))
    samples = np.memmap(path, "<i2", "r", at, (n_samples, n_leads))
    step = header["nanovolt"][:n_leads] * 1e-6
    names = [ISHNE_LEADS[k] if 0 <= k < len(ISHNE_LEADS) else "" for k in header["lead"]]

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        return samples[start:stop, lead].astype(np.float32) * np.float32(step[lead] or 1)

    units = tuple("mV" if value > 0 else "" for value in step)
    return Ecg(path.stem, float(header["fs"]), tuple(names[:n_leads]), units, n_samples, read)
