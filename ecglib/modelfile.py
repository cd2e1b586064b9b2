"""Trained networks on disk: one safetensors file with the weights and the model card.

The card, in the file's metadata, holds everything that is needed to use the weights. Loading a
file executes no code.
"""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ecglib.beats import BEAT_FS, BEAT_SAMPLES
from ecglib.labels import CLASSES
from ecglib.model import CNNLSTM, ModelConfig
from ecglib.paths import atomic_write, show

CARD_KEY = "ecg-arrhythmia-notebooks"  # also tells our files from foreign ones
CARD_VERSION = 1
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
        rate, architecture and a format version are added.
    """
    card = card | {
        "version": CARD_VERSION,
        "classes": list(CLASSES),
        "beat_fs": BEAT_FS,
        "beat_samples": BEAT_SAMPLES,
        "architecture": model.config.to_dict(),
    }
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, metadata={CARD_KEY: json.dumps(card)})


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
    except (KeyError, TypeError, ValueError) as error:
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
        The file is missing, truncated or foreign; the message says which notebook makes one.
    """
    card = read_card(path)
    try:
        model = CNNLSTM(ModelConfig.from_dict(card["architecture"]))
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
        model.load_state_dict(tensors, strict=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"The weights in {show(path)} do not fit its model card "
            f"({str(error).splitlines()[0]}). {HOW_TO_MAKE_ONE}"
        ) from error
    return model.eval(), card
