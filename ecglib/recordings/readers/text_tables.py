"""A table of numbers from a text file of any dialect: encoding, separator, decimal mark, header.

The size of a text is checked before it is read, so that none takes much memory.
"""

import codecs
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ecglib.recordings.recording import EcgFileError

HEAD_BYTES = 65_536  # searched for separator, header and decimal mark
HEADER_LINES = 60  # Apple's and Kardia's exports begin with many lines about the recording
MAX_NUMBERS = 5_000_000  # an hour of three columns at 360 Hz; more would fill the memory
MAX_LINE = 8_000_000  # characters: an hour of a lead that is written in a row
PIECE = 1 << 20  # bytes decoded at a time


@dataclass(frozen=True)
class Layout:
    """Corrections for a text file that the reader misunderstands.

    ``kind`` is "auto", "beats" or "recording", ``decimal`` "auto", "." or ","; ``header`` is
    whether the first line holds names, or None.
    """

    kind: str = "auto"
    header: bool | None = None
    decimal: str = "auto"


UNTOLD = Layout()


@dataclass(frozen=True)
class TextTable:
    """The numbers of a text, shape (n_rows, n_columns), float64, and the words above them.

    A column of clock times is left out; ``clock`` holds its first and last time. ``above`` are the
    fields of each line above the numbers, ``story`` is their text.
    """

    values: np.ndarray
    clock: tuple[str, str] | None
    above: list[list[str]]
    story: str
    assumed: tuple[str, ...]


def read_table(content: bytes, name: str, layout: Layout = UNTOLD) -> TextTable:
    """Read the numbers of a text in UTF-8, UTF-16 or Latin-1; errors name the file."""
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
    if comma:
        plain = plain.replace(b",", b".")
    clock = None
    if ":" in (begin := _fields(head[first], separator)[0]):
        last = plain[-4096:].decode("utf-8", "replace").rstrip().splitlines()[-1]
        clock = begin, _fields(last, separator)[0]
    above = [_fields(line, separator) for line in head[:first]]
    story = "\n".join(line[:1000] for line in head[:first])  # searched with slow patterns
    values = _numbers(plain, first, separator, clock is not None, name)
    return TextTable(values, clock, above, story, tuple(assumed))


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
    """The text in UTF-8, converted in pieces, since a str may take four times its bytes.

    Behind the first piece, where only numbers matter, other letters become question marks.
    """
    decoder, plain = codecs.getincrementaldecoder(encoding)(), io.BytesIO()
    for start in range(0, len(content), PIECE):
        end = start + PIECE
        text = decoder.decode(content[start:end], end >= len(content))
        plain.write(text.encode("ascii" if start else "utf-8", "replace"))
    return plain.getvalue()


def _check_amount(plain: bytes, separator: str | None, name: str) -> None:
    """Refuse too many numbers before any is read."""
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
            f"{name} holds more than {MAX_NUMBERS:,} numbers: split it, or store the recording as "
            "WFDB or EDF, which have no limit."
        )


def _lines(plain: bytes, separator: str | None, name: str) -> Iterator[str]:
    text = io.TextIOWrapper(io.BytesIO(plain), encoding="utf-8", errors="replace")
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise EcgFileError(
                f"{name} has a line of more than {MAX_LINE:,} characters: write one sample a line."
            )
        yield line.rstrip("\r\n" + (separator or ""))


def _fields(line: str, separator: str | None) -> list[str]:
    fields = line.strip().rstrip(separator or "").split(separator)
    return [field.strip() for field in fields]


def _is_number(field: str, comma: bool) -> bool:
    try:
        float(field.replace(",", ".") if comma else field)
    except ValueError:
        return False
    return True


def _separator(head: list[str], decimal: str) -> tuple[str | None, bool]:
    """The separator of the numbers (None: white space), and whether a comma is a decimal comma."""
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
    """Position of the first line of numbers."""
    for position, line in enumerate(head):
        fields = [f for f in _fields(line, separator) if f]
        if not fields or fields[0].startswith("#"):
            continue
        if header:
            header = None  # the first line holds names, even if they are numbers
        elif header is False or all(_is_number(f, comma) or ":" in f for f in fields):
            return position
    raise EcgFileError(
        f"{name} holds no numbers that can be read as an ECG. It needs one sample a line, leads "
        "side by side, or one beat of 187 numbers a line."
    )


def _numbers(plain: bytes, first: int, separator: str | None, clock: bool, name: str) -> np.ndarray:
    """The numbers as float64, without the column of clock times."""
    empty = separator and 2 * separator.encode() in plain
    columns = None
    try:
        if clock:
            line = plain[: 1 << 17].decode("utf-8", "replace").splitlines()[first]
            columns = range(1, len(_fields(line, separator)))
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of no data
            table = np.loadtxt(
                _lines(plain, separator, name), delimiter=separator, skiprows=first, ndmin=2,
                comments="#", converters=_missing if empty else None, usecols=columns,
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
            "columns, and only numbers may stand below the header."
        ) from error


def _missing(field: str) -> float:
    return float(field) if field.strip() else np.nan
