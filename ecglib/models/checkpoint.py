"""The state of an unfinished training, in one file that is replaced as a whole.

A checkpoint is written after every epoch and read with ``weights_only=True``: it holds tensors,
numbers and text, and reading it executes nothing. What people exchange is the model file.
"""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import torch

from ecglib.paths import TEMPORARY, atomic_write, show


def save(path: Path, identity: dict, parts: dict, stored: dict) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
    identity : dict
        What makes this training this one; a checkpoint of another one is never resumed.
    parts : dict
        Objects with ``state_dict`` and ``load_state_dict``, by name.
    stored : dict
        Further values: history, the weights to end with.

    Raises
    ------
    OSError
        It could not be written; the checkpoint before it is still there.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    with atomic_write(path) as temporary:
        try:
            torch.save({"identity": identity, "parts": states, "stored": stored}, temporary)
        except RuntimeError as error:  # torch's word for a full disk
            raise OSError(f"{show(path)} could not be written: {error}") from error


def digest(*parts: bytes | np.ndarray) -> str:
    """SHA-256 of texts and arrays, which tells a training's beats from those of another."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else part.tobytes())
    return total.hexdigest()


def restore(path: Path, identity: dict, parts: dict) -> dict | None:
    """Load a checkpoint into ``parts`` and return its further values.

    Returns
    -------
    dict or None
        None if there is no checkpoint, it is damaged, or it belongs to another training; training
        then starts from the beginning.
    """
    for torn in path.parent.glob(f"{TEMPORARY}{path.stem}-*{path.suffix}"):
        torn.unlink(missing_ok=True)  # a write that was killed
    if not path.is_file():
        return None
    try:
        if not zipfile.is_zipfile(path):  # torch's older form, which takes memory as it is told
            raise ValueError("it is no archive")
        found = torch.load(path, weights_only=True)
        if found["identity"] != identity:
            return None
        for name, part in parts.items():
            part.load_state_dict(found["parts"][name])
        return found["stored"]
    except Exception as error:  # torch raises whatever a damaged archive runs into
        print(f"The checkpoint {path.name} is damaged and not used ({type(error).__name__}).")
        return None
