"""Parsers meet made-up and damaged input: they give a result or their own error, nothing else.

A few seconds here; ``make fuzz`` goes on for ten minutes (``make fuzz MINUTES=60``). What was found
has a test of its own in the parser's test file.
"""

import itertools
import json
import os
import pickle
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ecglib import checkpoint, kaggle_csv, parameters, profiles, readers_text
from ecglib.model import predict_logits
from ecglib.modelfile import CARD_KEY, ModelFileError, checksum, load_model, read_model
from ecglib.parameters import ParameterError
from ecglib.recordings import read_recording
from ecglib.serving import export_onnx, pick_engine
from tiny_training import save_tiny

watch = pytest.importorskip("watch", reason="needs POSIX timers")
if not hasattr(watch.signal, "setitimer"):
    pytest.skip("needs POSIX timers", allow_module_level=True)

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))  # for each test; 0: one small batch
EXAMPLES = 500 if SECONDS else 30


def fuzz(strategy: st.SearchStrategy, target: Callable[[object], None]) -> None:
    """Try batches of examples, each from another seed, until the time is up."""
    ends = time.monotonic() + SECONDS
    common = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    for number in itertools.count():

        @seed(number)
        @settings(max_examples=EXAMPLES, **common)
        @given(strategy)
        def one_batch(example):
            target(example)

        one_batch()
        if time.monotonic() >= ends:
            print(f"{(number + 1) * EXAMPLES} examples", flush=True)
            return


# Input that is nearly right, which gets further than noise


def damaged(good: bytes) -> st.SearchStrategy[bytes]:
    """A good file with bytes changed, a part cut out or put in, or its end missing."""
    spot = st.integers(0, len(good))
    some = st.binary(max_size=8) | st.sampled_from(
        [b"\0" * 8, b"\xff" * 8, b"9" * 30, b"-1", b"../", b"nan", b"1e999"]
    )
    edit = st.tuples(spot, st.integers(0, 16), some)

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        content = good
        for start, removed, added in edits:
            content = content[:start] + added + content[start + removed :]
        return content

    return st.lists(edit, min_size=1, max_size=4).map(apply) | spot.map(lambda end: good[:end])


NUMBER = st.sampled_from(
    ["0", "1", "2", "-1", "360", "999999999999", "1e999", "nan", "", "x", "12.5", "0.0001"]
) | st.integers(-5, 5000).map(str)
FILE = st.sampled_from(
    ["r.dat", "r.dat", "r.dat", "~", "r", "../r.dat", "r.hea", "http://x/y", "."]
)
FORMAT = st.sampled_from(
    "8 16 24 32 61 80 160 212 310 311 508 516 524 0 999 16x2 16x999999 212:99999 16+999".split()
)


@st.composite
def headers(draw) -> str:
    """WFDB headers with one oddity or many."""
    count = draw(st.integers(0, 4))
    promised = draw(st.just(str(count)) | NUMBER)
    name = draw(st.sampled_from(["r", "r/2", "r/999999999", "other"]))
    lines = [f"{name} {promised} {draw(st.just('360') | NUMBER)} {draw(st.just('500') | NUMBER)}"]
    if "/" in name and draw(st.booleans()):
        lines += [f"{draw(st.sampled_from('r s ~'.split()))} {draw(NUMBER)}" for _ in range(count)]
    else:
        for _ in range(count):
            gain = draw(st.sampled_from(["200", "0", "-1", "1e999", "200(0)/mV", "200(1e9)"]))
            rest = " ".join(draw(st.lists(NUMBER, max_size=6)))
            lines.append(f"{draw(FILE)} {draw(st.just('16') | FORMAT)} {gain} {rest}")
    return "\n".join(lines) + draw(st.sampled_from(["\n", "", "\n# 9 M\n", "\n\0"]))


def recording(folder: Path) -> tuple[bytes, bytes, bytes]:
    """The three files of a small good recording."""
    signal = (np.sin(np.arange(1000) / 20) * 200).astype(int)[:, None].repeat(2, axis=1)
    wfdb.wrsamp(
        "r", 360, ["mV", "mV"], ["I", "II"], d_signal=signal, fmt=["16", "16"],
        adc_gain=[200, 200], baseline=[0, 0], write_dir=str(folder),
    )  # fmt: skip
    marks = np.arange(50, 950, 100)
    wfdb.wrann("r", "atr", marks, ["N"] * 9, aux_note=["(N"] + [""] * 8, write_dir=str(folder))
    return tuple((folder / f"r.{suffix}").read_bytes() for suffix in ("hea", "dat", "atr"))


def read(path: Path) -> None:
    """The reader of recordings: the one of every format where there is one."""
    readers = import_module("ecglib.readers") if find_spec("ecglib.readers") else None
    if hasattr(readers, "read_ecg"):
        readers.read_ecg(path)
    else:
        read_recording(path)


def test_recordings(tmp_path):
    hea, dat, atr = recording(tmp_path)
    read_recording(tmp_path / "r")  # everything it needs is loaded now
    read(tmp_path / "r.hea")

    def target(example) -> None:
        header, samples, marks = example
        for suffix, content in (("hea", header), ("dat", samples), ("atr", marks)):
            (tmp_path / f"r.{suffix}").write_bytes(content)
        for reader in (read_recording, read):
            try:
                with watch.watched():
                    reader(tmp_path / "r.hea")
            except ValueError as error:
                assert str(error)

    odd = headers().map(str.encode)
    fuzz(
        st.tuples(odd | damaged(hea), st.just(dat) | damaged(dat), st.just(atr))
        | st.tuples(st.just(hea), st.just(dat) | damaged(dat), damaged(atr) | st.binary()),
        target,
    )


