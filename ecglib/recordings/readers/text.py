"""ECGs from text files: the time column, the leads, and the words of the header."""

import math
import re
from contextlib import suppress
from datetime import datetime

import numpy as np

from ecglib.recordings.readers.text_tables import UNTOLD, Layout, read_table
from ecglib.recordings.recording import Ecg, EcgFileError, Rows

MAX_COLUMNS = 32  # of a recording written in columns
LONGEST_BEAT = 188  # values with the label; a longer row or column is a recording
STEADY = 0.02  # by which the steps of a time column may differ from their median
UNIT = re.compile(  # but not in a gain such as 200 ADC/mV
    r"(?<![a-z/µμ])(mv|uv|µv|μv|nv|millivolts?|microvolts?)(?![a-z])", re.IGNORECASE
)
# Neither a heart rate nor a filter's limits in Hz are a sampling rate.
RATE = re.compile(
    r"(?:sampl\w{0,20}\s?(?:rate|freq\w*)|abtast\w*|chantillon\w*|\bfs\b|^\W*(?:rate|frequency))"
    r"[^\d\n]{0,20}(\d{1,6}(?:[.,]\d+)?)",
    re.IGNORECASE | re.MULTILINE,
)
HERTZ = re.compile(
    r"^(?!.*(?:filter|mains|notch|pass)).*?(\d{1,6}(?:[.,]\d+)?)\s{0,9}(?:hz|hertz)\b",
    re.IGNORECASE | re.MULTILINE,
)
LEAD = re.compile(r"^\W*(?:lead|ableitung|d.rivation)\W+(.+)", re.IGNORECASE | re.MULTILINE)
TIME = re.compile(r"time|stamp|zeit|temps|elapsed|\bt\b", re.IGNORECASE)
# Units of a time column: its words in a title; without them, it is the first with a step below.
TIME_UNITS = {
    "seconds": (1.0, r"\bs\b|sec", 0.1),
    "milliseconds": (1e3, r"(?<![a-z])ms(?![a-z])|msec|millis", 100),
    "microseconds": (1e6, r"(?<![a-z])[uµμ]s(?![a-z])|micros", 1e5),
    "nanoseconds": (1e9, r"(?<![a-z])ns(?![a-z])|nanos", np.inf),
}


def read_text(content: bytes, name: str, layout: Layout = UNTOLD) -> Ecg | Rows:
    """Read a text file: a recording, or the rows of a table that is too short for one.

    Numbers are separated by commas, semicolons, tabs or spaces, in columns or in rows, perhaps with
    decimal commas, a header or a time column; the text is UTF-8, UTF-16 or Latin-1.
    """
    read = read_table(content, name, layout)
    table, assumed = read.values, list(read.assumed)
    if layout.kind == "beats" or (layout.kind == "auto" and _is_beats(*table.shape)):
        return Rows(name, table.T if table.shape[1] == 1 else table, tuple(assumed))
    if table.shape[0] < table.shape[1]:
        table = table.T
        assumed.append("Every lead is a row.")
    if table.shape[1] > MAX_COLUMNS:
        raise EcgFileError(
            f"{name} is a table of {table.shape[0]:,} by {table.shape[1]:,} numbers: neither the "
            "leads of a recording nor beats of 187 samples each."
        )
    titles = _titles(read.above, table.shape[1] + (read.clock is not None))
    rate, notes = None, []
    if read.clock:
        rate, titles = _clock_rate(*read.clock, len(table), name), titles[1:]
    while table.shape[1] > 1 and _is_time(table[:, 0], titles[0]):
        notes = []  # of several clocks, the recorder's own comes last
        rate = _time_rate(table[:, 0], titles[0], notes) or rate
        table, titles = table[:, 1:], titles[1:]
    assumed += notes
    told = RATE.search(read.story) or HERTZ.search(read.story)
    if told and rate is None:
        rate = float(told[1].replace(",", "."))
    if titles == [""] and (lead := LEAD.search(read.story)):
        titles = [lead[1].strip()[:40]]
    unit = UNIT.search(read.story)
    unit = unit[1].lower().replace("millivolt", "mv").replace("microvolt", "uv") if unit else ""
    with np.errstate(over="ignore"):  # to infinity, which becomes a gap
        signal = table.astype(np.float32)
    if not np.isfinite(signal).any():
        raise EcgFileError(f"{name} holds no finite numbers.")
    return Ecg(
        name=name, fs=rate,
        leads=tuple(title or f"lead {k}" for k, title in enumerate(titles)),
        units=(unit.rstrip("s"),) * signal.shape[1], n_samples=len(signal),
        read=lambda start, stop, lead: signal[start:stop, lead], assumed=tuple(assumed),
    )  # fmt: skip


