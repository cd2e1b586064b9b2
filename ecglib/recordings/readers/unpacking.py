"""Uploads and zips unpacked into a temporary folder, under safe names and within limits."""

import re
import shutil
import zipfile
from pathlib import Path
from typing import BinaryIO

from ecglib.recordings.recording import EcgFileError

MAX_UPLOAD = 256_000_000  # bytes of uploaded files together, unpacked: a day of two leads
MAX_FILES = 1000  # in an upload or a zip
MAX_ENTRIES = 4 * MAX_FILES  # of a zip, with folders and hidden files


def store_upload(files: dict[str, bytes], folder: Path) -> Path:
    """Path of the uploaded file, or of a folder with all of them, written under safe names."""
    total = sum(len(content) for content in files.values())
    if total > MAX_UPLOAD or len(files) > MAX_FILES:
        raise EcgFileError(
            f"{len(files):,} files with {total / 1e6:.0f} MB are over the limit of {MAX_FILES:,} "
            f"files and {MAX_UPLOAD // 10**6} MB."
        )
    target = folder / "upload"
    target.mkdir()
    for name, content in files.items():
        with _new(target / _plain(name)) as file:
            file.write(content)
    return target / _plain(next(iter(files))) if len(files) == 1 else target


def _split(name: str) -> tuple[str, str]:
    """The folders and the last part of a file's name from any system."""
    above, _, last = name.replace("\\", "/").rpartition("/")
    return above, last


def _plain(name: str) -> str:
    """A file's name without folders and unusual characters; refused where nothing is left."""
    plain = re.sub(r"[^\w.() +-]", "_", _split(name)[1])
    plain = re.sub(r"\.(HEA|ATR)$", lambda suffix: suffix[0].lower(), plain)  # of other systems
    if not plain or plain.startswith(".") or len(plain) > 120:
        raise EcgFileError("A file has no usable name: rename it with letters, digits and a dot.")
    return plain


def _new(path: Path) -> BinaryIO:
    """A new file to write; an existing one is never overwritten."""
    try:
        return path.open("xb")
    except FileExistsError:
        raise EcgFileError(
            f"Two files are called {path.name} without unusual characters: rename one of them."
        ) from None


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    """Whether it is a file, not hidden and not another zip."""
    unwanted = r"/$|__MACOSX|(^|/)\.[^/]*$|\.zip$"
    return re.search(unwanted, member.filename, re.IGNORECASE) is None


def _entries(path: Path) -> int:
    """Roughly the number of entries of a zip, counted before zipfile allocates memory for each."""
    count = 0
    with path.open("rb") as file:
        while count <= MAX_ENTRIES and (piece := file.read(1 << 20)):
            count += piece.count(b"PK\1\2")
    return count


def names_in(path: Path) -> list[str]:
    """Names of the files in a zip, without folders; none where it is not a readable zip."""
    if not zipfile.is_zipfile(path) or _entries(path) > MAX_ENTRIES:
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return [_split(name)[1] for name in archive.namelist()]
    except Exception:  # zipfile raises whatever its parsers run into
        return []


def unzip(path: Path, target: Path) -> None:
    """Unpack a zip's files within the limits, those of one folder side by side."""
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
                above, _ = _split(member.filename)
                place = target / f"{folders.setdefault(above, len(folders)):04}"
                place.mkdir(exist_ok=True)
                new = place / _plain(member.filename)
                with archive.open(member) as packed, _new(new) as plain:
                    while piece := packed.read(1 << 20):
                        left -= len(piece)  # counted, since the declared sizes may be false
                        if left < 0:
                            raise EcgFileError(f"{path.name} unpacks to more than it declares.")
                        plain.write(piece)
    except EcgFileError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except Exception as error:  # zipfile raises whatever its parsers run into
        raise EcgFileError(
            f"The zip file {path.name} is damaged ({type(error).__name__}): pack it again."
        ) from error
