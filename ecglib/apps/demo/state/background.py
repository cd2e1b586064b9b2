"""Long computations, off the thread that answers the page."""

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Progress = Callable[[float | None], None]

REDRAW_S = 0.1  # between two updates of the progress bar


class StoppedError(Exception):
    """The work was stopped or replaced."""


@dataclass(frozen=True)
class Work:
    """A computation; equal subjects mean the same one."""

    subject: object
    what: str  # for the person who waits
    # Computes the result without changing the state. Gets a function that takes the share done
    # (None if unknown), and may raise to end the work.
    do: Callable[[Progress], Any]
    take: Callable[[Any], None]  # puts the result into the state
    short: bool = False  # fast enough to run at once


class Jobs:
    """Runs one piece of work at a time in the background; new work replaces it.

    ``lock`` is held while the state changes. ``show`` gets the work and the share done, or an empty
    text when nothing runs; ``fail`` gets exceptions.
    """

    def __init__(
        self,
        lock: "threading.RLock",
        show: Callable[[str, float | None], None],
        fail: Callable[[Exception], None],
    ):
        self._lock, self._show, self._fail = lock, show, fail
        self._current: Work | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Work, done: Callable[[], None]) -> None:
        """Do the work, then take its result and call `done`; the same work is not started twice."""
        if self._current is not None and self._current.subject == work.subject:
            return
        self._current, drawn = work, 0.0

        def progress(share: float | None) -> None:
            nonlocal drawn
            with self._lock:  # otherwise it could show work that has just been stopped
                if self._current is not work:
                    raise StoppedError
                if (now := time.monotonic()) - drawn > REDRAW_S:
                    drawn = now
                    self._show(work.what, share)

        def run() -> None:
            try:
                progress(None)
                result = work.do(progress)
                with self._lock:
                    progress(1.0)
                    self.stop()
                    work.take(result)
                    done()
            except StoppedError:
                pass
            except Exception as error:
                with self._lock:
                    if self._current in (work, None):
                        self.stop()
                        self._fail(error)

        context = contextvars.copy_context()  # its prints belong to the cell that started it
        self._thread = threading.Thread(target=context.run, args=(run,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the work; its result is dropped."""
        self._current = None
        self._show("", None)

    def wait(self) -> None:
        """Wait until nothing runs."""
        while (thread := self._thread) is not None and thread.is_alive():
            thread.join()
