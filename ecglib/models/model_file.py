"""Networks on disk: model files, and the checkpoints of unfinished trainings.

A model file is one safetensors file. The model card in its metadata holds everything that is needed
to use the weights, and a SHA-256 of itself and the weights, so a damaged file is refused. Loading a
model file or a checkpoint executes no code.
"""

import difflib
import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASSES
from ecglib.paths import MODELS, TEMPORARY, atomic_write, show

if TYPE_CHECKING:  # PyTorch is loaded where a network is built, since ONNX Runtime does without
    from ecglib.models.network import CNNLSTM, Ensemble

CARD_KEY = "ecg-arrhythmia-notebooks"  # also tells our files from foreign ones
CARD_VERSION = 1
LARGEST = 10_000  # any number in an architecture, so that a hostile card can't fill the memory
MOST_LAYERS = 32
HOW_TO_MAKE_ONE = "Run notebooks/03_cnn_lstm_training.ipynb, or `python run_all.py`, to make one."


class ModelFileError(ValueError):
    """A model file is missing, damaged, or not one of this project."""


@dataclass
class StoredModel:
    """The content of a network's model file."""

    path: Path
    card: dict
    weights: dict[str, np.ndarray]

    @property
    def temperature(self) -> float:
        """Divides the logits, so that the probabilities are calibrated."""
        return float(self.weights["temperature"])

    @cached_property
    def network(self) -> "CNNLSTM | Ensemble":
        """The network in PyTorch, ready to predict; ModelFileError if the weights do not fit it."""
        import torch

        from ecglib.models.network import predict_logits

        try:
            tensors = {name: torch.tensor(array) for name, array in self.weights.items()}
            model = _empty(self.card["architecture"], tensors)
            model.load_state_dict(tensors, assign=True)
            answer = predict_logits(model, np.zeros((1, BEAT_SAMPLES), np.float32))
            if not torch.isfinite(answer).all():
                raise ValueError("it does not predict numbers")
        except Exception as error:  # a hostile card makes the builders of layers raise anything
            raise _damaged(self.path, error) from error
        return model.eval()


def find_model(name_or_path: str | Path) -> Path:
    """The model file of a shipped model's name, such as ``"rhythm"``, or at a path.

    Raises
    ------
    ModelFileError
        The project ships no model of that name; the message names those that it ships.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix or path.name != name_or_path:
        return path
    shipped = {found.stem: found for found in sorted(MODELS.glob("*.safetensors"))}
    if name_or_path in shipped:
        return shipped[name_or_path]
    if path.is_file():
        return path
    close = difflib.get_close_matches(name_or_path, shipped, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    have = f"The project ships {', '.join(shipped)}." if shipped else HOW_TO_MAKE_ONE
    raise ModelFileError(f"There is no model '{name_or_path}'. {hint}{have}")


def save_model(model: "CNNLSTM | Ensemble", path: str | Path, card: dict) -> None:
    """Write a network and its model card (JSON values) to one safetensors file, atomically.

    Classes, sampling rate, architecture, a format version and the checksum are added to the card.
    """
    weights = {name: tensor.contiguous().numpy() for name, tensor in model.state_dict().items()}
    write_weights(path, card | {"architecture": model.architecture}, weights)


def write_weights(path: str | Path, card: dict, weights: dict[str, np.ndarray]) -> None:
    """Write the file of a model of any kind; ``card["architecture"]`` tells the kind."""
    card = card | {
        "version": CARD_VERSION,
        "classes": list(CLASSES),
        "beat_fs": BEAT_FS,
        "beat_samples": BEAT_SAMPLES,
    }
    card = json.loads(json.dumps(card))  # as it will be read
    card["sha256"] = checksum(card, weights)
    with atomic_write(path) as temporary:  # save_file would make it readable for its owner only
        temporary.write_bytes(save(weights, metadata={CARD_KEY: json.dumps(card)}))


def checksum(card: dict, weights: dict[str, np.ndarray]) -> str:
    """SHA-256 of arrays and of a card without its own ``sha256``."""
    content = {name: value for name, value in card.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(weights):
        array = weights[name]
        total.update(f"{name} torch.{array.dtype} {list(array.shape)}".encode())
        total.update(array)
    return total.hexdigest()


def read_card(path: str | Path) -> dict:
    """The model card of a model file; ModelFileError if there is none."""
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"There is no model file {show(path)}. {HOW_TO_MAKE_ONE}")
    try:
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelFileError(
            f"{show(path)} is not a complete safetensors file ({error}). {HOW_TO_MAKE_ONE}"
        ) from error
    try:
        card = json.loads(metadata[CARD_KEY])
        fits = card["version"] == CARD_VERSION and tuple(card["classes"]) == CLASSES
        fits = fits and (card["beat_fs"], card["beat_samples"]) == (BEAT_FS, BEAT_SAMPLES)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{show(path)} has no model card of this project. {HOW_TO_MAKE_ONE}"
        ) from error
    if not fits:
        raise ModelFileError(
            f"{show(path)} was made for other classes, another beat form or by another version of "
            f"this project. {HOW_TO_MAKE_ONE}"
        )
    return card


def read_model(path: str | Path) -> StoredModel:
    """Weights and card of a network's file; ModelFileError if they can't be used."""
    card = read_card(path)
    if isinstance(card.get("architecture"), dict) and "kind" in card["architecture"]:
        raise ModelFileError(
            f"{show(path)} is not a single-beat network; it is the patient-wise model, which "
            "classifies whole recordings: load it with ecglib.PatientwiseClassifier.load."
        )
    try:
        weights = read_weights(path, card)
        if weights["temperature"].shape != ():
            raise ValueError("its temperature is not one number")
    except Exception as error:  # the library raises anything on a damaged file
        raise _damaged(path, error) from error
    return StoredModel(Path(path), card, weights)


def read_weights(path: str | Path, card: dict) -> dict[str, np.ndarray]:
    """The arrays of a model file of any kind; an exception if their checksum is not the card's."""
    with safe_open(path, framework="numpy") as stored:
        weights = {name: stored.get_tensor(name) for name in stored.keys()}
    if card.get("sha256") != checksum(card, weights):
        raise ValueError("its SHA-256 is not the one it was saved with")
    return weights


