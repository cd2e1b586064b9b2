"""One run at a time per folder, and a clean end when a run is stopped."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ecglib.paths import show

STOP_SECONDS = 20  # an interrupted notebook gets half of it to save its work, then SIGTERM


class LockedError(RuntimeError):
    """Another run is writing to the same folder; the message says which."""


def print_anything() -> None:
    """Let a terminal or file without a letter show its code instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # it may have been replaced, as by a notebook
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a run's folder; LockedError names the process that holds it already."""
    folder.mkdir(parents=True, exist_ok=True)
    lock, owner = FileLock(folder / ".lock"), folder / ".lock-owner"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            who = owner.read_text(encoding="utf-8")
        except FileNotFoundError:
            who = "a process that has just started"
        raise LockedError(
            f"Another run is writing to {show(folder)}: {who}. Wait for it, or end it."
        ) from None
    try:
        started = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        owner.write_text(f"process {os.getpid()}, started {started}", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into one KeyboardInterrupt that carries the signal's number."""

    # nbclient then interrupts the kernel and waits for its end, undisturbed by further signals.
    def stop(number: int, frame: object) -> None:
        for known in previous:
            signal.signal(known, signal.SIG_IGN)
        os.write(2, f"\nStopping, which may take {STOP_SECONDS} s ...\n".encode())
        raise KeyboardInterrupt(number)

    previous = {known: signal.getsignal(known) for known in (signal.SIGINT, signal.SIGTERM)}
    for known in previous:
        signal.signal(known, stop)
    try:
        yield
    finally:
        for known, handler in previous.items():
            signal.signal(known, handler)
