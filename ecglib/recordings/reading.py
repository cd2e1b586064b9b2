"""One reader for the ECGs that people have: arrays, text, WFDB, EDF and ISHNE files, zips of them.

What a file claims is checked before anything of that size is read; nothing in it is executed, and
nothing is written outside a temporary folder.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from ecglib.paths import scratch
from ecglib.recordings.readers.edf import open_edf
from ecglib.recordings.readers.ishne import open_ishne
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.readers.text_tables import UNTOLD, Layout
from ecglib.recordings.readers.unpacking import store_upload, unzip
from ecglib.recordings.readers.wfdb import open_wfdb
from ecglib.recordings.recording import LARGEST, Ecg, EcgFileError, Recording, Rows
from ecglib.recordings.wfdb_headers import MAX_LEADS, is_multi_segment

MAX_VALUES = 100_000_000  # of a recording that is read as a whole
MAX_TEXT = 50_000_000  # bytes: 10,000 beats in Kaggle's way of writing
FS_RANGE = (1, 10_000)  # Hz
TO_MV = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}


class MissingRateError(EcgFileError):
    """The source does not tell its sampling rate; give it as ``fs`` and try again."""


def as_recording(ecg: Ecg, lead: int | str | None = None) -> Recording:
    """Read an opened ECG into memory, or one lead of it."""
    chosen = range(len(ecg.leads)) if lead is None else [ecg.lead_number(lead)]
    if ecg.n_samples * len(chosen) > MAX_VALUES:
        raise EcgFileError(
            f"{ecg.name} has {ecg.n_samples:,} samples in {len(chosen)} leads, too many to "
            "hold at once: read one lead, or classify the file, which is done in blocks."
        )
    signal = np.stack([ecg.read(0, ecg.n_samples, k) for k in chosen], axis=1)
    return Recording(
        ecg.name, ecg.fs, signal, tuple(ecg.leads[k] for k in chosen),
        ecg.mark_sample, ecg.mark_symbol, ecg.assumed,
    )  # fmt: skip


@contextmanager
def open_ecg(source, *, fs: float | None = None, **how) -> Iterator[Ecg]:
    """Open a recording; what `open_source` does, but prepared beats are refused."""
    with open_source(source, fs=fs, **how) as opened:
        if not isinstance(opened, Ecg):
            raise EcgFileError(
                f"{opened[0].name} holds prepared beats, not a recording: read them with "
                "ecglib.beats.prepared.read_ecg and give their signal to Classifier.predict."
            )
        yield opened


@contextmanager
def open_source(
    source,
    *,
    fs: float | None = None,
    units: str | None = None,
    layout: Layout = UNTOLD,
    need_fs: bool = True,
) -> Iterator[Ecg | list[Rows]]:
    """Open an ECG to read it in blocks, so that a week of it needs no more memory than an hour.

    Parameters
    ----------
    source : array_like, str, Path or dict of {name: bytes}
        Samples of shape (n_samples,) or (n_samples, n_leads); a text file (CSV, TSV), a WFDB
        record, a folder or zip with one, an EDF, EDF+, BDF or ISHNE file; or the contents of
        uploaded files by name, those of one recording together.
    fs : float, optional
        Sampling rate in Hz; needed where the source does not tell it, and stronger than what it
        tells.
    units : {"mV", "uV", "nV", "V"}, optional
        Of the samples, where the source does not tell or is wrong.
    layout : Layout, optional
        Of a text file, where a person knows it.
    need_fs : bool
        Refuse what does not tell its sampling rate; otherwise the rate is NaN.

    Yields
    ------
    Ecg or list of Rows
        ``Ecg.read(start, stop, lead)`` gives the samples of one lead in mV, where the unit is
        known; ``assumed`` says what was taken for granted. Rows where text files hold rows as
        short as a beat.

    Raises
    ------
    EcgFileError
        The source is damaged, dangerous, of another kind or incomplete (a ValueError).
        `MissingRateError`, if only the sampling rate is missing.
    """
    if units is not None and units.lower() not in TO_MV:
        raise EcgFileError(f"There is no unit '{units}' of an ECG. Choose from mV, uV, nV, V.")
    with ExitStack() as opened:
        folder = cache(lambda: opened.enter_context(scratch()))  # made only for what is unpacked
        if isinstance(source, dict):
            source = store_upload(source, folder())
        if isinstance(source, str | Path):
            ecg = _open_path(Path(source), folder, layout)
        else:
            ecg = _from_array(source)
        if isinstance(ecg, Ecg):
            ecg = _settle(ecg, fs, units, need_fs)
        yield ecg


def _settle(ecg: Ecg, fs: float | None, units: str | None, need_fs: bool) -> Ecg:
    """The rate and unit that count, and sentences on what nobody has said."""
    assumed = list(ecg.assumed)
    if fs is not None and ecg.fs is not None and fs != ecg.fs:
        assumed.append(f"The sampling rate is {fs:g} Hz as you say, not {ecg.fs:g} as the file.")
    rate = ecg.fs if fs is None else fs
    if rate is None and need_fs:
        raise MissingRateError(
            f"{ecg.name} does not tell its sampling rate: give fs in Hz "
            "(360 for MIT-BIH, often 250 or 500 elsewhere)."
        )
    if rate is not None and not FS_RANGE[0] <= rate <= FS_RANGE[1]:
        raise EcgFileError(
            f"A sampling rate of {rate:g} Hz is impossible here; it is 1 to 10,000 Hz."
        )
    if not ecg.leads:
        raise EcgFileError(f"{ecg.name} holds no leads.")
    known = [(units or unit or "").lower() for unit in ecg.units]
    if not all(unit in TO_MV for unit in known):
        assumed.append("The unit is unknown; beats are scaled one by one, so classes need none.")
    factors = [TO_MV.get(unit, 1.0) for unit in known]
    read = ecg.read

    def in_mv(start: int, stop: int, lead: int) -> np.ndarray:
        with np.errstate(over="ignore"):
            value = np.asarray(read(start, stop, lead) * np.float32(factors[lead]), np.float32)
        return np.where(np.abs(value) < LARGEST, value, np.float32(np.nan))

    units_now = tuple("mV" if unit in TO_MV else "" for unit in known)
    return Ecg(
        ecg.name, float(rate or math.nan), ecg.leads, units_now, ecg.n_samples, in_mv,
        ecg.mark_sample, ecg.mark_symbol, tuple(assumed),
    )  # fmt: skip


def _from_array(samples) -> Ecg:
    try:
        samples = np.asarray(samples, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EcgFileError(f"An ECG is an array of numbers or a file: {error}.") from error
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.ndim != 2:
        raise EcgFileError(
            f"A recording of shape {samples.shape} can't be used; it is (n_samples,) or "
            "(n_samples, n_leads)."
        )
    if samples.shape[1] > MAX_LEADS:
        raise EcgFileError(
            f"A recording of {samples.shape[1]:,} leads can't be used: an array has one row a "
            "sample and one column a lead; if it is the other way round, give array.T."
        )
    leads = tuple(f"lead {k}" for k in range(samples.shape[1]))
    return Ecg(
        "the array", None, leads, ("mV",) * len(leads), len(samples),
        lambda start, stop, lead: samples[start:stop, lead],
    )  # fmt: skip


def _open_path(path: Path, folder: Callable[[], Path], layout: Layout) -> Ecg | list[Rows]:
    """Open whatever a path names."""
    if path.is_dir():
        return _open_folder(path, folder, layout)
    if not path.exists() and path.with_name(path.name + ".hea").is_file():
        path = path.with_name(path.name + ".hea")
    if not path.is_file():
        raise EcgFileError(
            f"The recording {path.name} can't be read: there is no such file. Give the path of a "
            "text, EDF or ISHNE file, of a zip or folder, or of a WFDB record (.hea and .dat)."
        )
    with path.open("rb") as file:
        start = file.read(16)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        target = folder() / "unpacked"
        if target.exists():
            raise EcgFileError("There is a zip file in the zip file: zip the recording itself.")
        target.mkdir()
        unzip(path, target)
        return _open_folder(target, folder, layout)
    if start[:8] == b"ISHNE1.0":
        return open_ishne(path)
    if start[:8] in (b"0       ", b"\xffBIOSEMI"):
        return open_edf(path)
    if path.suffix.lower() in {".hea", ".dat", ".atr"}:
        return open_wfdb(path)
    if path.stat().st_size > MAX_TEXT:
        raise EcgFileError(
            f"{path.name} has {path.stat().st_size / 1e6:.0f} MB, and the limit of text files is "
            f"{MAX_TEXT // 10**6} MB: split it; a recording may be stored as WFDB or EDF, which "
            "have no limit."
        )
    read = read_text(path.read_bytes(), path.name, layout)
    return [read] if isinstance(read, Rows) else read


def _open_folder(path: Path, folder: Callable[[], Path], layout: Layout) -> Ecg | list[Rows]:
    """Open the one recording in a folder, or all its files of beats."""
    files = [f for f in sorted(path.rglob("*")) if f.is_file() and not f.name.startswith(".")]
    found = [f for f in files if f.suffix.lower() == ".hea"]
    found = [f for f in found if is_multi_segment(f)] or found  # the others are its segments
    found = found or [f for f in files if f.suffix.lower() in {".edf", ".bdf", ".ecg", ".zip"}]
    texts = [f for f in files if f.suffix.lower() in {".csv", ".tsv", ".txt"}]
    found = found or texts or files
    if len(found) == 1:
        return _open_path(found[0], folder, layout)
    if found and found == texts:
        rows = []
        for file in texts:
            opened = _open_path(file, folder, layout)
            if isinstance(opened, Ecg):
                break
            rows += opened
        else:
            return rows
    if not found:
        raise EcgFileError(f"One recording is wanted, and there is no ECG in {path.name}.")
    names = ", ".join(f"'{f.name}'" for f in found[:3])
    raise EcgFileError(
        f"One recording is wanted, and there are {len(found)} in {path.name}: {names}. Name one "
        "of them. Only files of beats can be read together."
    )