def _damaged(path: str | Path, error: Exception) -> ModelFileError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelFileError(
        f"{show(path)} is damaged, or its weights do not fit its model card ({reason}). "
        f"{HOW_TO_MAKE_ONE}"
    )


def _empty(architecture: dict, tensors: dict) -> "CNNLSTM | Ensemble":
    """A network that these tensors fit, on the meta device: no weights, no memory for them."""
    import torch

    from ecglib.models.network import CNNLSTM, Ensemble, ModelConfig

    networks = architecture.get("networks", 1)
    config = ModelConfig.from_dict({n: v for n, v in architecture.items() if n != "networks"})
    settings = list(config.to_dict().values())
    lists = [value for value in settings if isinstance(value, list)]
    numbers = [n for value in settings for n in (value if isinstance(value, list) else [value])]
    layers = max(networks, config.lstm_layers, *map(len, lists))
    if layers > MOST_LAYERS or max(numbers) > LARGEST:
        raise ValueError("the architecture in its card is impossibly large")
    with torch.device("meta"):
        trained = [CNNLSTM(config) for _ in range(networks)]
        model = Ensemble(trained) if "networks" in architecture else trained[0]
    wanted = {name: (t.shape, t.dtype) for name, t in model.state_dict().items()}
    if wanted != {name: (t.shape, t.dtype) for name, t in tensors.items()}:
        raise ValueError("they have other names, shapes or types")
    return model


def save_checkpoint(path: Path, identity: str, parts: dict, stored: dict) -> None:
    """Write the state of an unfinished training; the checkpoint before it stays if that fails.

    ``identity`` tells this training from others, ``parts`` are objects with ``state_dict``, and
    ``stored`` holds further values.
    """
    import torch

    states = {name: part.state_dict() for name, part in parts.items()}
    with atomic_write(path) as temporary:
        try:
            torch.save({"identity": identity, "parts": states, "stored": stored}, temporary)
        except RuntimeError as error:  # raised by torch where the disk is full
            raise OSError(f"{show(path)} could not be written: {error}") from error


def load_checkpoint(path: Path, identity: str, parts: dict) -> dict | None:
    """Load a checkpoint into ``parts`` and return its further values.

    None if it is missing, damaged or of another training; then training starts from the beginning.
    """
    import torch

    for torn in path.parent.glob(f"{TEMPORARY}{path.stem}-*{path.suffix}"):
        torn.unlink(missing_ok=True)  # a write that was killed
    if not path.is_file():
        return None
    try:
        if not zipfile.is_zipfile(path):  # torch's older format takes any amount of memory
            raise ValueError("it is not an archive")
        found = torch.load(path, weights_only=True, map_location="cpu")
        if found["identity"] != identity:
            return None
        for name, part in parts.items():
            part.load_state_dict(found["parts"][name])
        return found["stored"]
    except Exception as error:  # torch raises anything on a damaged archive
        print(f"The checkpoint {path.name} is damaged and not used ({type(error).__name__}).")
        return None
