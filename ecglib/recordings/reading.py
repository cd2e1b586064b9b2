"""One way to open any ECG: arrays, text, WFDB, EDF and ISHNE files, folders and zips of them.

A file's claims are checked before memory is allocated for them; nothing in a file is executed, and
nothing is written outside a temporary folder.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from ecglib.paths import scratch
from ecglib.recordings.readers.edf import open_edf
from ecglib.recordings.readers.ishne import open_ishne
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.readers.text_tables import UNTOLD, Layout
from ecglib.recordings.readers.unpacking import store_upload, unzip
from ecglib.recordings.recording import TO_MV, Ecg, EcgFileError, Rows
from ecglib.recordings.wfdb import open_wfdb
from ecglib.recordings.wfdb_headers import MAX_LEADS, is_multi_segment

MAX_TEXT = 50_000_000  # bytes: 10,000 beats as Kaggle writes them
FS_RANGE = (1, 10_000)  # Hz


class MissingRateError(EcgFileError):
    """The source does not tell its sampling rate; give it as ``fs`` and try again."""


@contextmanager
def open_ecg(source, *, fs: float | None = None, **how) -> Iterator[Ecg]:
    """Open a recording as `open_source` does; prepared beats are refused."""
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

    ``source`` is an array of shape (n_samples,) or (n_samples, n_leads); the path of a text, EDF,
    EDF+, BDF or ISHNE file, of a WFDB record, or of a folder or zip with one; or a dict of uploaded
    files, the contents by name. ``fs`` in Hz and ``units`` (mV, uV, nV or V) count more than the
    source's own; without ``need_fs``, an unknown rate is NaN. Text files with rows as short as a
    beat give a list of `Rows`.
    """
    if units is not None and units.lower() not in TO_MV:
        raise EcgFileError(f"An ECG in '{units}' can't be read. Choose from mV, uV, nV, V.")
    with ExitStack() as opened:
        folder = cache(lambda: opened.enter_context(scratch()))  # made only for unpacked files
        if isinstance(source, dict):
            source = store_upload(source, folder())
        if isinstance(source, str | Path):
            ecg = _open_path(Path(source), folder, layout)
        else:
            ecg = _from_array(source)
        if isinstance(ecg, Ecg):
            ecg = _complete(ecg, fs, units, need_fs)
        yield ecg


def _complete(ecg: Ecg, fs: float | None, units: str | None, need_fs: bool) -> Ecg:
    """The ECG in mV with the given rate and unit, and with sentences on what is unknown."""
    assumed = list(ecg.assumed)
    if fs is not None and ecg.fs is not None and fs != ecg.fs:
        assumed.append(f"The sampling rate is {fs:g} Hz as given, not {ecg.fs:g} Hz as stored.")
    rate = ecg.fs if fs is None else fs
    if rate is None and need_fs:
        raise MissingRateError(
            f"The sampling rate of {ecg.name} is unknown: give fs in Hz "
            "(360 for MIT-BIH, often 250 or 500 elsewhere)."
        )
    if rate is not None and not FS_RANGE[0] <= rate <= FS_RANGE[1]:
        raise EcgFileError(f"The sampling rate must be 1 to 10,000 Hz, not {rate:g} Hz.")
    if not ecg.leads:
        raise EcgFileError(f"{ecg.name} holds no leads.")
    if units:
        ecg = replace(ecg, units=(units,) * len(ecg.leads))
    ecg = ecg.in_millivolts()
    if not all(ecg.units):
        assumed.append("The unit is unknown; classes do not depend on it.")
    return replace(ecg, fs=float(rate or math.nan), assumed=tuple(assumed))


def _from_array(samples) -> Ecg:
    """An array of shape (n_samples,) or (n_samples, n_leads) as an ECG in mV."""
    try:
        samples = np.asarray(samples, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EcgFileError(f"An ECG is an array of numbers or a file: {error}.") from error
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.ndim != 2:
        raise EcgFileError(
            f"A recording has the shape (n_samples,) or (n_samples, n_leads), not {samples.shape}."
        )
    if samples.shape[1] > MAX_LEADS:
        raise EcgFileError(
            f"An array of {samples.shape[1]:,} leads can't be read: it needs one row a sample and "
            "one column a lead; if they are swapped, give array.T."
        )
    leads = tuple(f"lead {k}" for k in range(samples.shape[1]))
    return Ecg(
        "the array", None, leads, ("mV",) * len(leads), len(samples),
        lambda start, stop, lead: samples[start:stop, lead],
    )  # fmt: skip


def _open_path(path: Path, folder: Callable[[], Path], layout: Layout) -> Ecg | list[Rows]:
    """Open the recording, or the beats, at a path."""
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
            f"{MAX_TEXT // 10**6} MB: split it, or store the recording as WFDB or EDF, which have "
            "no limit."
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
