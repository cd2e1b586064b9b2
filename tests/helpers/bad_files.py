"""Files without a readable ECG: bombs, false headers, words and damage, for all tests."""

import io
import struct
import zipfile
from collections.abc import Callable
from functools import cache

from ecglib.recordings.readers.unpacking import MAX_UPLOAD
from ecglib.recordings.reading import MAX_TEXT

FULL = MAX_TEXT - 1000  # the largest text that is read at all


def text(piece: bytes, first: bytes = b"", size: int = FULL) -> bytes:
    return first + piece * (size // len(piece))


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


@cache
def bomb() -> bytes:
    return zipped(("a.csv", b"0" * (MAX_UPLOAD + 10**7)))


def lying_bomb() -> bytes:
    """A bomb whose directory declares ten bytes."""
    content = bytearray(bomb())
    at = content.rindex(b"PK\1\2")
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    return bytes(content)


def crowd() -> bytes:
    """A zip with a million entries in its directory for one file."""
    content = zipped(("a", b"1"))
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    entries = content[start:end] * 10**6
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entries), start, 0)
    return content[:start] + entries + tail


def nested(depth: int) -> bytes:
    content = b"1\n2\n"
    for _ in range(depth):
        content = zipped(("a.csv", content))
    return content


def edf(**changes: bytes) -> bytes:
    """The header of one signal, with some fields changed."""
    fields = {
        "version": (8, b"0"), "person": (80, b"X"), "recording": (80, b"X"), "date": (8, b"1.1.26"),
        "time": (8, b"10.00.00"), "bytes": (8, b"512"), "reserved": (44, b""),
        "records": (8, b"1"), "seconds": (8, b"1"), "signals": (4, b"1"), "label": (16, b"ECG"),
        "transducer": (80, b""), "unit": (8, b"mV"), "least": (8, b"-1"), "most": (8, b"1"),
        "lowest": (8, b"-999"), "highest": (8, b"999"), "filter": (80, b""), "each": (8, b"250"),
        "spare": (32, b""),
    }  # fmt: skip
    values = {name: changes.get(name, value) for name, (_, value) in fields.items()}
    return b"".join(values[name].ljust(size)[:size] for name, (size, _) in fields.items())


def ishne(n_samples: int, at: int = 522, leads: int = 2) -> bytes:
    head = struct.pack("<iiii130sh", 0, n_samples, 522, at, b"", leads)
    return (b"ISHNE1.0\0\0" + head).ljust(10 + 254, b"\0") + struct.pack("<h", 200) + bytes(9999)


SIGNAL = "s01.dat 16 200 11 0 0 0 0 I"
FLAT = f"s01 1 360 4000\n{SIGNAL}\n"


def wfdb(
    header: str = FLAT, dat: bytes | None = bytes(9999), atr: bytes | None = None
) -> dict[str, bytes]:
    files = {"s01.hea": header.encode(), "s01.dat": dat, "s01.atr": atr}
    return {name: content for name, content in files.items() if content is not None}


BEAT = ",".join(["0.5", "1", *["0"] * 185])
# Numbered by kind: the files, and words of the error.
INPUTS: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "1 an empty file": (lambda: {"a.csv": b""}, "number"),
    "1 a header alone": (lambda: {"a.csv": b"time,mV\n"}, "number"),
    "2 words": (lambda: {"a.csv": b"some;words\nonly;words\n"}, "number"),
    "3 a label of 7": (lambda: {"a.csv": f"{BEAT},7\n".encode()}, "labels|beats"),
    "4 a recording without its rate": (lambda: {"a.csv": b"1\n2\n" * 2000}, "sampling rate"),
    "5 a value that is no number": (lambda: {"a.csv": f"x{BEAT}\n".encode()}, "number"),
    "6 a flat lead": (wfdb, "[Nn]o beats|no ECG|flat"),
    "7 ten million numbers": (lambda: {"a.csv": b"1\n" * 10_100_000}, "5,000,000|limit|too many"),
    "8 a picture called .csv": (lambda: {"a.csv": b"\x89PNG\r\n\x1a\n" + bytes(99)}, "text"),
    "8 a zip bomb": (lambda: {"a.zip": bomb()}, "MB"),
    "8 a damaged zip": (lambda: {"a.zip": b"PK\3\4junk"}, "zip"),
    "9 no .dat": (lambda: wfdb(dat=None), "missing|together|\\.dat"),
    "9 a truncated .dat": (lambda: wfdb(dat=b"short"), "truncated|bytes"),
    "9 a rate of 0": (lambda: wfdb(f"s01 1 0 4000\n{SIGNAL}"), "sampling rate"),
    "9 10^12 samples": (lambda: wfdb(f"s01 1 360 {10**12}\n{SIGNAL}"), "length|promises"),
    "9 a file elsewhere": (lambda: wfdb("s01 1 360 9\n../s01.dat 16 200\n"), "elsewhere"),
    "9 an unknown format": (lambda: wfdb("s01 1 360 9\ns01.dat 999 200\n"), "format"),
    "9 an EDF file that lies": (lambda: {"a.edf": b"0       " + b"9" * 300}, "EDF"),
    "9 an ISHNE file that lies": (lambda: {"a.ecg": b"ISHNE1.0" + b"\xff" * 900}, "ISHNE"),
}
