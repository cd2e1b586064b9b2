"""Reading ECG recordings: WFDB files in, millivolts and annotations out."""

import re
import shutil
from pathlib import Path

import numpy as np

from ecglib.paths import atomic_write, scratch
from ecglib.recordings.recording import EcgFileError, Recording
from ecglib.recordings.wfdb_headers import check_wfdb_header

MAX_MARK_BYTES = 700_000  # for which wfdb takes nearly two seconds; a day of beats has 0.3 MB
NOTE = '"'  # the symbol of a mark that only comments


def read_recording(path: str | Path, leads: list[int] | None = None) -> Recording:
    """Read a WFDB recording and, where there is one, its reference annotation (``.atr``).

    Parameters
    ----------
    path : str or Path
        Record path, with or without a suffix: ``mitdb/100`` or ``mitdb/100.hea``.
    leads : list of int, optional
        Which leads to read, counted from 0; all of them by default.

    Returns
    -------
    Recording

    Raises
    ------
    EcgFileError
        The files are missing, damaged or not WFDB (a ValueError).
    """
    import wfdb

    path = Path(path)
    if path.suffix in {".hea", ".dat", ".atr"}:
        path = path.with_suffix("")
    check_wfdb_header(path)
    try:
        record = wfdb.rdrecord(str(path), channels=leads, return_res=32)
        annotations = path.with_name(path.name + ".atr")
        sample, symbol = [], []
        if annotations.is_file():
            if annotations.stat().st_size > MAX_MARK_BYTES:
                raise ValueError(f"{annotations.name} is too large for annotations")
            marks = wfdb.rdann(str(path), "atr")
            sample, symbol = marks.sample, one_letter(marks.symbol)
            if len(sample) and not 0 <= min(sample) <= max(sample) <= record.sig_len:
                raise ValueError(
                    f"{annotations.name} has annotations outside the signal, so it is of another "
                    "recording"
                )
    except Exception as error:  # wfdb raises whatever its parsers run into
        raise EcgFileError(
            f"The recording {path.name} can't be read ({type(error).__name__}: {error}). "
            "It needs a .hea and a .dat file in WFDB format, side by side and complete."
        ) from error
    return Recording(
        name=path.name,
        fs=float(record.fs),
        signal=record.p_signal.astype(np.float32, copy=False),
        leads=tuple(name or f"lead {i}" for i, name in enumerate(record.sig_name)),
        mark_sample=np.asarray(sample, dtype=np.int64),
        mark_symbol=np.asarray(symbol, dtype="<U1"),
    )


def one_letter(symbols: list) -> list[str]:
    """Annotation symbols as wfdb reads them, a note for every code of an annotator's own.

    Those have no symbol (NaN) or a word, and the first letter of either would be one of a beat.
    """
    return [s if isinstance(s, str) and len(s) == 1 else NOTE for s in symbols]


def record_names(folder: str | Path) -> list[str]:
    """Names of the annotated WFDB recordings in a folder (``.hea`` and ``.atr``), sorted."""
    folder = Path(folder)
    annotated = {path.stem for path in folder.glob("*.atr")}
    return sorted(annotated & {path.stem for path in folder.glob("*.hea")})


def write_annotations(table, path: str | Path, fs: float) -> None:
    """Write the beats of a classified recording as WFDB annotations, for LightWAVE and the like.

    Parameters
    ----------
    table : DataFrame
        From ``classify_recording``: ``sample``, ``label``, ``uncertain``, ``quality``.
        A beat without a verdict is written as ``|``, an isolated QRS-like artifact, with the reason
        as a note; beats that a person should look at have the note ``uncertain``.
    path : str or Path
        Such as ``100.atr``, or ``100.ai`` to leave the reference annotation alone. It holds the
        old annotations or the new ones, never a part.
    fs : float
        Sampling rate in Hz that ``sample`` counts in.

    Raises
    ------
    ValueError
        There is no beat to write, or the name is none that WFDB reads.
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
        wfdb.wrann(
            path.stem,
            extension,
            table["sample"].to_numpy(dtype=np.int64),
            [label or "|" for label in table["label"]],
            aux_note=notes.tolist(),
            fs=fs,
            write_dir=str(folder),
        )
        shutil.copyfile(folder / path.name, temporary)
