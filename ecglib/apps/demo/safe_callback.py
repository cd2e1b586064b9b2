"""Callbacks of widgets: one at a time, and none of their errors is lost."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps


class SafeCallback:
    """Turns actions of a person into callbacks that show their errors.

    Otherwise an error in a widget's callback is lost in Voilà, and does not fail a batch run.
    ``say`` shows a text, with ``error=True`` as an error; ``show``, called after each action, shows
    the state. ``lock`` is held while the state changes.
    """

    def __init__(self, say: Callable[..., None], show: Callable[[], None]):
        self.lock, self._quiet = threading.RLock(), False
        self._say, self._show = say, show

    def __call__(self, action: Callable, alone: bool = False) -> Callable:
        """A callback that acts and then, unless ``alone``, shows the state."""

        @wraps(action)
        def callback(event) -> None:
            with self.lock:
                if self._quiet:  # set by this thread; other threads reset it before they unlock
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
        """Set controls without calling back."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    @contextmanager
    def or_back(self, change) -> Iterator[None]:
        """Restore a control's old value if the action fails."""
        try:
            yield
        except Exception:
            with self.quietly():
                change.owner.value = change.old
            raise

    def report(self, error: Exception) -> None:
        """Show an error."""
        if isinstance(error, ValueError):  # its message is written for the person
            self._say(str(error), error=True)
            return
        logging.getLogger(__name__).error("A callback of the demo failed", exc_info=error)
        self._say(
            f"{type(error).__name__}: {error}. This is an error of the program. If it stays, run "
            "the notebook again or reload the page.",
            error=True,
        )
