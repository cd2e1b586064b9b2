"""A worker of the cluster: it loads the model once, then classifies recording after recording."""

import hashlib
from pathlib import Path

import pandas as pd
from distributed import Worker, WorkerPlugin, get_worker

from ecglib.apps.archive.files import Entry, atomic_open, fetched, part
from ecglib.models.classifier import Classifier
from ecglib.paths import scratch


class Model(WorkerPlugin):
    """The classifier of a worker; it travels as bytes of its files, which needs no shared disk.

    ``checksum``, the SHA-256 of the model file, is part of the plugin's name, because archives with
    other models may use the same workers.
    """

    def __init__(self, path: Path):
        files = [file for file in (path, path.with_suffix(".onnx")) if file.is_file()]
        self._contents = {f"model{file.suffix}": file.read_bytes() for file in files}
        self.checksum = hashlib.sha256(self._contents[f"model{path.suffix}"]).hexdigest()
        self.name = f"ecg-model-{self.checksum[:12]}"

    def setup(self, worker: Worker) -> None:
        with scratch() as folder:
            for name, content in self._contents.items():
                (folder / name).write_bytes(content)
            self.classifier = Classifier.load(folder / next(iter(self._contents)))


def classify_to_part(entry: Entry, folder: str, parts: str, model: str, lead: int) -> str | None:
    """Classify one recording and write its table; returns the reason if that is impossible.

    An error in writing is raised instead: the recording is not its cause, and the next one would
    fail as well.
    """
    classifier = get_worker().plugins[model].classifier
    try:
        with fetched(folder, entry) as path:
            table = classifier.classify_recording(path, lead=lead)
    except ValueError as error:
        return str(error)
    except Exception as error:  # of this recording's reader or storage, so the others go on
        return f"{type(error).__name__}: {error}"
    with atomic_open(part(parts, entry.key)) as file:
        compact(table, entry.name).to_parquet(file, index=False)
    return None


def compact(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table of a recording under its name, with probabilities in half the space."""
    single = [c for c in table if c == "confidence" or c.startswith("p_")]
    table = table.astype(dict.fromkeys(single, "float32"))
    table.insert(0, "recording", pd.Series(name, index=table.index, dtype="str"))
    return table.astype({"label": "str"})
