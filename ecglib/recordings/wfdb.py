"""WFDB records: recordings and annotations read, annotations written."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ecglib.paths import atomic_write, scratch
from ecglib.recordings.recording import Ecg, EcgFileError, Recording
from ecglib.recordings.wfdb_headers import check_wfdb_header, is_multi_segment

MAX_MARK_BYTES = 700_000  # for which wfdb takes nearly two seconds; a day of beats has 0.3 MB
NO_MARKS = np.zeros(0, np.int64), np.zeros(0, "<U1")
NOTE = '"'  # the symbol of a mark that only comments


def read_recording(path: str | Path, leads: list[int] | None = None) -> Recording:
    """Read a WFDB recording and, where there is one, its reference annotation (``.atr``).

    Parameters
    ----------
    path : str or Path
        Record path, with or without a suffix: ``mitdb/100`` or ``mitdb/100.hea``.
    leads : list of int, optional
        Leads to read, counted from 0; all of them by default.

    Returns
    -------
    Recording

    Raises
    ------
    EcgFileError
        The files are missing, damaged, not WFDB or of different recordings (a ValueError).
    """
    return open_wfdb(Path(path), need_marks=True).in_millivolts().load(leads)


def open_wfdb(path: Path, need_marks: bool = False) -> Ecg:
    """Open a WFDB record, of one segment or of several, with its annotations.

    Unusable annotations are an error with ``need_marks``; otherwise they are left out, and
    ``assumed`` says so.
    """
    import wfdb

    base = path.with_suffix("") if path.suffix.lower() in {".hea", ".dat", ".atr"} else path
    check_wfdb_header(base)
    multi = is_multi_segment(base.with_name(base.name + ".hea"))
    with _readable(base.name):
        header = wfdb.rdheader(str(base), rd_segments=multi)
        if not header.sig_len or not header.sig_name:
            raise ValueError("the header names no signals, or no length")
    marks, assumed = NO_MARKS, ()
    try:
        marks = _read_marks(base, header.sig_len)
    except ValueError as error:
        if need_marks:
            raise EcgFileError(
                f"The recording {base.name} can't be read with its annotations: {error}. Copy "
                f"{base.name}.atr again, or remove it."
            ) from error
        assumed = (f"The annotations (.atr) were left out: {error}.",)

    described = [part for part in header.segments if part] if multi else [header]
    units = {n: u for part in described for n, u in zip(part.sig_name, part.units, strict=True)}

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        if not multi:
            return _samples(base, start, stop, lead)
        signal, name, begin = np.full(stop - start, np.nan, np.float32), header.sig_name[lead], 0
        for part, n in zip(header.segments, header.seg_len, strict=True):
            first, last = max(start, begin) - begin, min(stop, begin + n) - begin
            if part and first < last and name in part.sig_name:
                own = base.with_name(part.record_name), first, last, part.sig_name.index(name)
                signal[first + begin - start : last + begin - start] = _samples(*own)
            begin += n
        return signal

    return Ecg(
        name=base.name,
        fs=float(header.fs),
        leads=tuple(name or f"lead {k}" for k, name in enumerate(header.sig_name)),
        units=tuple(units.get(name) or "" for name in header.sig_name),
        n_samples=int(header.sig_len),
        read=read,
        mark_sample=marks[0],
        mark_symbol=marks[1],
        assumed=assumed,
    )


def _read_marks(base: Path, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples and symbols of a record's annotations; none where it has no ``.atr`` file."""
    import wfdb

    path = base.with_name(base.name + ".atr")
    if not path.is_file():
        return NO_MARKS
    if path.stat().st_size > MAX_MARK_BYTES:
        raise ValueError("the file is too large for annotations")
    try:
        marks = wfdb.rdann(str(base), "atr")
    except Exception as error:
        raise ValueError(f"the file is damaged ({type(error).__name__})") from error
    sample = np.asarray(marks.sample, dtype=np.int64)
    if (np.diff(sample, prepend=0, append=n_samples) < 0).any():
        raise ValueError("they are out of order or outside the signal, so of another recording")
    inside = sample < n_samples  # a rounded time may be right at the end
    # An annotator's own code has no symbol (NaN) or a word, which must not be cut to a beat's.
    symbols = [s if isinstance(s, str) and len(s) == 1 else NOTE for s in marks.symbol]
    return sample[inside], np.array(symbols, dtype="<U1")[inside]


def _samples(base: Path, start: int, stop: int, lead: int) -> np.ndarray:
    """Samples of one lead of a record without segments."""
    import wfdb

    part = {"sampfrom": start, "sampto": stop, "channels": [lead]}
    with _readable(base.name):
        return wfdb.rdrecord(str(base), return_res=32, **part).p_signal[:, 0]


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn any error of wfdb's parsers into one sentence."""
    try:
        yield
    except Exception as error:
        raise EcgFileError(
            f"The recording {name} can't be read ({type(error).__name__}). It needs a .hea and a "
            ".dat file in WFDB format, side by side and complete."
        ) from error


def record_names(folder: str | Path) -> list[str]:
    """Names of the annotated WFDB recordings in a folder (``.hea`` and ``.atr``), sorted."""
    folder = Path(folder)
    annotated = {path.stem for path in folder.glob("*.atr")}
    return sorted(annotated & {path.stem for path in folder.glob("*.hea")})


def write_annotations(table, path: str | Path, fs: float) -> None:
    """Write a table of `classify_recording` as WFDB annotations, such as ``100.atr``, atomically.

    An unreadable beat becomes ``|``, an isolated QRS-like artifact, with the reason as a note; a
    beat that a person should check gets the note ``uncertain``.
    """
    import wfdb

    path = Path(path)
    extension = path.suffix[1:]
    if not len(table) or not extension.isalpha() or not re.fullmatch(r"[\w-]+", path.stem):
        raise ValueError(
            f"{path.name} can't be written: annotations need at least one beat, and a name of "
            "letters, digits, - and _ with a suffix of letters, such as 100.atr."
        )
    notes = np.where(table["uncertain"], "uncertain", "")
    notes = np.where(table["label"] == "", table["quality"], notes)
    with scratch() as folder, atomic_write(path) as temporary:
        sample = table["sample"].to_numpy(dtype=np.int64)
        symbols = [label or "|" for label in table["label"]]
        how = {"fs": fs, "aux_note": notes.tolist(), "write_dir": str(folder)}
        wfdb.wrann(path.stem, extension, sample, symbols, **how)
        shutil.copyfile(folder / path.name, temporary)
