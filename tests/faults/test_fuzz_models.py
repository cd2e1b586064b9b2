"""Loaders of models on made-up and damaged input: a result or their own error, nothing else.

A few seconds here; ``make fuzz`` takes ten minutes (``make fuzz MINUTES=60``). Each failure found
has a test of its own in the loader's test file.
"""

import json
import os
import pickle

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ecglib.models.engines import export_onnx, pick_engine
from ecglib.models.model_file import CARD_KEY, ModelFileError, checksum, read_model
from ecglib.models.model_file import load_checkpoint as load
from ecglib.models.model_file import save_checkpoint as save
from ecglib.models.network import predict_logits
from fuzzing import Bomb, damaged, fuzz, watch, watched
from tiny_training import save_tiny

ODD = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    ODD, lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=5), some)
)


def test_models(tmp_path):
    path = tmp_path / "m.safetensors"
    good, stored = save_tiny(path).read_bytes(), read_model(path)
    _ = stored.network  # its imports are read before the watch begins
    card, tensors = stored.card, stored.weights
    header = 8 + int.from_bytes(good[:8], "little")

    def target(example) -> None:
        if isinstance(example, bytes):
            path.write_bytes(example)
        else:
            name, value, inner = example
            changed = json.loads(json.dumps(card))
            (changed["architecture"] if inner else changed)[name] = value
            changed["sha256"] = checksum(changed, tensors)
            save_file(tensors, path, metadata={CARD_KEY: json.dumps(changed)})
        with watched(ModelFileError, "03_cnn_lstm_training"):
            _ = read_model(path).network
            assert not isinstance(example, bytes) or example[header:] == good[header:]

    names = st.sampled_from([*card, *card["architecture"], "new"])
    odd = JSON | st.lists(st.integers(-2, 2**40), min_size=2, max_size=2)
    fuzz(damaged(good) | st.binary() | st.tuples(names, odd, st.booleans()), target)


def test_engines(tmp_path):
    """A damaged ONNX form is not used, or answers like the weights."""
    path = tmp_path / "m.onnx"
    weights = save_tiny(path.with_suffix(".safetensors"))
    export_onnx(weights)
    stored, good = read_model(weights), path.read_bytes()
    beats = np.linspace(0, 1, 187, dtype=np.float32)[None]
    expected = predict_logits(stored.network, beats).numpy()
    assert pick_engine(stored)[0] == "onnxruntime"

    def target(content: bytes) -> None:
        path.write_bytes(content)
        with watch.watched():
            _, logits = pick_engine(stored)
            found = logits(beats, None)
        assert np.allclose(found, expected, atol=0.01)

    fuzz(damaged(good) | st.binary(), target)


def test_checkpoints(tmp_path, capsys):
    path = tmp_path / "c.pt"
    part = torch.nn.Linear(2, 2)
    save(path, "one", {"model": part}, {"history": [1, 2.0, "x"]})
    good = path.read_bytes()
    assert load(path, "one", {"model": part})
    bombs = [(os.system, "true"), (open, str(tmp_path / "made"), "w"), (exec, "1"), (print, "!")]
    torch.save({"identity": "one", "x": Bomb(*bombs[0])}, path)
    armed = [path.read_bytes(), *(pickle.dumps(Bomb(*bomb)) for bomb in bombs)]

    def target(content: bytes) -> None:
        path.write_bytes(content)
        with watch.watched():
            load(path, "one", {"model": part})

    strategy = damaged(good) | st.sampled_from(armed) | damaged(armed[0]) | st.binary()
    fuzz(strategy, target)
    assert {p.name for p in tmp_path.iterdir()} == {"c.pt"}
    capsys.readouterr()
