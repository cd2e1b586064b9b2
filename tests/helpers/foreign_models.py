"""Model files that must be refused without running anything."""

import json
import pickle

import torch
from safetensors.torch import save_file

from ecglib.models.model_file import CARD_KEY, read_card


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


def foreign(path, how, model_file):
    good = model_file.read_bytes()
    if how == "missing":
        return
    if how == "truncated":
        path.write_bytes(good[: len(good) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "huge header":
        path.write_bytes((2**62).to_bytes(8, "little") + good[8:])
    elif how == "pickle":
        path.write_bytes(pickle.dumps(Bomb()))
    elif how == "torch pickle":
        torch.save({"model": Bomb()}, path)
    elif how == "no card":
        save_file({"x": torch.zeros(3)}, path)
    elif how == "card is no JSON":
        save_file({"x": torch.zeros(3)}, path, metadata={CARD_KEY: "{"})
    elif how == "other classes":
        card = read_card(model_file) | {"classes": ["V", "N"]}
        save_file({"x": torch.zeros(3)}, path, metadata={CARD_KEY: json.dumps(card)})
    elif how == "other weights":
        save_file(
            {"x": torch.zeros(3)}, path, metadata={CARD_KEY: json.dumps(read_card(model_file))}
        )
    elif how == "impossible architecture":
        card = read_card(model_file)
        card["architecture"]["channels"] = [1, 2]
        save_file({"x": torch.zeros(3)}, path, metadata={CARD_KEY: json.dumps(card)})


FOREIGN = (
    "missing", "truncated", "empty", "huge header", "pickle", "torch pickle", "no card",
    "card is no JSON", "other classes", "other weights", "impossible architecture",
)  # fmt: skip
