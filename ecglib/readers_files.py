"""The ECG formats that devices and archives write: WFDB, EDF and ISHNE, read in blocks.

Headers are checked against the size of the files before a library parses them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecglib.leads import lead_number
from ecglib.recordings import MAX_MARK_BYTES, EcgFileError, one_letter

MAX_HEADER = 65_536  # bytes of a WFDB header
MAX_LEADS = 64
# Storage format, samples a frame, skew in frames (wfdb takes memory for it), offset in bytes.
LAYOUT = r"(\d{1,3})(?:x(\d{1,6}))?(?::(\d{1,5}))?(?:\+(\d{1,12}))?"
# Bytes per sample of the WFDB formats that are read.
WFDB_BYTES = {
    "8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3,
    "311": 4 / 3,
}  # fmt: skip


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


# --- WFDB ----------------------------------------------------------------------------------------


def open_wfdb(path: Path) -> Ecg:
    """Open a WFDB record with its reference annotation (``.atr``), where there is one."""
    import wfdb

    base = path.with_suffix("") if path.suffix in {".hea", ".dat", ".atr"} else path
    check_wfdb_header(base)
    try:
        header = wfdb.rdheader(str(base))
        if not header.sig_len or not header.sig_name:
            raise ValueError("its header names no signals, or not how long they are")
        marks, assumed = None, []
        annotations = base.with_name(base.name + ".atr")
        if annotations.is_file() and annotations.stat().st_size > MAX_MARK_BYTES:
            assumed.append("The .atr file is too long for annotations and was left out.")
        elif annotations.is_file():
            marks = wfdb.rdann(str(base), "atr")
    except Exception as error:  # wfdb raises whatever its parsers run into
        raise _unreadable(base.name, error) from error
    if marks is not None and (
        (np.diff(marks.sample) < 0).any() or (marks.sample >= header.sig_len).any()
    ):
        marks = None
        assumed.append("The .atr file does not belong to the .dat file and was left out.")

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        try:
            record = wfdb.rdrecord(
                str(base), sampfrom=start, sampto=stop, channels=[lead], return_res=32
            )
        except Exception as error:
            raise _unreadable(base.name, error) from error
        return record.p_signal[:, 0]

    return Ecg(
        name=base.name,
        fs=float(header.fs),
        leads=tuple(name or f"lead {k}" for k, name in enumerate(header.sig_name)),
        units=tuple(unit or "" for unit in header.units),
        n_samples=int(header.sig_len),
        read=read,
        mark_sample=np.asarray([] if marks is None else marks.sample, dtype=np.int64),
        mark_symbol=np.asarray([] if marks is None else one_letter(marks.symbol), dtype="<U1"),
        assumed=tuple(assumed),
    )


def _unreadable(name: str, error: Exception) -> EcgFileError:
    return EcgFileError(
        f"The recording {name} can't be read ({type(error).__name__}). It needs a .hea and a .dat "
        "file in WFDB format, side by side and complete."
    )


def check_wfdb_header(base: Path) -> None:
    """Refuse a header that claims the impossible, before wfdb acts on it.

    wfdb 4.3 takes memory for as many samples as the header says, whatever the file's size.
    """
    path = base.with_name(base.name + ".hea")
    if not path.is_file():
        raise EcgFileError(
            f"The recording {base.name} can't be read: its header {path.name} is missing. WFDB "
            "records are a .hea and a .dat file, side by side."
        )

    def refuse(what: str) -> EcgFileError:
        return EcgFileError(f"The header {path.name} {what}: it is damaged, or not of a WFDB ECG.")

    if path.stat().st_size > MAX_HEADER:
        raise refuse("is longer than 64 kB")
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise refuse("is empty")
    record = lines[0].split()
    if "/" in record[0]:
        raise refuse("joins several segments, which are to be read one by one")
    if Path(record[0]).name != record[0] or len(record) < 2 or not record[1].isdecimal():
        raise refuse("does not begin with a name and a number of signals")
    n_signals = int(record[1][:6])
    if not 1 <= n_signals <= MAX_LEADS or len(lines) < n_signals + 1:
        raise refuse(f"speaks of {n_signals:,} signals and describes {len(lines) - 1:,}")
    rate = re.match(r"[-+0-9.eE]+", record[2]) if len(record) > 2 else None
    try:
        fs = float(rate[0]) if rate else 250.0
    except ValueError:
        fs = 0.0
    if not 1 <= fs <= 10_000:
        raise refuse(f"gives a sampling rate of {record[2][:20]}, and 1 to 10,000 Hz are possible")
    length = record[3] if len(record) > 3 else "0"
    if not length.isdecimal() or len(length) > 12:
        raise refuse(f"gives a length of {length[:20]}")

    bytes_needed: dict[str, float] = {}
    for line in lines[1 : n_signals + 1]:
        fields = line.split()
        layout = re.fullmatch(LAYOUT, "".join(fields[1:2]))
        if not layout or layout[1] not in WFDB_BYTES:
            raise refuse(f"names a storage format that is not read here ({fields[1:2]})")
        if re.fullmatch(r"[\w.+-]+", fields[0]) is None or fields[0].startswith("."):
            raise refuse("points to a file elsewhere")
        size = WFDB_BYTES[layout[1]] * int(layout[2] or 1) * int(length)
        bytes_needed[fields[0]] = bytes_needed.get(fields[0], float(layout[4] or 0)) + size
    for name, needed in bytes_needed.items():
        file = base.with_name(name)
        if not file.is_file():
            raise EcgFileError(
                f"The recording {base.name} needs the file {name}, which is missing: WFDB records "
                "are a .hea and a .dat file, side by side."
            )
        if needed > file.stat().st_size + 8:
            raise EcgFileError(
                f"The recording {base.name} can't be read: {name} has "
                f"{file.stat().st_size:,} bytes, and the header promises {needed:,.0f}. "
                "The file is truncated; copy it again."
            )


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
