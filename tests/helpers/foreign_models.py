"""Model files that must be refused without running anything."""

import json
import pickle

import torch
from safetensors.torch import save_file

from ecglib.models.model_file import CARD_KEY, read_card


class Bomb:
    """Unpickled, it makes the file ``exploded``."""

    def __reduce__(self):
        return (open, ("exploded", "w"))


def foreign(path, how, model_file):
    """Write a bad model file, made from a good one; ``how`` is one of `FOREIGN`."""
    good, card = model_file.read_bytes(), read_card(model_file)
    architecture = card["architecture"] | {"channels": [1, 2]}
    contents = {
        "truncated": good[: len(good) // 2],
        "empty": b"",
        "huge header": (2**62).to_bytes(8, "little") + good[8:],
        "pickle": pickle.dumps(Bomb()),
    }
    cards = {
        "no card": None,
        "card is no JSON": "{",
        "other classes": json.dumps(card | {"classes": ["V", "N"]}),
        "other weights": json.dumps(card),
        "impossible architecture": json.dumps(card | {"architecture": architecture}),
    }
    if how in contents:
        path.write_bytes(contents[how])
    elif how == "torch pickle":
        torch.save({"model": Bomb()}, path)
    elif how != "missing":
        metadata = {CARD_KEY: cards[how]} if cards[how] else None
        save_file({"x": torch.zeros(3)}, path, metadata=metadata)


FOREIGN = (
    "missing", "truncated", "empty", "huge header", "pickle", "torch pickle", "no card",
    "card is no JSON", "other classes", "other weights", "impossible architecture",
)  # fmt: skip
