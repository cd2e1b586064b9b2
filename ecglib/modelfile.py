"""Trained networks on disk: one safetensors file with the weights and the model card.

The card, in the file's metadata, holds everything that is needed to use the weights, and a SHA-256
of itself and the weights, so that a damaged file is refused. Loading a file executes no code.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ecglib.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASSES
from ecglib.model import CNNLSTM, ModelConfig, predict_logits
from ecglib.paths import atomic_write, show

CARD_KEY = "ecg-arrhythmia-notebooks"  # also tells our files from foreign ones
CARD_VERSION = 1
LARGEST = 10_000  # any number in an architecture, so that a hostile card can't fill the memory
MOST_LAYERS = 32
HOW_TO_MAKE_ONE = "Run notebooks/03_cnn_lstm_training.ipynb, or `python run_all.py`, to make one."


class ModelFileError(ValueError):
    """A model file is missing, damaged, or not one of this project."""


def save_model(model: CNNLSTM, path: str | Path, card: dict) -> None:
    """Write a network and its model card to one safetensors file, atomically.

    Parameters
    ----------
    model : CNNLSTM
    path : str or Path
    card : dict
        JSON values: what it was trained on and how, its metrics, its limits. Classes, sampling
        rate, architecture, a format version and the checksum are added.

    Raises
    ------
    OSError
        It could not be written; the model that was there before still is.
    """
    card = card | {
        "version": CARD_VERSION,
        "classes": list(CLASSES),
        "beat_fs": BEAT_FS,
        "beat_samples": BEAT_SAMPLES,
        "architecture": model.config.to_dict(),
    }
    card = json.loads(json.dumps(card))  # as it will be read
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    card["sha256"] = checksum(card, tensors)
    with atomic_write(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={CARD_KEY: json.dumps(card)})
        except SafetensorError as error:  # its word for a full disk
            raise OSError(f"{show(path)} could not be written: {error}") from error


def checksum(card: dict, tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the weights and of the card without its own ``sha256``."""
    content = {name: value for name, value in card.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        total.update(tensor.numpy())
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
        with safe_open(path, framework="pt") as stored:
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


def load_model(path: str | Path) -> tuple[CNNLSTM, dict]:
    """The network of a model file, ready to predict, and its model card.

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
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
        if card.get("sha256") != checksum(card, tensors):
            raise ValueError("its SHA-256 is not the one it was saved with")
        model = _empty(card["architecture"], tensors)
        model.load_state_dict(tensors, assign=True)
        if not torch.isfinite(predict_logits(model, np.zeros((1, BEAT_SAMPLES), np.float32))).all():
            raise ValueError("it does not predict numbers")
    except Exception as error:  # whatever a hostile card makes the builders of layers run into
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(
            f"{show(path)} is damaged, or its weights do not fit its model card ({reason}). "
            f"{HOW_TO_MAKE_ONE}"
        ) from error
    return model.eval(), card


def _empty(architecture: dict, tensors: Mapping[str, torch.Tensor]) -> CNNLSTM:
    """A network without weights, nor memory for them, that these tensors fit.

    Raises
    ------
    ValueError
        They don't, or no network of ours is that large.
    """
    config = ModelConfig.from_dict(architecture)
    settings = list(config.to_dict().values())
    lists = [value for value in settings if isinstance(value, list)]
    numbers = [n for value in settings for n in (value if isinstance(value, list) else [value])]
    layers = max(config.lstm_layers, *map(len, lists))
    if layers > MOST_LAYERS or max(numbers) > LARGEST:
        raise ValueError("the architecture in its card is impossibly large")
    with torch.device("meta"):
        model = CNNLSTM(config)
    wanted = {name: (t.shape, t.dtype) for name, t in model.state_dict().items()}
    if wanted != {name: (t.shape, t.dtype) for name, t in tensors.items()}:
        raise ValueError("they have other names, shapes or types")
    return model
