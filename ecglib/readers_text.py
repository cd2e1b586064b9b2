"""ECGs from text files: which column is the time, and what the rest is."""

import re
from dataclasses import replace
from datetime import datetime

import numpy as np

from ecglib.beats import BEAT_SAMPLES, Beats
from ecglib.readers_beats import prepared_beats
from ecglib.readers_files import Ecg
from ecglib.recordings import EcgFileError
from ecglib.text_tables import UNTOLD, Layout, read_table

MAX_COLUMNS = 32  # of a recording written in columns
STEADY = 0.02  # how much the steps of a time column may differ from their median
UNIT = re.compile(r"\b(mv|uv|µv|μv|nv|millivolts?|microvolts?)\b", re.IGNORECASE)
RATE = re.compile(r"(?:rate|frequency|\bfs\b)[^\d\n]{0,20}(\d+(?:[.,]\d+)?)", re.IGNORECASE)
HERTZ = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz)\b", re.IGNORECASE)


def read_text(content: bytes, name: str, layout: Layout = UNTOLD) -> Ecg | Beats:
    """Read a recording, or prepared beats, from a text file.

    Numbers may be parted by commas, semicolons, tabs or spaces, in columns or in rows, with a
    decimal comma, below a header, beside a time column; in UTF-8, UTF-16 or Latin-1.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        Of the file.
    layout : Layout, optional
        By default all of it is found out.

    Returns
    -------
    Ecg or Beats
        Beats where the file holds rows of 33 to 188 numbers, or so few in a row or column that
        they can't be a recording: see `ecglib.readers_beats.prepared_beats`.

    Raises
    ------
    EcgFileError
        The file is no text or no table of numbers.
    """
    read = read_table(content, name, layout)
    table, assumed = read.values, list(read.assumed)
    if layout.kind == "beats" or (layout.kind == "auto" and _is_beats(*table.shape)):
        beats = prepared_beats(table.T if table.shape[1] == 1 else table, name)
        return replace(beats, assumed=(*assumed, *beats.assumed))
    if table.shape[0] < table.shape[1]:
        table = table.T
        assumed.append("Every lead is a row.")
    if table.shape[1] > MAX_COLUMNS:
        raise EcgFileError(
            f"{name} is a table of {table.shape[0]:,} by {table.shape[1]:,} numbers: neither a few "
            "leads of a recording nor beats of 187 samples each."
        )
    titles = _titles(read.above, table.shape[1] + (read.clock is not None))
    if read.clock:
        rate = _clock_rate(*read.clock, len(table), name)
        titles = titles[1:]
    else:
        rate, is_time = _time_column(table, titles, assumed)
        if is_time:
            table, titles = table[:, 1:], titles[1:]
    told = RATE.search(read.story) or HERTZ.search(read.story)
    if told and rate is None:
        rate = float(told[1].replace(",", "."))
    unit = UNIT.search(read.story)
    unit = unit[1].lower().replace("millivolt", "mv").replace("microvolt", "uv") if unit else ""
    if not np.isfinite(table).any():
        raise EcgFileError(f"{name} holds no finite number.")
    signal = table.astype(np.float32)
    return Ecg(
        name=name, fs=rate,
        leads=tuple(title or f"lead {k}" for k, title in enumerate(titles)),
        units=(unit.rstrip("s"),) * signal.shape[1], n_samples=len(signal),
        read=lambda start, stop, lead: signal[start:stop, lead], assumed=tuple(assumed),
    )  # fmt: skip


def _is_beats(rows: int, width: int) -> bool:
    """Whether a table is of beats; less than 189 samples are no recording."""
    longest = BEAT_SAMPLES + 1
    return MAX_COLUMNS < width <= longest or (1 in (rows, width) and rows * width <= longest)


def _titles(above: list[list[str]], n: int) -> list[str]:
    """The columns' names from the line above the numbers that has as many."""
    for fields in reversed(above):
        if len(fields) == n and not UNIT.fullmatch(fields[-1]) and "," not in fields[-1]:
            return [field[:40] for field in fields]
    return [""] * n


def _time_column(
    table: np.ndarray, titles: list[str], assumed: list[str]
) -> tuple[float | None, bool]:
    """The sampling rate from a first column that rises steadily, and whether there is one."""
    if table.shape[1] < 2 or len(table) < 3 or not np.isfinite(table[:, 0]).all():
        return None, False
    step = np.diff(table[:, 0])
    usual, mean = float(np.median(step)), float(step.mean())
    rounded = np.abs(step - mean).max() <= 0.51 * mean  # such as 0.002, 0.003, 0.003
    if (step <= 0).any() or not (rounded or abs(mean - usual) <= STEADY * usual):
        return None, False
    title = titles[0].lower()
    named = re.search(r"time|zeit|temps|elapsed|\bt\b|\bms\b|\bs\b|sec", title)
    if re.search(r"\bms\b|msec|milli", title):
        rate = 1000 / mean
    elif re.search(r"\bs\b|sec", title):
        rate = 1 / mean
    elif usual == 1 and not named:
        assumed.append("The first column counts the samples.")
        return None, True
    else:
        rate = 1 / mean if usual < 0.1 else 1000 / mean
        assumed.append(
            f"The first column is the time in {'seconds' if usual < 0.1 else 'milliseconds'}."
        )
    rate = round(rate) if abs(rate - round(rate)) < 0.003 * rate else rate
    return float(rate), True


def _clock_rate(begin: str, end: str, n: int, name: str) -> float:
    """The sampling rate from a column such as 0:00.003 or 2026-01-31T10:00:00.003."""
    seconds = _seconds(end) - _seconds(begin)
    if not seconds > 0:
        raise EcgFileError(f"The times in {name} can't be read: '{begin[:30]}' to '{end[:30]}'.")
    rate = (n - 1) / seconds
    return float(round(rate) if abs(rate - round(rate)) < 0.003 * rate else rate)


def _seconds(clock: str) -> float:
    """Seconds of a clock time, of a date and time, or NaN."""
    try:
        return datetime.fromisoformat(clock).timestamp()
    except ValueError:
        pass
    try:
        return sum(float(part) * 60**k for k, part in enumerate(reversed(clock.split(":"))))
    except ValueError:
        return float("nan")