# Models

ODD = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    ODD, lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=5), some)
)


def test_models(tmp_path):
    path = tmp_path / "m.safetensors"
    good, stored = save_tiny(path).read_bytes(), read_model(path)
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
        try:
            with watch.watched():
                load_model(path)
        except ModelFileError as error:
            assert "03_cnn_lstm_training" in str(error)
        else:
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


class Bomb:
    def __init__(self, call: Callable, *arguments):
        self.content = call, arguments

    def __reduce__(self):
        return self.content


def test_checkpoints(tmp_path, capsys):
    path = tmp_path / "c.pt"
    part = torch.nn.Linear(2, 2)
    checkpoint.save(path, {"seed": 0}, {"model": part}, {"history": [1, 2.0, "x"]})
    good = path.read_bytes()
    assert checkpoint.restore(path, {"seed": 0}, {"model": part})
    bombs = [(os.system, "true"), (open, str(tmp_path / "made"), "w"), (exec, "1"), (print, "!")]
    torch.save({"identity": {"seed": 0}, "x": Bomb(*bombs[0])}, path)
    armed = [path.read_bytes(), *(pickle.dumps(Bomb(*bomb)) for bomb in bombs)]

    def target(content: bytes) -> None:
        path.write_bytes(content)
        with watch.watched():
            checkpoint.restore(path, {"seed": 0}, {"model": part})

    strategy = damaged(good) | st.sampled_from(armed) | damaged(armed[0]) | st.binary()
    fuzz(strategy, target)
    assert {p.name for p in tmp_path.iterdir()} == {"c.pt"}
    capsys.readouterr()


# Text

NOTEBOOK_LINE = st.sampled_from(
    ["a: int = 1  # one", "b: str = 'x'  # (x | y)", "c: list[float] = [1e999]  # c (0 to 1)",
     "import os", "a: int = __import__('os').system('true')  # code", "f(", "é: int = 1  # é",
     "a: int = 9**9**9  # large", "x: float = -1  # (9 to 1)", "\\", "\t\"\"\""]
)  # fmt: skip


def test_parameter_cells(tmp_path):
    cell = st.lists(NOTEBOOK_LINE | st.text(max_size=30), max_size=5).map("\n".join)

    def target(source: str) -> None:
        try:
            with watch.watched():
                parameters._parse(source, "x.ipynb")
        except ParameterError as error:
            assert error.problems

    fuzz(cell, target)


YAML = st.lists(
    st.sampled_from(
        ["epochs: 3", "epochs: [1", "epochs: !!python/object/apply:os.system ['true']", "? {a: b}",
         "a: &x [*x]", "a: &a [1]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]", "<<: 3", "1: 2", "- x",
         "a: 1e999", "a: .nan", "? [a]\n: 1", "{a: 1}: 2", "---", "..."]
    )
    | st.text(max_size=30),
    max_size=5,
).map("\n".join)  # fmt: skip


def test_parameter_files_and_pairs(tmp_path):
    file = tmp_path / "p.yml"
    line = "epochs: int = 3  # passes (1 to 9)\nnames: list[str] = []  # some"
    known = {"03": parameters._parse(line, "x.ipynb")}
    text = st.text(max_size=20) | NUMBER

    def target(example) -> None:
        content, name, value = example
        file.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        )
        try:
            with watch.watched():
                values = profiles.merge(known, ["03"], [file], [(name, value)])
        except ParameterError as error:
            assert error.problems
        else:
            assert 1 <= values["03"].get("epochs", 1) <= 9

    fuzz(st.tuples(YAML | st.binary(), st.sampled_from(["epochs", "names"]) | text, text), target)


FIELD = st.sampled_from(["0", "0.5", "1", "nan", "inf", "1e999", "-1", "x", "", " ", "1,5", '"'])
TABLE = st.tuples(
    st.sampled_from([",", ";", "\t", " "]), FIELD, st.integers(0, 190), st.integers(0, 3)
).map(lambda t: "\n".join([t[0].join([t[1]] * t[2])] * t[3]).encode())


def test_beat_files(tmp_path):
    def target(content: bytes) -> None:
        try:
            with watch.watched():
                readers_text.read_text(content, "x.csv")
        except ValueError as error:
            assert str(error)

    fuzz(TABLE | st.binary() | damaged(("0.5," * 187 + "1\n").encode()), target)


def test_kaggle_files(tmp_path):
    good = ("0.5," * 187 + "1\n").encode()
    for name in kaggle_csv.FILES:
        (tmp_path / name).write_bytes(good)
    kaggle_csv.read_rows(tmp_path)

    def target(content: bytes) -> None:
        (tmp_path / kaggle_csv.FILES[0]).write_bytes(content)
        try:
            with watch.watched():
                kaggle_csv.read_rows(tmp_path)
        except ValueError as error:
            assert kaggle_csv.FILES[0] in str(error)

    fuzz(TABLE | st.binary() | damaged(good), target)


# The watch itself


@pytest.mark.parametrize(
    "deed",
    [
        lambda folder: (folder / "x").write_text("x"),
        lambda folder: os.system("true"),
        lambda folder: pickle.loads(pickle.dumps(Bomb(print, ""))),
        lambda folder: np.ones(watch.MEMORY // 8 + 1000),
        lambda folder: [None for _ in itertools.count()],
    ],
)
def test_the_watch_sees(tmp_path, monkeypatch, deed):
    monkeypatch.setattr(watch, "CPU_SECONDS", 0.2)
    with pytest.raises(watch.NotAllowed):
        with watch.watched():
            try:
                deed(tmp_path)
            except Exception:
                pass
