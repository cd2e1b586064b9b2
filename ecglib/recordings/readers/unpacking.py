"""Uploads and zips laid out in a temporary folder, under harmless names and within limits."""

import re
import shutil
import zipfile
from pathlib import Path
from typing import BinaryIO

from ecglib.recordings.recording import EcgFileError

MAX_UPLOAD = 256_000_000  # bytes of uploaded files together, unpacked: a day of two leads
MAX_FILES = 1000  # of an upload, and in a zip
MAX_ENTRIES = 4 * MAX_FILES  # of a zip: folders and systems' own files are let pass


def store_upload(files: dict[str, bytes], folder: Path) -> Path:
    """Write uploaded files to a temporary folder under harmless names."""
    total = sum(len(content) for content in files.values())
    if total > MAX_UPLOAD or len(files) > MAX_FILES:
        raise EcgFileError(
            f"{len(files):,} files have {total / 1e6:.0f} MB; the limit is {MAX_FILES:,} files and "
            f"{MAX_UPLOAD // 10**6} MB."
        )
    target = folder / "upload"
    target.mkdir()
    for name, content in files.items():
        with _new(target / _plain(name)) as file:
            file.write(content)
    return target / _plain(next(iter(files))) if len(files) == 1 else target


def _parted(name: str) -> tuple[str, str]:
    """The folders of a file's name, and its last part, whatever system wrote it."""
    above, _, last = name.replace("\\", "/").rpartition("/")
    return above, last


def _plain(name: str) -> str:
    """A file's name without folders and odd characters; refused where nothing is left."""
    plain = re.sub(r"[^\w.() +-]", "_", _parted(name)[1])
    plain = re.sub(r"\.(HEA|ATR)$", lambda suffix: suffix[0].lower(), plain)  # of other systems
    if not plain or plain.startswith(".") or len(plain) > 120:
        raise EcgFileError("A file has no usable name: letters, digits and one dot will do.")
    return plain


def _new(path: Path) -> BinaryIO:
    """A file to write; refused where there is one already, which would be lost."""
    try:
        return path.open("xb")
    except FileExistsError:
        raise EcgFileError(
            f"Two files are called {path.name}, odd characters left out: rename one of them."
        ) from None


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    """Neither a folder, nor hidden, nor a zip once more."""
    unwanted = r"/$|__MACOSX|(^|/)\.[^/]*$|\.zip$"
    return re.search(unwanted, member.filename, re.IGNORECASE) is None


def _entries(path: Path) -> int:
    """About how many entries a zip's directory has; zipfile takes memory for each, then counts."""
    count = 0
    with path.open("rb") as file:
        while count <= MAX_ENTRIES and (piece := file.read(1 << 20)):
            count += piece.count(b"PK\1\2")
    return count


def names_in(path: Path) -> list[str]:
    """Names of the files in a zip, without folders; of what is no zip that can be read, none."""
    if not zipfile.is_zipfile(path) or _entries(path) > MAX_ENTRIES:
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return [_parted(name)[1] for name in archive.namelist()]
    except Exception:  # zipfile raises whatever its parsers run into
        return []


def unzip(path: Path, target: Path) -> None:
    """Unpack a zip's files, those of a folder side by side, as far as the limit allows."""
    left, folders = MAX_UPLOAD, {}
    if _entries(path) > MAX_ENTRIES:
        raise EcgFileError(
            f"{path.name} has more than {MAX_ENTRIES:,} entries: zip one recording only."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if _is_wanted(m)]
            if len(members) > MAX_FILES or sum(m.file_size for m in members) > MAX_UPLOAD:
                raise EcgFileError(
                    f"{path.name} would unpack to {len(members):,} files of "
                    f"{sum(m.file_size for m in members) / 1e6:,.0f} MB: zip one recording only."
                )
            for member in members:  # folders get numbers for names
                above, _ = _parted(member.filename)
                place = target / f"{folders.setdefault(above, len(folders)):04}"
                place.mkdir(exist_ok=True)
                with (
                    archive.open(member) as packed,
                    _new(place / _plain(member.filename)) as plain,
                ):  # what the directory says of sizes may be a lie
                    while piece := packed.read(1 << 20):
                        left -= len(piece)
                        if left < 0:
                            raise EcgFileError(f"{path.name} unpacks to more than it says.")
                        plain.write(piece)
    except EcgFileError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except Exception as error:  # zipfile raises whatever its parsers run into
        raise EcgFileError(
            f"The zip file {path.name} is damaged ({type(error).__name__}): pack it again."
        ) from error
