"""Trained networks on disk: one safetensors file with the weights and the model card.

The card, in the file's metadata, holds everything that is needed to use the weights, and a SHA-256
of itself and the weights, so that a damaged file is refused. Loading a file executes no code.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ecglib.beats.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASSES
from ecglib.paths import atomic_write, show

if TYPE_CHECKING:  # PyTorch is loaded where a network is built, since other engines need none
    from ecglib.models.ensemble import Ensemble
    from ecglib.models.network import CNNLSTM

CARD_KEY = "ecg-arrhythmia-notebooks"  # also tells our files from foreign ones
CARD_VERSION = 1
LARGEST = 10_000  # any number in an architecture, so that a hostile card can't fill the memory
MOST_LAYERS = 32
HOW_TO_MAKE_ONE = "Run notebooks/03_cnn_lstm_training.ipynb, or `python run_all.py`, to make one."


class ModelFileError(ValueError):
    """A model file is missing, damaged, or not one of this project."""


@dataclass
class StoredModel:
    """A model file that was read.

    Attributes
    ----------
    path : Path
    card : dict
        The model card.
    weights : dict of str to ndarray
    """

    path: Path
    card: dict
    weights: dict[str, np.ndarray]

    @property
    def temperature(self) -> float:
        """By which logits are divided, so that probabilities mean what they say."""
        return float(self.weights["temperature"])

    @cached_property
    def network(self) -> "CNNLSTM | Ensemble":
        """The network in PyTorch, ready to predict.

        Raises
        ------
        ModelFileError
            The weights do not fit the card.
        """
        import torch

        from ecglib.models.network import predict_logits

        try:
            tensors = {name: torch.tensor(array) for name, array in self.weights.items()}
            model = _empty(self.card["architecture"], tensors)
            model.load_state_dict(tensors, assign=True)
            answer = predict_logits(model, np.zeros((1, BEAT_SAMPLES), np.float32))
            if not torch.isfinite(answer).all():
                raise ValueError("it does not predict numbers")
        except Exception as error:  # whatever a hostile card makes the builders of layers run into
            raise _damaged(self.path, error) from error
        return model.eval()


def save_model(model: "CNNLSTM | Ensemble", path: str | Path, card: dict) -> None:
    """Write a network and its model card to one safetensors file, atomically.

    Parameters
    ----------
    model : CNNLSTM or Ensemble
    path : str or Path
    card : dict
        JSON values: what it was trained on and how, its metrics, its limits. Classes, sampling
        rate, architecture, a format version and the checksum are added.

    Raises
    ------
    OSError
        It could not be written; the model that was there before still is.
    """
    weights = {name: tensor.contiguous().numpy() for name, tensor in model.state_dict().items()}
    write_weights(path, card | {"architecture": model.architecture}, weights)


def write_weights(path: str | Path, card: dict, weights: dict[str, np.ndarray]) -> None:
    """Write the file of a model of any kind; ``card["architecture"]`` says of which.

    Raises
    ------
    OSError
        As in :func:`save_model`.
    """
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
    """SHA-256 of the weights and of the card without its own ``sha256``."""
    content = {name: value for name, value in card.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(weights):
        array = weights[name]
        total.update(f"{name} torch.{array.dtype} {list(array.shape)}".encode())
        total.update(array)
    return total.hexdigest()


def read_card(path: str | Path) -> dict:
    """The model card of a model file.

    Raises
    ------
    ModelFileError
    """
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
    """Weights and card of a network's file, as they were saved.

    Raises
    ------
    ModelFileError
        The file is missing, truncated, damaged or foreign; the message says which notebook makes
        one.
    """
    card = read_card(path)
    if isinstance(card.get("architecture"), dict) and "kind" in card["architecture"]:
        raise ModelFileError(
            f"{show(path)} is no network for single beats but the patient-wise model, which judges "
            "whole recordings: load it with ecglib.PatientwiseClassifier.load."
        )
    try:
        weights = read_weights(path, card)
        if weights["temperature"].shape != ():
            raise ValueError("its temperature is not one number")
    except Exception as error:  # whatever the library makes of what is in there
        raise _damaged(path, error) from error
    return StoredModel(Path(path), card, weights)


def read_weights(path: str | Path, card: dict) -> dict[str, np.ndarray]:
    """The arrays of a model file of any kind.

    Raises
    ------
    ValueError
        They are not those that the card was saved with.
    Exception
        Whatever the library makes of a damaged file.
    """
    with safe_open(path, framework="numpy") as stored:
        weights = {name: stored.get_tensor(name) for name in stored.keys()}
    if card.get("sha256") != checksum(card, weights):
        raise ValueError("its SHA-256 is not the one it was saved with")
    return weights


def load_model(path: str | Path) -> tuple["CNNLSTM | Ensemble", dict]:
    """The network of a model file in PyTorch, ready to predict, and its model card.

    Raises
    ------
    ModelFileError
        As in :func:`read_model`, or the weights do not fit the card.
    """
    stored = read_model(path)
    return stored.network, stored.card


def _damaged(path: str | Path, error: Exception) -> ModelFileError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelFileError(
        f"{show(path)} is damaged, or its weights do not fit its model card ({reason}). "
        f"{HOW_TO_MAKE_ONE}"
    )


def _empty(architecture: dict, tensors: dict) -> "CNNLSTM | Ensemble":
    """A network without weights, nor memory for them, that these tensors fit.

    Raises
    ------
    ValueError
        They don't, or no network of ours is that large.
    """
    import torch

    from ecglib.models.ensemble import Ensemble
    from ecglib.models.network import CNNLSTM, ModelConfig

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
