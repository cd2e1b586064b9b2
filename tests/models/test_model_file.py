"""Model files that are damaged or hostile are refused with a sentence, before anything is built."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ecglib.models.model_file import (
    CARD_KEY,
    ModelFileError,
    checksum,
    find_model,
    read_card,
    read_model,
    save_model,
)
from ecglib.models.network import CNNLSTM, Ensemble
from ecglib.paths import MODELS
from tiny_training import TINY


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_model(CNNLSTM(TINY), path, {"name": "tiny", "threshold": 0.7, "beats": {1: 2, 10: 3}})
    return path


def load_model(path):
    stored = read_model(path)
    return stored.network, stored.card


def write(path, card, tensors):
    """A file with a valid checksum."""
    card = json.loads(json.dumps(card))
    card["sha256"] = checksum(card, {name: t.numpy() for name, t in tensors.items()})
    save_file(tensors, path, metadata={CARD_KEY: json.dumps(card)})


def test_a_saved_network_loads(good):
    model, card = load_model(good)
    assert card["name"] == "tiny" and len(card["sha256"]) == 64
    assert card["classes"] == list("NSVFQ") and card["beat_fs"] == 120
    save_model(model, good, card)
    assert load_model(good)[1] == card


def test_shipped_models_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_model("rhythm") == MODELS / "rhythm.safetensors"
    for path in ("x.safetensors", "models/rhythm", tmp_path / "rhythm"):  # not names
        assert find_model(path) == Path(path)
    with pytest.raises(ModelFileError, match=r"Did you mean 'rhythm'\? .*compact, deep"):
        find_model("rythm")
    with pytest.raises(ModelFileError, match="no model 'zzz'. The project ships"):
        find_model("zzz")
    (tmp_path / "mine").touch()
    assert find_model("mine") == Path("mine")


def test_others_may_read_it_as_any_new_file(good, tmp_path):
    (tmp_path / "new").touch()
    assert good.stat().st_mode == (tmp_path / "new").stat().st_mode


@pytest.mark.parametrize("part", ["weights", "threshold", "temperature"])
def test_one_changed_byte_is_noticed(good, part):
    content = bytearray(good.read_bytes())
    spot = content.find(b"0.7") + 2 if part == "threshold" else -1
    if part == "temperature":  # 1.0 as float32, the only such number
        spot = content.rfind(torch.ones(()).numpy().tobytes()) + 2
    content[spot] ^= 1
    good.write_bytes(content)
    with pytest.raises(ModelFileError, match="SHA-256.*03_cnn_lstm_training"):
        load_model(good)


def test_a_file_without_checksum_is_refused(good):
    model, card = load_model(good)
    del card["sha256"]
    save_file(model.state_dict(), good, metadata={CARD_KEY: json.dumps(card)})
    with pytest.raises(ModelFileError, match="SHA-256"):
        load_model(good)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lstm_units", 2**40),
        ("lstm_layers", 10**9),
        ("channels", [10**12, 16]),
        ("channels", [8] * 10**5),
        ("channels", "many"),
        ("kernels", [10**9, 3]),
        ("strides", [-1, 2]),
        ("head", [[8]]),
        ("head", None),
        ("dropout", "a lot"),
        ("something_else", 1),
        (None, None),
        (None, [1]),
    ],
)
def test_an_impossible_architecture_takes_no_memory(good, name, value):
    model, card = load_model(good)
    card["architecture"] = card["architecture"] | {name: value} if name else value
    write(good, card, model.state_dict())
    with pytest.raises(ModelFileError):
        load_model(good)


@pytest.mark.parametrize("damage", ["NaN", "float64", "bfloat16", "missing", "one too many"])
def test_weights_that_cannot_predict_are_refused(good, damage):
    model, card = load_model(good)
    tensors = model.state_dict()
    name = "attention.weight"
    if damage == "NaN":
        tensors[name] = tensors[name] * torch.nan
    elif damage == "missing":
        del tensors[name]
    elif damage == "one too many":
        tensors["more"] = torch.zeros(1)
    else:
        tensors[name] = tensors[name].to(getattr(torch, damage))
    if damage == "bfloat16":  # which has no checksum of ours
        save_file(tensors, good, metadata={CARD_KEY: json.dumps(card)})
    else:
        write(good, card, tensors)
    with pytest.raises(ModelFileError):
        load_model(good)


def test_a_card_nested_without_end_is_refused(good):
    card = '{"version": ' + "[" * 10**5 + "]" * 10**5 + "}"
    save_file({"x": torch.zeros(1)}, good, metadata={CARD_KEY: card})
    with pytest.raises(ModelFileError, match="no model card"):
        read_card(good)


def pair(path):
    save_model(Ensemble([CNNLSTM(TINY) for _ in range(2)]), path, {"name": "two"})
    return load_model(path)


def test_an_ensemble_loads(tmp_path):
    loaded, card = pair(tmp_path / "two.safetensors")
    assert card["architecture"]["networks"] == len(loaded.networks) == 2


@pytest.mark.parametrize("networks", [2**40, 3, 1, 0, -1, "two", None, 2.0])
def test_an_impossible_number_of_networks_is_refused(tmp_path, networks):
    path = tmp_path / "two.safetensors"
    model, card = pair(path)
    card["architecture"]["networks"] = networks
    write(path, card, model.state_dict())
    with pytest.raises(ModelFileError, match="does not fit|do not fit"):
        load_model(path)
