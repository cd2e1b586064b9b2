"""Hostile files, and the cost of reading each of them.

    python tests/helpers/hostile_files.py

reads each in a forked process and prints one JSON line for it: its name, the error, CPU seconds and
MB of additional memory. POSIX only.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_files import SIGNAL, bomb, crowd, edf, ishne, lying_bomb, nested, text, wfdb
from ecglib.beats.prepared import read_ecg
from ecglib.datasets.synthetic import write_recordings
from ecglib.recordings.readers.text_tables import MAX_LINE, MAX_NUMBERS
from ecglib.recordings.recording import EcgFileError
from ecglib.recordings.wfdb import MAX_MARK_BYTES

UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss: bytes on macOS, else KiB


FILES: dict[str, Callable[[], bytes | dict[str, bytes]]] = {
    "a zip bomb": bomb,
    "a zip bomb that lies": lying_bomb,
    "a million files in a zip": crowd,
    "zips in zips": lambda: nested(100),
    "a line of 100 MB": lambda: text(b"1,", size=10**8),
    "one line, as long as a text may be": lambda: text(b"1,"),
    "a million columns": lambda: text(b"1 " * 10**6 + b"\n"),
    "endless numbers": lambda: text(b"1\n"),
    "one number without end": lambda: text(b"9"),
    "a first word without end": lambda: b"1 2\n" + b"9" * 70_000,
    "nothing but separators": lambda: text(b";" * 200 + b"\n", b"1;2\n"),
    "nothing but blank lines": lambda: text(b"\n", b"1\n"),
    "nothing but comments": lambda: text(b"#\n", b"1\n"),
    "clock times without end": lambda: text(b"0:1\n"),
    "as many numbers as are read": lambda: text(b"1\n", size=2 * MAX_NUMBERS),
    "and some of them missing": lambda: text(b"1,,1\n", size=5 * (MAX_NUMBERS // 3 - 1)),
    "as long a line as is read": lambda: text(b"1;", size=MAX_LINE - 2),
    "decimal commas": lambda: text(b"1,25\n", size=5 * MAX_NUMBERS - 500),
    "words without end": lambda: text(b"word "),
    "digits in the header": lambda: b"x " + b"1" * 60_000 + b"\n1\n2\n",
    "whole parts without end": lambda: text(b"1" * 5000 + b",5\n", size=60_000),
    "letters of four bytes": lambda: text(b"1,2\n", "\U0001f493,I\n".encode()),
    "letters of four bytes without end": lambda: text("\U0001f493".encode(), b"1,2\n"),
    "Latin letters without end": lambda: text(b"\xe9\n", b"\xe9\n1,2\n"),
    "UTF-16 without end": lambda: b"\xff\xfe" + text("1\n".encode("utf-16-le")),
    "quotation marks without end": lambda: text(b"\"'", b"1,2\n"),
    "decimal commas without end": lambda: text(b"1,25\n"),
    "an ECG of 10^12 samples": lambda: wfdb(f"s01 1 360 {10**12}\n{SIGNAL}\n"),
    "10^5 signals": lambda: wfdb(f"s01 {10**5} 360 100\n" + f"{SIGNAL}\n" * 10**5),
    "10^5 signals, undescribed": lambda: wfdb(f"s01 {10**5} 360 100\n"),
    "an offset of 400 digits": lambda: wfdb(f"s01 1 360 100\ns01.dat 16+{'9' * 400} 200\n"),
    "a skew of 10^9": lambda: wfdb(f"s01 1 360 100\ns01.dat 16:{10**9} 200\n"),
    "10^9 samples a frame": lambda: wfdb(f"s01 1 360 100\ns01.dat 16x{10**9} 200\n"),
    "a header without spaces": lambda: wfdb(f"{'a' * 60_000} 1 360 100\n{SIGNAL}\n"),
    "a lead's name without end": lambda: wfdb(f"s01 1 360 100\n{SIGNAL}{'I' * 60_000}\n"),
    "annotations without end": lambda: wfdb(f"s01 1 360 4999\n{SIGNAL}\n", atr=b"\1\4" * 10**7),
    "as many annotations as are read": lambda: wfdb(
        f"s01 1 360 4999\n{SIGNAL}\n", atr=b"\1\4" * (MAX_MARK_BYTES // 2)
    ),
    "EDF records without end": lambda: edf(records=b"99999999") + bytes(999),
    "EDF samples without end": lambda: edf(each=b"99999999") + bytes(999),
    "EDF signals without end": lambda: edf(signals=b"9999", bytes=b"2560000") + bytes(999),
    "EDF of minus one record": lambda: edf(records=b"-1") + bytes(999),
    "ISHNE samples without end": lambda: ishne(2**31 - 1),
    "ISHNE beyond its end": lambda: ishne(100, at=2**31 - 1),
}  # fmt: skip


def measured(read: Callable[[], object]) -> dict[str, object]:
    """The result, CPU seconds and additional memory of a forked process."""
    receiving, sending = os.pipe()
    if (process := os.fork()) == 0:
        before = resource.getrusage(resource.RUSAGE_SELF)
        try:
            said = f"read: {read()!r}"[:60]
        except EcgFileError as error:
            said = str(error)
        except BaseException as error:
            said = f"TRACEBACK {type(error).__name__}: {error}"[:300]
        after = resource.getrusage(resource.RUSAGE_SELF)
        megabytes = (after.ru_maxrss - before.ru_maxrss) * UNIT / 1e6
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = {"said": said, "cpu_s": round(cpu, 2), "mb": round(megabytes)}
        os.write(sending, json.dumps(found).encode())
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    return json.loads(answer or b'{"said": "it died", "cpu_s": 0, "mb": 0}')


def costs(folder: Path) -> Iterator[dict[str, object]]:
    good = write_recordings(folder / "good", n_records=1, minutes=1)
    read_ecg(good / "s01")  # imports everything that reading needs
    read_ecg({"a.csv": b"1\n2\n" * 500}, fs=250)
    try:
        read_ecg({"a.edf": edf() + bytes(500)})
    except EcgFileError:
        pass
    for number, (name, make) in enumerate(FILES.items()):
        content = make()
        there = folder / str(number)
        there.mkdir()
        for own, data in (content if isinstance(content, dict) else {"a.csv": content}).items():
            (there / own).write_bytes(data)
        del content  # it must not count as memory
        yield {"file": name} | measured(lambda there=there: read_ecg(there, fs=250))
        shutil.rmtree(there)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for line in costs(Path(folder)):
            print(json.dumps(line), flush=True)
