"""A disk whose n-th call fails."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ERRORS = {"full disk": errno.ENOSPC, "no permission": errno.EACCES, "I/O error": errno.EIO}


class Faults:
    """Makes the n-th call that changes the disk below a folder fail, and counts those calls."""

    CALLS = ("open", "mkdir", "replace", "rename", "fsync", "chmod")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path):
        self.folder, self.error, self.fails_at, self.count = str(folder), 0, 0, 0
        for name in self.CALLS:
            monkeypatch.setattr(os, name, self.failing(getattr(os, name)))
        monkeypatch.setattr(io, "open", self.failing(io.open))
        monkeypatch.setattr("builtins.open", self.failing(open))

    def failing(self, call: Callable) -> Callable:
        def counted(path, *arguments, **options):
            if self.error and (isinstance(path, int) or str(path).startswith(self.folder)):
                self.count += 1
                if self.count == self.fails_at:
                    raise OSError(self.error, os.strerror(self.error), str(path))
            return call(path, *arguments, **options)

        return counted

    @property
    def reached(self) -> bool:
        return self.count >= self.fails_at

    @contextmanager
    def at(self, number: int, error: int) -> Iterator[None]:
        self.error, self.fails_at, self.count = error, number, 0
        try:
            yield
        finally:
            self.error = 0
