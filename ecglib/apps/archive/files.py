"""An archive's files: which recordings are there, what is done, and writing that leaves no halves.

Folders and files are named by path or by any URL that fsspec knows: ``s3://``, ``gs://``, ``hdfs://``.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ecglib.paths import TEMPORARY, atomic_write, remove_left, remove_unfinished, scratch

RECORDING_SUFFIXES = (".hea", ".edf", ".bdf", ".ecg")  # the first that a name has is read
SEGMENT = re.compile(r"_(\d{4}|layout)$")  # how PhysioNet names the segments of a WFDB record
# What tells one version of a file from the next, besides its size; the first that a storage knows.
STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class Entry:
    """One recording of an archive.

    Attributes
    ----------
    name : str
        Path below the archive's folder, without suffix: ``"2024/ward3/100"``.
    path : str
        Of the file to read, as the archive's storage names it.
    files : tuple of str
        This file and the others of the same name, such as the ``.dat`` beside a ``.hea``.
    key : str
        Differs as soon as a file, the model or a setting does: the name of the result.
    """

    name: str
    path: str
    files: tuple[str, ...]
    key: str


def find_recordings(folder: str, made_with: str) -> list[Entry]:
    """All recordings below a folder, by name, from one listing: no file is opened.

    Parameters
    ----------
    folder : str
        Path or URL.
    made_with : str
        Everything else that results depend on: the model's checksum, the settings.

    Raises
    ------
    ValueError
        There is no such folder, or no recording below it.
    """
    storage, root = fsspec.url_to_fs(folder)
    if not storage.isdir(root):
        raise ValueError(f"There is no folder {folder}. Check the spelling, and access rights.")
    root = root.rstrip("/") + "/"
    groups = defaultdict(dict)
    for path, info in storage.find(root, detail=True).items():
        stem, dot, suffix = path.rpartition(".")
        if dot and not path.rpartition("/")[2].startswith("."):
            groups[stem][f".{suffix}"] = info
    for stem in [s for s in groups if SEGMENT.search(s)]:
        record = SEGMENT.sub("", stem)
        if ".hea" in groups.get(record, ()):  # whose segment this is, read and renewed with it
            ending = stem.removeprefix(record)
            groups[record] |= {ending + s: info for s, info in groups.pop(stem).items()}
    entries = []
    for stem, files in sorted(groups.items()):
        suffix = min(files, key=_rank)
        if suffix.lower() not in RECORDING_SUFFIXES:
            continue
        name = stem.removeprefix(root)
        versions = [f"{s} {_version(info)}" for s, info in sorted(files.items())]
        identity = "\n".join([made_with, name, *versions])
        key = hashlib.sha256(identity.encode()).hexdigest()[:32]
        entries.append(Entry(name, stem + suffix, tuple(stem + s for s in sorted(files)), key))
    if not entries:
        raise ValueError(
            f"There is no recording below {folder}: looked for *{', *'.join(RECORDING_SUFFIXES)}."
        )
    return entries


def _rank(suffix: str) -> int:
    """Place among the suffixes of recordings; behind them all if it is none."""
    known = suffix.lower() in RECORDING_SUFFIXES
    return RECORDING_SUFFIXES.index(suffix.lower()) if known else len(RECORDING_SUFFIXES)


def _version(info: dict) -> str:
    """Size and time or checksum of a file, from its line in the listing."""
    return f"{info['size']} {next((info[s] for s in STAMPS if info.get(s) is not None), '')}"


def finished(parts: str) -> set[str]:
    """Keys of the results that are complete in a folder of parts, from one listing."""
    storage, root = fsspec.url_to_fs(parts)
    if not storage.exists(root):
        return set()
    names = (path.rpartition("/")[2] for path in storage.find(root))
    return {n.removesuffix(".parquet") for n in names if n.endswith(".parquet") and n[0] != "."}


def part(parts: str, key: str) -> str:
    """Where the result with this key is; in 256 folders, because many dislike a million files."""
    return f"{parts}/{key[:2]}/{key}.parquet"


def recordings_file(out: str) -> str:
    """Name of the table of recordings that goes with a table of beats."""
    return out.removesuffix(".parquet") + ".recordings.csv"


@contextmanager
def fetched(folder: str, entry: Entry) -> Iterator[str]:
    """A recording's path on this machine: where it lies, or for the time being a copy of it."""
    storage, _ = fsspec.url_to_fs(folder)
    if isinstance(storage, LocalFileSystem):
        yield entry.path
        return
    with scratch() as here:
        storage.get(list(entry.files), [f"{here}/{f.rpartition('/')[2]}" for f in entry.files])
        yield f"{here}/{entry.path.rpartition('/')[2]}"


def remove_torn(parts: str, out: str) -> None:
    """Remove what writes that were killed have left of the parts, and of the tables."""
    storage, root = fsspec.url_to_fs(parts)
    if isinstance(storage, LocalFileSystem):
        remove_unfinished(Path(root))
        for url in (out, recordings_file(out)):
            path = Path(fsspec.url_to_fs(url)[1])
            remove_left(path.parent.glob(f"{TEMPORARY}{path.stem}-*"))
    elif storage.exists(root):
        for left in storage.find(root):
            if left.endswith(".tmp"):
                storage.rm(left)


def remove(url: str) -> None:
    """Remove a file, here or on any storage, if it is there."""
    storage, path = fsspec.url_to_fs(url)
    if storage.exists(path):
        storage.rm(path)


@contextmanager
def atomic_open(url: str) -> Iterator[BinaryIO]:
    """Write a file, here or on any storage, whose final name never holds a part of it."""
    storage, path = fsspec.url_to_fs(url)
    if isinstance(storage, LocalFileSystem):
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            yield file
            file.flush()
        return
    storage.makedirs(path.rpartition("/")[0], exist_ok=True)
    temporary = f"{path}.{uuid4().hex}.tmp"
    try:
        with storage.open(temporary, "wb") as file:
            yield file
        storage.mv(temporary, path)
    finally:
        if storage.exists(temporary):
            storage.rm(temporary)
