"""Files that somebody hands in, taken out of a zip without trusting them."""

import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePath

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
