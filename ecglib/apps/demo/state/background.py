"""Work that takes its time, off the thread that answers the page."""

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Progress = Callable[[float | None], None]

REDRAW_S = 0.1  # a bar need not move more often


class StoppedError(Exception):
    """The work has been stopped, or other work has taken its place."""


@dataclass(frozen=True)
class Work:
    """Something to compute.

    Attributes
    ----------
    subject : object
        Work on the same subject is the same work.
    what : str
        For the person who waits.
    do : callable
        Gets a function to tell the share that is done with (None: nobody knows), which may raise
        to end the work; changes nothing that is shown, and returns a result.
    take : callable
        Takes the result over.
    short : bool
        Whether nobody would notice the time it takes.
    """

    subject: object
    what: str
    do: Callable[[Progress], Any]
    take: Callable[[Any], None]
    short: bool = False


class Jobs:
    """One piece of work at a time, in the background; other work takes its place.

    Parameters
    ----------
    lock : RLock
        Held while a result is taken over, as it is by whoever else changes the state.
    show : callable
        Is told what is being done and the share that is done; with an empty text, that nothing
        is going on any more.
    fail : callable
        Is told of an exception.
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
        """Do the work, take its result over and call `done`, both under the lock.

        Work that is going on already goes on.
        """
        if self._current is not None and self._current.subject == work.subject:
            return
        self._current, drawn = work, 0.0

        def progress(share: float | None) -> None:
            nonlocal drawn
            with self._lock:  # or it could show, for good, what has been stopped meanwhile
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
                    self._end()
                    work.take(result)
                    done()
            except StoppedError:
                pass
            except Exception as error:
                with self._lock:
                    if self._current in (work, None):
                        self._end()
                        self._fail(error)

        context = contextvars.copy_context()  # what is printed belongs to the cell that started it
        self._thread = threading.Thread(target=context.run, args=(run,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give the work up; what it would have found is never shown."""
        self._end()

    def _end(self) -> None:
        self._current = None
        self._show("", None)

    def wait(self) -> None:
        """Until nothing is going on any more."""
        while (thread := self._thread) is not None and thread.is_alive():
            thread.join()