def _is_beats(rows: int, width: int) -> bool:
    """Whether a table holds beats: fewer than 189 samples are not a recording."""
    single = 1 in (rows, width) and rows * width <= LONGEST_BEAT
    return single or MAX_COLUMNS < width <= LONGEST_BEAT


def _titles(above: list[list[str]], n: int) -> list[str]:
    """The columns' names: the last line above the numbers with as many fields."""
    for fields in reversed(above):
        last = fields[-1].strip("()[]") if fields else ""
        if len(fields) == n and not (UNIT.fullmatch(last) or "," in last or RATE.search(last)):
            return [field[:40] for field in fields]
    return [""] * n


def _is_time(column: np.ndarray, title: str) -> bool:
    """Whether a column never falls and mostly rises, unlike a lead of an ECG."""
    if len(column) < 2 or not np.isfinite(column).all():
        return False
    with np.errstate(over="ignore"):
        step = np.diff(column)
    if not np.isfinite(step).all() or (step < 0).any():
        return False
    return bool((step > 0).mean() > 0.5 or (step.any() and TIME.search(title)))


def _time_rate(column: np.ndarray, title: str, assumed: list[str]) -> float | None:
    """The sampling rate from a time column; None where it only counts the samples."""
    step = np.diff(column)
    usual, mean = float(np.median(step)), float(step.mean())
    named = [n for n, (_, pattern, _) in TIME_UNITS.items() if re.search(pattern, title.lower())]
    if usual == mean == 1 and not named and not TIME.search(title):
        assumed.append("The first column counts the samples.")
        return None
    unit = named[0] if named else next(n for n, u in TIME_UNITS.items() if mean < u[2])
    if not named:
        assumed.append(f"The first column is the time in {unit}.")
    rounded = np.abs(step - mean).max() <= 0.51 * mean  # such as 0.002, 0.003, 0.003
    if usual and not rounded and (np.abs(step - usual) <= STEADY * usual).mean() > 0.9:
        assumed.append("The times have gaps; the samples are read as if there were none.")
        mean = usual
    elif not rounded and abs(mean - usual) > STEADY * usual:
        assumed.append("The times are uneven; the sampling rate is their mean.")
    return _rounded(TIME_UNITS[unit][0] / mean)


def _rounded(rate: float) -> float:
    """A whole number of Hz where the rate is nearly one."""
    return float(round(rate) if abs(rate - round(rate)) < 0.003 * rate else rate)


def _clock_rate(begin: str, end: str, n: int, name: str) -> float:
    """The sampling rate from a column such as 0:00.003 or 2026-01-31T10:00:00.003."""
    seconds = _seconds(end) - _seconds(begin)
    if not seconds > 0:
        raise EcgFileError(f"The times in {name} can't be read: '{begin[:30]}' to '{end[:30]}'.")
    return _rounded((n - 1) / seconds)


def _seconds(clock: str) -> float:
    """Seconds of a clock time, or of a date and time; NaN if it is neither."""
    with suppress(ValueError):
        return datetime.fromisoformat(clock).timestamp()
    with suppress(ValueError):
        return sum(float(part) * 60**k for k, part in enumerate(reversed(clock.split(":"))))
    return math.nan
