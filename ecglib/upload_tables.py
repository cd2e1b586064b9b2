"""Numbers from somebody's text file: what separates them, what the first line is, what is wrong."""

import numpy as np

MAX_VALUES = 5_000_000  # an hour of three columns at 360 Hz; more would fill the memory
COMMENTS = ("#", "%", "//")


def read_table(
    content: bytes, name: str, header: bool | None = None, decimal: str = "auto"
) -> tuple[np.ndarray, list[str], list[str]]:
    """A text file as a table of finite numbers.

    Numbers may be parted by commas, semicolons, tabs or spaces; where commas do not part them, a
    decimal comma is understood.

    Parameters
    ----------
    content : bytes
        UTF-8, or UTF-16 with its mark.
    name : str
        Of the file, for messages.
    header : bool, optional
        Whether the first line holds names; by default a line without any number does.
    decimal : {"auto", ".", ","}

    Returns
    -------
    table : ndarray, shape (rows, columns), float64
    columns : list of str
        Names of the columns; empty without a header.
    understood : list of str
        What was assumed.

    Raises
    ------
    ValueError
        Not a text, no numbers, too many, rows of different length, or a field is no finite number.
    """
    text = _text(content, name)
    if text.count("\n") + sum(text.count(mark) for mark in ",;\t ") > 2 * MAX_VALUES:
        raise ValueError(
            f"{name} holds more than {MAX_VALUES:,} numbers: hand in a part of it, or classify it "
            "in Python with Classifier.classify_recording."
        )
    lines = [line for raw in text.splitlines() if (line := raw.strip(" \r"))]
    lines = [line for line in lines if not line.startswith(COMMENTS) and line.strip("\t,; ")]
    if not lines:
        raise ValueError(f"{name} holds no numbers. A file looks like this: 0.98,0.93,0.41,0.07")
    separator, comma = _separator(lines[: min(len(lines), 20)], decimal)
    columns: list[str] = []
    first = [field.strip().strip('"') for field in _fields(lines[0], separator)]
    if header or (
        header is None and not any(_is_number(f.replace(",", ".") if comma else f) for f in first)
    ):
        columns, lines = first, lines[1:]
    if not lines:
        raise ValueError(f"{name} holds no numbers, only a header.")
    understood = [f"values parted by {_NAMES[separator]}"]
    understood += ["decimal comma"] * comma + ["first line is a header"] * bool(columns)
    return _numbers(lines, separator, comma, name), columns, understood


def _text(content: bytes, name: str) -> str:
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError(
            f"{name} is not a text file. Hand in CSV or text (UTF-8), WFDB files (.hea and .dat "
            "together), or a zip of them."
        )
    return text


_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", None: "spaces"}


def _separator(lines: list[str], decimal: str) -> tuple[str | None, bool]:
    """What parts the numbers (None: spaces), and whether a comma is the decimal mark."""
    together = "\n".join(lines)
    for mark in (";", "\t"):
        if mark in together:
            return mark, "," in together if decimal == "auto" else decimal == ","
    spaced = all(len(line.split()) == len(lines[-1].split()) > 1 for line in lines)
    if decimal == "," or (
        decimal == "auto" and spaced and all(c.strip(" ,") == c for c in together.split())
        and all(field.count(",") == 1 for field in lines[-1].split())
    ):  # fmt: skip
        return None, True
    return ("," if "," in together else None), False


def _fields(line: str, separator: str | None) -> list[str]:
    return (line.rstrip(separator) if separator else line).split(separator)


def _numbers(lines: list[str], separator: str | None, comma: bool, name: str) -> np.ndarray:
    if comma:
        lines = [line.replace(",", ".") for line in lines]
    try:
        rows = [[float(field) for field in _fields(line, separator)] for line in lines]
    except ValueError:
        raise ValueError(_first_fault(lines, separator, name)) from None
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise ValueError(
                f"Row {number} of {name} has {len(row)} values, its first has {width}: every row "
                "needs the same number."
            )
    table = np.array(rows, dtype=np.float64)
    if not np.isfinite(table).all():
        raise ValueError(_first_fault(lines, separator, name))
    return table


def _first_fault(lines: list[str], separator: str | None, name: str) -> str:
    row, column, field = next(
        (row, column, field)
        for row, line in enumerate(lines, 1)
        for column, field in enumerate(_fields(line, separator), 1)
        if not _is_number(field)
    )
    return (
        f"Row {row}, column {column} of {name} is not a finite number: '{field.strip()[:20]}'. "
        "Mend it, or say under Corrections that the first line is a header or which decimal mark "
        "is used."
    )


def _is_number(field: str) -> bool:
    try:
        return bool(np.isfinite(float(field)))
    except ValueError:
        return False
