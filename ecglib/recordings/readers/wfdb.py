"""WFDB records, read in blocks: of one segment or of several."""

from pathlib import Path

import numpy as np

from ecglib.recordings.recording import Ecg, EcgFileError
from ecglib.recordings.wfdb import MAX_MARK_BYTES, one_letter
from ecglib.recordings.wfdb_headers import check_wfdb_header, is_multi_segment


def open_wfdb(path: Path) -> Ecg:
    """Open a WFDB record with its reference annotation (``.atr``), where there is one."""
    import wfdb

    base = path.with_suffix("") if path.suffix.lower() in {".hea", ".dat", ".atr"} else path
    check_wfdb_header(base)
    multi = is_multi_segment(base.with_name(base.name + ".hea"))
    try:
        header = wfdb.rdheader(str(base), rd_segments=multi)
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

    described = [part for part in header.segments if part] if multi else [header]
    units = {n: u for part in described for n, u in zip(part.sig_name, part.units, strict=True)}

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        if not multi:
            return _samples(base, start, stop, lead)
        signal, name, begin = np.full(stop - start, np.nan, np.float32), header.sig_name[lead], 0
        for part, n in zip(header.segments, header.seg_len, strict=True):
            first, last = max(start, begin), min(stop, begin + n)
            if part and first < last and name in part.sig_name:
                signal[first - start : last - start] = _samples(
                    base.with_name(part.record_name),
                    first - begin,
                    last - begin,
                    part.sig_name.index(name),
                )
            begin += n
        return signal

    return Ecg(
        name=base.name,
        fs=float(header.fs),
        leads=tuple(name or f"lead {k}" for k, name in enumerate(header.sig_name)),
        units=tuple(units.get(name) or "" for name in header.sig_name),
        n_samples=int(header.sig_len),
        read=read,
        mark_sample=np.asarray([] if marks is None else marks.sample, dtype=np.int64),
        mark_symbol=np.asarray([] if marks is None else one_letter(marks.symbol), dtype="<U1"),
        assumed=tuple(assumed),
    )


def _samples(base: Path, start: int, stop: int, lead: int) -> np.ndarray:
    """Samples of one lead of a record without segments."""
    import wfdb

    try:
        record = wfdb.rdrecord(
            str(base), sampfrom=start, sampto=stop, channels=[lead], return_res=32
        )
    except Exception as error:
        raise _unreadable(base.name, error) from error
    return record.p_signal[:, 0]


def _unreadable(name: str, error: Exception) -> EcgFileError:
    return EcgFileError(
        f"The recording {name} can't be read ({type(error).__name__}). It needs a .hea and a .dat "
        "file in WFDB format, side by side and complete."
    )
