"""A table of numbers out of a text in whatever dialect: encoding, separator, decimal mark, header.

What a text may hold is bounded before it is read, so that none takes much memory.
"""

import codecs
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ecglib.recordings.recording import EcgFileError

HEAD_BYTES = 65_536  # from which separator, header and decimal mark are found out
HEADER_LINES = 60  # Apple's and Kardia's exports tell their story first
MAX_NUMBERS = 5_000_000  # an hour of three columns at 360 Hz; more would fill the memory
MAX_LINE = 8_000_000  # characters: an hour of a lead that is written in a row
PIECE = 1 << 20  # bytes that are decoded at a time


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


@dataclass(frozen=True)
class TextTable:
    """The numbers of a text, and the words above them.

    Attributes
    ----------
    values : ndarray, shape (n_rows, n_columns), float64
        Without the column of clock times, if there is one.
    clock : tuple of str, optional
        The first and the last time of such a column.
    above : list of list of str
        The lines above the numbers, parted as these are.
    story : str
        The same lines as they came.
    assumed : tuple of str
        Sentences on what was found out.
    """

    values: np.ndarray
    clock: tuple[str, str] | None
    above: list[list[str]]
    story: str
    assumed: tuple[str, ...]


def read_table(content: bytes, name: str, layout: Layout = UNTOLD) -> TextTable:
    """Read the numbers of a text file.

    Parameters
    ----------
    content : bytes
        Of the file; UTF-8, UTF-16 or Latin-1.
    name : str
        Of the file.
    layout : Layout, optional
        By default all of it is found out.

    Raises
    ------
    EcgFileError
        The file is no text, no table of numbers, or too large.
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
    if comma:
        plain = plain.replace(b",", b".")
    clock = None
    if ":" in (begin := _fields(head[first], separator)[0]):
        last = plain[-4096:].decode("utf-8", "replace").rstrip().splitlines()[-1]
        clock = begin, _fields(last, separator)[0]
    above = [_fields(line, separator) for line in head[:first]]
    story = "\n".join(line[:1000] for line in head[:first])  # looked through by slow patterns
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


def _numbers(plain: bytes, first: int, separator: str | None, clock: bool, name: str) -> np.ndarray:
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
