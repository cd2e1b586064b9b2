"""ECGs from text files: what parts the numbers, which column is the time, and what the rest is."""

import codecs
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ecglib.beats import BEAT_SAMPLES, Beats
from ecglib.readers_beats import prepared_beats
from ecglib.readers_files import Ecg
from ecglib.recordings import EcgFileError

HEAD_BYTES = 65_536  # from which separator, header and decimal mark are found out
HEADER_LINES = 60  # Apple's and Kardia's exports tell their story first
MAX_NUMBERS = 5_000_000  # an hour of three columns at 360 Hz; more would fill the memory
MAX_LINE = 8_000_000  # characters: an hour of a lead that is written in a row
PIECE = 1 << 20  # bytes that are decoded at a time
MAX_COLUMNS = 32  # of a recording written in columns
STEADY = 0.02  # how much the steps of a time column may differ from their median
UNIT = re.compile(r"\b(mv|uv|µv|μv|nv|millivolts?|microvolts?)\b", re.IGNORECASE)
RATE = re.compile(r"(?:rate|frequency|\bfs\b)[^\d\n]{0,20}(\d+(?:[.,]\d+)?)", re.IGNORECASE)
HERTZ = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What a person says of a text file where the reader might guess wrongly.

    Attributes
    ----------
    kind : {"auto", "beats", "recording"}
    header : bool, optional
        Whether the first line holds names.
    decimal : {"auto", ".", ","}
    """

    kind: str = "auto"
    header: bool | None = None
    decimal: str = "auto"


UNTOLD = Layout()


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
    plain = _decoded(content, name).translate(None, b"\"'")
    del content  # which may be as long again
    head = plain[:HEAD_BYTES]
    if len(plain) > HEAD_BYTES:  # the last number may be cut in two
        head = head[: 1 + max(head.rfind(mark) for mark in (b"\n", b"\r", b" ", b"\t", b";", b","))]
    head = head.decode("utf-8", "replace").splitlines()[: HEADER_LINES + 20]
    separator, comma = _separator(head, layout.decimal)
    first = _first_numbers(head, separator, comma, layout.header, name)
    _check_amount(plain, separator, name)
    assumed = ["Commas are decimal marks."] * comma
    if first:
        assumed.append(f"The numbers begin in line {first + 1}.")
    story = "\n".join(line[:1000] for line in head[:first])  # looked through by slow patterns
    if comma:
        plain = plain.replace(b",", b".")
    clock = ":" in _fields(head[first], separator)[0]
    table = _table(plain, first, separator, clock, name)
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
    titles = _titles(head, first, separator, table.shape[1] + clock)
    if clock:
        rate = _clock_rate(head[first], plain, len(table), separator, name)
        titles = titles[1:]
    else:
        rate, is_time = _time_column(table, titles, assumed)
        if is_time:
            table, titles = table[:, 1:], titles[1:]
    told = RATE.search(story) or HERTZ.search(story)
    if told and rate is None:
        rate = float(told[1].replace(",", "."))
    unit = UNIT.search(story)
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


def _decoded(content: bytes, name: str) -> bytes:
    """The text as UTF-8 without a byte order mark."""
    sample = content[:4096]
    encoding = "utf-8-sig"
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif sample.count(0) > len(sample) / 4:
        encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    if encoding == "utf-8-sig" and content.isascii():
        plain = content
    else:
        try:
            plain = _recoded(content, encoding)
        except UnicodeDecodeError:
            plain = _recoded(content, "latin-1")
    if b"\0" in plain or sum(plain[:4096].count(code) for code in range(1, 9)) > 2:
        raise EcgFileError(
            f"{name} is not a text file, nor a WFDB, EDF or ISHNE one. Save the ECG as CSV (UTF-8)."
        )
    return plain


def _recoded(content: bytes, encoding: str) -> bytes:
    """The text in UTF-8; piece by piece, since as a str it may take four times its bytes.

    Only numbers are wanted behind the first piece, so question marks do for other letters there.
    """
    decoder, plain = codecs.getincrementaldecoder(encoding)(), io.BytesIO()
    for start in range(0, len(content), PIECE):
        end = start + PIECE
        text = decoder.decode(content[start:end], end >= len(content))
        plain.write(text.encode("ascii" if start else "utf-8", "replace"))
    return plain.getvalue()


def _check_amount(plain: bytes, separator: str | None, name: str) -> None:
    """Refuse more numbers than memory is meant for, before any is read."""
    count = plain.count(b"\n")
    if separator:
        count += plain.count(separator.encode())
    else:
        starts, words = iter(range(0, len(plain), PIECE)), 0
        while words <= MAX_NUMBERS and (start := next(starts, None)) is not None:
            words += len(plain[start : start + PIECE].split())
        count = max(count, words)
    if count > MAX_NUMBERS:
        raise EcgFileError(
            f"{name} holds more than {MAX_NUMBERS:,} numbers: split it; a recording may be stored "
            "as WFDB or EDF, which have no limit."
        )


def _lines(plain: bytes, separator: str | None, name: str) -> Iterator[str]:
    text = io.TextIOWrapper(io.BytesIO(plain), encoding="utf-8", errors="replace")
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise EcgFileError(
                f"{name} has a line of more than {MAX_LINE:,} characters: put every sample on a "
                "line of its own."
            )
        yield line.rstrip("\r\n" + (separator or ""))


def _fields(line: str, separator: str | None) -> list[str]:
    fields = line.strip().rstrip(separator or "").split(separator)
    return [field.strip() for field in fields]


def _number(field: str, comma: bool = False) -> float | None:
    try:
        return float(field.replace(",", ".") if comma else field)
    except ValueError:
        return None


def _is_beats(rows: int, width: int) -> bool:
    """Whether a table is of beats; less than 189 samples are no recording."""
    longest = BEAT_SAMPLES + 1
    return MAX_COLUMNS < width <= longest or (1 in (rows, width) and rows * width <= longest)


def _separator(head: list[str], decimal: str) -> tuple[str | None, bool]:
    """What parts the numbers (None: white space), and whether a comma is a decimal comma."""
    number = re.compile(r"\s*[-+]?([.,]?\d|nan\b|inf\b)", re.IGNORECASE)
    lines = [line for line in head if number.match(line)][-40:]
    text = "\n".join(lines)
    for mark in (";", "\t"):
        if mark in text:
            return mark, "," in text if decimal == "auto" else decimal == ","
    if "," not in text or decimal == ",":
        return None, "," in text
    if decimal == ".":
        return ",", False
    if "." not in text and all(re.fullmatch(r"\s*[-+]?\d{1,15},\d+\s*", line) for line in lines):
        whole = np.array([int(line.split(",")[0]) for line in lines])
        if len(whole) < 3 or len(set(np.diff(whole))) > 1 or whole[0] == whole[-1]:
            return None, True  # one column such as -0,135; steady whole parts would be a time
    if re.search(r"\d,\d+\s+[-+]?\d+,\d", lines[-1]):
        return None, True
    return ",", False


def _first_numbers(
    head: list[str], separator: str | None, comma: bool, header: bool | None, name: str
) -> int:
    """Position of the first line that begins the numbers."""
    for position, line in enumerate(head):
        fields = [f for f in _fields(line, separator) if f]
        if not fields or fields[0].startswith("#"):
            continue
        if header:
            header = None  # these are names, whatever they look like
        elif header is False or all(_number(f, comma) is not None or ":" in f for f in fields):
            return position
    raise EcgFileError(
        f"{name} holds no numbers that can be read as an ECG. It needs one sample a line, leads "
        "side by side, or one beat of 187 numbers a line."
    )


def _table(plain: bytes, first: int, separator: str | None, clock: bool, name: str) -> np.ndarray:
    """The numbers as float64; a column of clock times is left out."""
    lines = _lines(plain, separator, name)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of no data
            table = np.loadtxt(
                lines, delimiter=separator, skiprows=first, ndmin=2, comments="#",
                converters=_missing
                if separator and b"%c%c" % (ord(separator), ord(separator)) in plain
                else None,
                usecols=None if not clock else _columns(plain, first, separator),
            )  # fmt: skip
        if not table.size:
            raise ValueError("at row 1")
        return table
    except EcgFileError:
        raise
    except (ValueError, IndexError) as error:
        at = re.search(r"at row (\d+)(, column \d+)?", str(error))
        # NumPy counts rows from 0 where it names a column, and else from 1.
        row = f", at row {int(at[1]) + bool(at[2])}{at[2] or ''} below the header" if at else ""
        raise EcgFileError(
            f"{name} can't be read as a table of numbers{row}: every line needs the same number of "
            "columns, and nothing but numbers below the header."
        ) from error


def _missing(field: str) -> float:
    return float(field) if field.strip() else np.nan


def _columns(plain: bytes, first: int, separator: str | None) -> range:
    line = plain[: 1 << 17].decode("utf-8", "replace").splitlines()[first]
    return range(1, len(_fields(line, separator)))


def _titles(head: list[str], first: int, separator: str | None, n: int) -> list[str]:
    """The columns' names from the line above the numbers that has as many."""
    for line in reversed(head[:first]):
        fields = _fields(line, separator)
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


def _clock_rate(first: str, plain: bytes, n: int, separator: str | None, name: str) -> float:
    """The sampling rate from a column such as 0:00.003 or 2026-01-31T10:00:00.003."""
    last = plain[-4096:].decode("utf-8", "replace").rstrip().splitlines()[-1]
    begin, end = (_fields(line, separator)[0] for line in (first, last))
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
