"""Headers of WFDB records, checked before wfdb uses them.

wfdb 4.3 allocates memory for as many samples as a header claims, whatever the file's size, and
opens files at any path in it.
"""

import re
from pathlib import Path

from ecglib.recordings.recording import EcgFileError

MAX_HEADER = 65_536  # bytes of a WFDB header
MAX_LEADS = 64
MAX_SEGMENTS = 1000
MAX_GAPS = 10  # length of a record of segments, in lengths of its segments together
# Storage format, samples a frame, skew in frames (wfdb allocates memory for it), offset in bytes.
LAYOUT = r"(\d{1,3})(?:x(\d{1,6}))?(?::(\d{1,5}))?(?:\+(\d{1,12}))?"
# Bytes per sample of the formats that are read here.
WFDB_BYTES = {
    "8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3,
    "311": 4 / 3, "508": 0.02, "516": 0.02, "524": 0.02,  # FLAC, compressed at most so much
}  # fmt: skip


def is_multi_segment(header: Path) -> bool:
    """Whether a header joins the records of several others."""
    with header.open("rb") as file:
        lines = file.read(MAX_HEADER).splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith(b"#")), b"-")
    return b"/" in first.split()[0]


def check_wfdb_header(base: Path, is_segment: bool = False) -> int:
    """Samples of each lead by the header, 0 if it does not say; a false or unsafe one is refused.

    ``base`` is the record's path without suffix. A segment must not have segments itself.
    """
    path = base.with_name(base.name + ".hea")
    if not path.is_file():
        raise _missing(base.name, path.name)

    def refuse(why: str) -> EcgFileError:
        return EcgFileError(f"The header {path.name} {why}: it is damaged, or not of a WFDB ECG.")

    if path.stat().st_size > MAX_HEADER:
        raise refuse("is longer than 64 kB")
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise refuse("is empty")
    record = lines[0].split()
    name, multi, count = record[0].partition("/")
    if Path(name).name != name or len(record) < 2 or not record[1].isdecimal():
        raise refuse("does not begin with a name and a number of signals")
    if multi and (is_segment or not count.isdecimal() or not 1 <= int(count[:6]) <= MAX_SEGMENTS):
        raise refuse(f"has segments in segments, or not 1 to {MAX_SEGMENTS:,} of them")
    n_signals = int(record[1][:6])
    if not 1 <= n_signals <= MAX_LEADS or len(lines) < (int(count) if multi else n_signals) + 1:
        raise refuse(f"announces {n_signals:,} signals and describes {len(lines) - 1:,}")
    _, _, fs, length, *_ = [*record, *("", "", "250", "0")[len(record) :]]  # with WFDB's defaults
    rate = re.match(r"\d+\.?\d*(?:[eE][-+]?\d+)?", fs)
    if not rate or not 1 <= float(rate[0]) <= 10_000:
        raise refuse(f"has a sampling rate of '{fs[:20]}', not of 1 to 10,000 Hz")
    if not length.isdecimal() or len(length) > 12:
        raise refuse(f"has a length of '{length[:20]}'")
    if multi:
        named = [line.split()[0] for line in lines[1 : int(count) + 1]]
        named = [segment for segment in named if segment != "~"]  # a gap
        if not all(re.fullmatch(r"[\w.+-]+", segment) for segment in named):
            raise refuse("names a file elsewhere")
        if len({*named}) < len(named):  # a small file would count as a long one
            raise refuse("names a segment twice")
        held = sum(check_wfdb_header(base.with_name(segment), True) for segment in named)
        if int(length) > MAX_GAPS * held:
            raise refuse("promises far more samples than its segments hold")
        return int(length)
    if is_segment and int(length) == 0 and all(line[:2] == "~ " for line in lines[1:]):
        return 0  # the layout segment of a record whose leads vary

    bytes_needed: dict[str, float] = {}
    for line in lines[1 : n_signals + 1]:
        fields = line.split()
        layout = re.fullmatch(LAYOUT, "".join(fields[1:2]))
        if not layout or layout[1] not in WFDB_BYTES:
            raise refuse(f"has a storage format that is not supported: '{''.join(fields[1:2])}'")
        if re.fullmatch(r"[\w.+-]+", fields[0]) is None or fields[0].startswith("."):
            raise refuse("names a file elsewhere")
        size = WFDB_BYTES[layout[1]] * int(layout[2] or 1) * int(length)
        bytes_needed[fields[0]] = bytes_needed.get(fields[0], float(layout[4] or 0)) + size
    for name, needed in bytes_needed.items():
        file = base.with_name(name)
        if not file.is_file():
            raise _missing(base.name, f"'{name}'")
        if needed > file.stat().st_size + 8:
            raise EcgFileError(
                f"The recording {base.name} can't be read: its data file '{name}' has "
                f"{file.stat().st_size:,} bytes, and the header promises {needed:,.0f}. "
                "The file is truncated; copy it again."
            )
    return int(length)


def _missing(record: str, file: str) -> EcgFileError:
    return EcgFileError(
        f"The recording {record} can't be read: its file {file} is missing. A WFDB record is a "
        ".hea and a .dat file, side by side."
    )
