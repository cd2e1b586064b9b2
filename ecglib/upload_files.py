"""Files that somebody hands in: taken out of a zip, and read as WFDB, without trusting them."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from ecglib.recordings import Recording, read_recording

MAX_MB = 50  # of all files together, and of what a zip holds
MAX_FILES = 200


def unpacked(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, with those of a zip in its place; refused before anything large is unpacked."""
    found: dict[str, bytes] = {}
    for name, content in files.items():
        if not content.startswith(b"PK\x03\x04"):
            found[name] = content
            continue
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                inside = [entry for entry in archive.infolist() if _wanted(entry)]
                _check_size(len(inside), sum(entry.file_size for entry in inside))
                found |= {entry.filename: archive.read(entry) for entry in inside}
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise ValueError(f"{name} can't be unpacked as a zip file ({error}).") from error
    _check_size(len(found), sum(map(len, found.values())))
    return found


def _wanted(entry: zipfile.ZipInfo) -> bool:
    """Neither a folder nor one of the hidden files that some systems add."""
    hidden = PurePath(entry.filename).name.startswith((".", "__MACOSX"))
    return not (entry.is_dir() or hidden or entry.filename.startswith("__MACOSX"))


def _check_size(count: int, size: int) -> None:
    if count > MAX_FILES or size > MAX_MB * 1_000_000:
        raise ValueError(
            f"{count:,} files of {size / 1e6:,.1f} MB together are too much: the limit is "
            f"{MAX_FILES} files and {MAX_MB} MB. Hand in a part, or use Classifier in Python."
        )


def plain_name(name: str) -> str:
    """The last part of a name, without anything that a path could be made of."""
    return re.sub(r"[^\w.() +-]", "_", name.replace("\\", "/").rpartition("/")[2]) or "file"


def read_wfdb(files: dict[str, bytes]) -> Recording:
    """The one WFDB recording among some files.

    Raises
    ------
    ValueError
        There is none or more than one, or it is damaged.
    """
    headers = [name for name in files if name.lower().endswith(".hea")]
    if len(headers) != 1:
        raise ValueError(
            f"A WFDB recording is one .hea file with its .dat file, handed in together (and .atr, "
            f"if there is one); here are {len(headers)} .hea files among {', '.join(files)[:200]}."
        )
    _check_header(files[headers[0]].decode("utf-8", "replace"), headers[0], files)
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        recording = read_recording(Path(folder) / headers[0])
    if recording.signal.ndim != 2 or not len(recording.signal):
        raise ValueError(f"The recording {recording.name} holds no samples.")
    return recording


def _check_header(text: str, name: str, files: dict[str, bytes]) -> None:
    """Refuse a header that asks for other files, or for more samples than there are bytes."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    signals = [line[0] for line in lines[1:] if len(line) > 1]
    if missing := sorted({signal for signal in signals if signal not in files}):
        raise ValueError(
            f"{name} asks for {', '.join(missing)[:100]}, which was not handed in. Choose the "
            ".hea and the .dat file together."
        )
    first = lines[0] if lines else []
    if len(first) > 3 and first[3].isdigit():
        available = sum(len(files[signal]) for signal in set(signals))
        if int(first[3]) * max(len(signals), 1) > 8 * available:
            raise ValueError(f"{name} promises {first[3]} samples, more than its files hold.")
