"""Files between the browser and the demo: dropped or chosen by a person, and saved for one."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import anywidget
import traitlets

ACCEPTED = ".csv,.txt,.tsv,.dat,.hea,.atr,.edf,.bdf,.ecg,.zip"
MAX_MB = 50  # of all files together
MAX_FILES = 200


class FileExchange(anywidget.AnyWidget):
    """A field to drop files on, which also hands files to the browser.

    The page sends pieces of 1 MiB. They are checked here again, since a page can be manipulated.
    """

    _esm = Path(__file__).with_name("files.js")
    _css = Path(__file__).with_name("files.css")
    accept = traitlets.Unicode(ACCEPTED).tag(sync=True)
    limit_mb = traitlets.Int(MAX_MB).tag(sync=True)
    limit_files = traitlets.Int(MAX_FILES).tag(sync=True)
    hint = traitlets.Unicode(
        "CSV or text (beats, or a recording), WFDB (.hea and .dat together, .atr if there is one), "
        f"EDF, ISHNE (.ecg), or a zip. At most {MAX_MB} MB."
    ).tag(sync=True)

    def __init__(self):
        super().__init__()
        self._take: Callable[[dict[str, bytes] | ValueError], None] = lambda files: None
        self._names: list[str] = []
        self._parts: dict[int, list[bytes]] = {}
        self._transfer = ""
        self._begun: set[str] = set()
        self.on_msg(self._receive)

    def on_files(self, take: Callable[[dict[str, bytes] | ValueError], None]) -> None:
        """Call `take` with the files' contents by name, or with the reason of a refusal."""
        self._take = take

    def save(self, name: str, content: bytes, mime: str) -> None:
        """Let the browser save a file, as a download."""
        self.send({"kind": "save", "name": name, "mime": mime}, [content])

    def _receive(self, _, message: dict, buffers: list) -> None:
        kind = message.get("kind")
        if kind == "refused":
            self._refuse(message.get("count", 0), message.get("size", 0))
        elif kind == "begin":
            self._begun.add(message["transfer"])
            if (n_files := len(message["names"])) > self.limit_files:
                self._refuse(n_files, 0)
                return
            self._transfer, self._names = message["transfer"], _distinct(message["names"])
            self._parts = {index: [] for index in range(n_files)}
        elif kind == "end":
            self.send({"kind": "arrived", "transfer": message["transfer"]})
            self._finish(message["transfer"], message.get("size"))
        elif message.get("transfer") != self._transfer:
            return  # of an older transfer, which a newer one has replaced
        elif kind == "piece":
            self._parts[message["index"]].append(bytes(buffers[0]))
            if (size := self._size()) > self.limit_mb * 1_000_000:
                self._refuse(len(self._names), size)

    def _size(self) -> int:
        """Bytes that have arrived."""
        return sum(len(part) for parts in self._parts.values() for part in parts)

    def _finish(self, transfer: str, size: int | None) -> None:
        """Take the files of a transfer, unless it was refused, replaced or lost in part."""
        if transfer == self._transfer and size == self._size():
            self._end({self._names[index]: b"".join(p) for index, p in self._parts.items()})
        elif transfer == self._transfer or transfer not in self._begun:
            lost = "The connection broke and a part of the file was lost. Choose the file again."
            self._end(ValueError(lost))

    def _refuse(self, count: int, size: float) -> None:
        self._end(
            ValueError(
                f"Too much: {count:,} file{'s' * (count != 1)} of {size / 1e6:,.1f} MB. The "
                f"limit is {self.limit_mb} MB and {self.limit_files} files. Choose fewer files, or "
                "classify them in Python with Classifier.classify_recording."
            )
        )

    def _end(self, found: dict[str, bytes] | ValueError) -> None:
        """End the transfer with its files, or with the reason why there are none."""
        self._transfer, self._parts = "", {}
        self._take(found)


def _distinct(names: list[str]) -> list[str]:
    """File names, numbered where one occurs again: files may come from several folders."""
    found: list[str] = []
    for name in names:
        stem, suffix = Path(name).stem, Path(name).suffix
        more = (f"{stem} ({n}){suffix}" for n in count(2))
        found.append(name if name not in found else next(m for m in more if m not in found))
    return found
