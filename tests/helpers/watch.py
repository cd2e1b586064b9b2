"""Hostile input must not hang, fill the memory, write files or run code. POSIX only.

Inside ``watched()``, all of this raises ``NotAllowed``, which no ``except Exception`` hides.
"""

import os
import signal
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from ecglib.paths import SCRATCH

CPU_SECONDS = 2.0
MEMORY = 200_000_000
TEMPORARY = os.path.join(tempfile.gettempdir(), SCRATCH)  # the reader unpacks uploads there

_RUNS = """
    os.system os.exec os.posix_spawn os.fork os.spawn os.startfile subprocess.Popen
    pickle.find_class socket.connect socket.getaddrinfo ctypes.dlopen marshal.loads
    webbrowser.open urllib.Request os.remove os.rename os.mkdir os.rmdir os.link os.symlink
    os.truncate os.chmod os.chown shutil.rmtree shutil.move shutil.copyfile
    tempfile.mkstemp tempfile.mkdtemp
""".split()
_seen: list[str] | None = None


class NotAllowed(BaseException):
    """The code did something that input must not cause."""


def _audit(event: str, arguments: tuple) -> None:
    if _seen is None or (arguments and str(arguments[0]).startswith(TEMPORARY)):
        return
    if event == "open":
        _, mode, flags = arguments
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & writes:
            _seen.append(f"{event} {arguments}")
    elif event in _RUNS:
        _seen.append(f"{event} {arguments}")


sys.addaudithook(_audit)


@contextmanager
def watched() -> Iterator[None]:
    """Raise NotAllowed if the block takes much time or memory, writes, or runs something."""
    global _seen

    def too_long(*_) -> None:
        raise NotAllowed(f"it took more than {CPU_SECONDS} s of processor time")

    previous = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    seen = _seen = []
    tracemalloc.start()
    try:
        yield
    finally:
        _seen = None
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if seen:
        raise NotAllowed("; ".join(seen))
    if peak > MEMORY:
        raise NotAllowed(f"it took {peak / 1e6:.0f} MB")
