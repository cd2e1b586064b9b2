"""An archive's files: its recordings, the finished parts, and atomic writing.

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

RECORDING_SUFFIXES = (".hea", ".edf", ".bdf", ".ecg")  # of equal names, the first is read
SEGMENT = re.compile(r"_(\d{4}|layout)$")  # how PhysioNet names the segments of a WFDB record
# A file's version is its size and the first of these that the storage knows.
STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class Entry:
    """One recording of an archive."""

    name: str  # path below the archive's folder, without suffix: "2024/ward3/100"
    path: str  # of the file to read, in the archive's storage
    files: tuple[str, ...]  # that file and the others of the same name, such as .dat beside .hea
    key: str  # name of the result; another one as soon as a file, the model or a setting changes


def find_recordings(folder: str, made_with: str) -> list[Entry]:
    """All recordings below a folder, by name, from one listing: no file is opened.

    ``made_with`` holds everything else that results depend on. Raises ValueError if there is no
    such folder, or no recording below it.
    """
    storage, root = fsspec.url_to_fs(folder)
    if not storage.isdir(root):
        raise ValueError(f"There is no folder {folder}. Check its spelling and your access rights.")
    root = root.rstrip("/") + "/"
    groups = defaultdict(dict)
    for path, info in storage.find(root, detail=True).items():
        stem, dot, suffix = path.rpartition(".")
        if dot and not path.rpartition("/")[2].startswith("."):
            groups[stem][f".{suffix}"] = info
    for stem in [s for s in groups if SEGMENT.search(s)]:
        record = SEGMENT.sub("", stem)
        if ".hea" in groups.get(record, ()):  # the record that this segment belongs to
            ending = stem.removeprefix(record)
            groups[record] |= {ending + s: info for s, info in groups.pop(stem).items()}
    entries = []
    for stem, files in sorted(groups.items()):
        readable = [suffix for suffix in files if suffix.lower() in RECORDING_SUFFIXES]
        if not readable:
            continue
        suffix = min(readable, key=lambda known: RECORDING_SUFFIXES.index(known.lower()))
        name = stem.removeprefix(root)
        versions = [f"{s} {_version(info)}" for s, info in sorted(files.items())]
        identity = "\n".join([made_with, name, *versions])
        key = hashlib.sha256(identity.encode()).hexdigest()[:32]
        entries.append(Entry(name, stem + suffix, tuple(stem + s for s in sorted(files)), key))
    if not entries:
        known = ", ".join(RECORDING_SUFFIXES)
        raise ValueError(f"There is no recording below {folder}. Recordings end in {known}.")
    return entries


def _version(info: dict) -> str:
    """Size and time or checksum of a file, from its line in the listing."""
    return f"{info['size']} {next((info[s] for s in STAMPS if info.get(s) is not None), '')}"


def finished(parts: str) -> set[str]:
    """Keys of the finished results in a folder of parts, from one listing."""
    storage, root = fsspec.url_to_fs(parts)
    if not storage.exists(root):
        return set()
    names = (path.rpartition("/")[2] for path in storage.find(root))
    return {n.removesuffix(".parquet") for n in names if n.endswith(".parquet") and n[0] != "."}


def part(parts: str, key: str) -> str:
    """Name of a result's file; in 256 folders, because a million files in one would be slow."""
    return f"{parts}/{key[:2]}/{key}.parquet"


def recordings_file(out: str) -> str:
    """Name of the table of recordings that goes with a table of beats."""
    return out.removesuffix(".parquet") + ".recordings.csv"


@contextmanager
def fetched(folder: str, entry: Entry) -> Iterator[str]:
    """A recording's path on this machine: its own, or that of a temporary copy."""
    storage, _ = fsspec.url_to_fs(folder)
    if isinstance(storage, LocalFileSystem):
        yield entry.path
        return
    with scratch() as here:
        storage.get(list(entry.files), [f"{here}/{f.rpartition('/')[2]}" for f in entry.files])
        yield f"{here}/{entry.path.rpartition('/')[2]}"


def remove_torn(parts: str, out: str) -> None:
    """Remove unfinished files of killed processes, among the parts and beside the tables."""
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
    """Remove a file from any storage, if it is there."""
    storage, path = fsspec.url_to_fs(url)
    if storage.exists(path):
        storage.rm(path)


@contextmanager
def atomic_open(url: str) -> Iterator[BinaryIO]:
    """Write a file on any storage; its final name never holds a part of it."""
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
