"""Callbacks of widgets: one at a time, and none of their errors lost."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps


class Guard:
    """Makes callbacks of what a person does.

    Nothing else would tell the errors: one in a widget's callback is lost without a trace in
    Voilà, and doesn't fail a batch run.

    Parameters
    ----------
    say : callable
        Is told a text for the person, and ``error=True`` where it is one; "" takes it away.
    show : callable
        Is called after each action, to show the state.

    Attributes
    ----------
    lock : RLock
        Held while an action changes the state, and by whoever else does.
    """

    def __init__(self, say: Callable[..., None], show: Callable[[], None]):
        self.lock, self._quiet = threading.RLock(), False
        self._say, self._show = say, show

    def __call__(self, action: Callable, alone: bool = False) -> Callable:
        """A callback that acts, then shows the state, unless the action is to stand alone."""

        @wraps(action)
        def callback(event) -> None:
            with self.lock:
                if self._quiet:  # set by this thread; another one's changes end with its lock
                    return
                try:
                    if not alone:
                        self._say("")
                    action(event)
                    if not alone:
                        self._show()
                except Exception as error:
                    self.report(error)

        return callback

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set controls without acting on it."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    @contextmanager
    def or_back(self, change) -> Iterator[None]:
        """Show the old choice of a control again where the new one can't be had."""
        try:
            yield
        except Exception:
            with self.quietly():
                change.owner.value = change.old
            raise

    def report(self, error: Exception) -> None:
        """Say what went wrong."""
        if isinstance(error, ValueError):  # a sentence for whoever is in front of the screen
            self._say(str(error), error=True)
            return
        logging.getLogger(__name__).error("A callback of the demo failed", exc_info=error)
        self._say(
            f"{type(error).__name__}: {error}. This is a fault of the program; run the notebook "
            "again, or load the page anew, if it stays.",
            error=True,
        )
