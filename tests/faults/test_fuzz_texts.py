"""Parsers of text meet made-up and damaged input: a result or their own error, nothing else.

A few seconds here; ``make fuzz`` goes on for ten minutes (``make fuzz MINUTES=60``). What was found
has a test of its own in the parser's test file.
"""

from hypothesis import strategies as st

from ecglib.batch import parameters, profiles
from ecglib.batch.parameters import ParameterError
from ecglib.beats.prepared import read_ecg
from ecglib.datasets import kaggle
from ecglib.recordings.readers.text import read_text
from ecglib.recordings.recording import EcgFileError
from fuzzing import NUMBER, damaged, fuzz, watched
from notebook_cells import notebook

NOTEBOOK_LINE = st.sampled_from(
    ["a: int = 1  # one", "b: str = 'x'  # (x | y)", "c: list[float] = [1e999]  # c (0 to 1)",
     "import os", "a: int = __import__('os').system('true')  # code", "f(", "é: int = 1  # é",
     "a: int = 9**9**9  # large", "x: float = -1  # (9 to 1)", "\\", "\t\"\"\""]
)  # fmt: skip


def test_parameter_cells(tmp_path):
    cell = st.lists(NOTEBOOK_LINE | st.text(max_size=30), max_size=5).map("\n".join)

    def target(source: str) -> None:
        path = notebook(tmp_path / "x.ipynb", (source, ["parameters"]))
        with watched(ParameterError):
            parameters.inspect(path)

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
    cell = "epochs: int = 3  # passes (1 to 9)\nname: str = ''  # some"
    known = {"03": parameters.inspect(notebook(tmp_path / "03.ipynb", (cell, ["parameters"])))}
    text = st.text(max_size=20) | NUMBER

    def target(example) -> None:
        content, name, value = example
        file.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        )
        with watched(ParameterError):
            values = profiles.merge(known, ["03"], [file], [(name, value)])
            assert 1 <= values["03"].get("epochs", 1) <= 9

    fuzz(st.tuples(YAML | st.binary(), st.sampled_from(["epochs", "name"]) | text, text), target)


FIELD = st.sampled_from(["0", "0.5", "1", "nan", "inf", "1e999", "-1", "x", "", " ", "1,5", '"'])
TABLE = st.tuples(
    st.sampled_from([",", ";", "\t", " "]), FIELD, st.integers(0, 190), st.integers(0, 3)
).map(lambda t: "\n".join([t[0].join([t[1]] * t[2])] * t[3]).encode())


def test_beat_files(tmp_path):
    def target(content: bytes) -> None:
        with watched(ValueError):
            read_text(content, "x.csv")
        (path := tmp_path / "x.csv").write_bytes(content)
        with watched(EcgFileError):
            read = read_ecg(path, fs=250)
            assert read.signal.ndim == 2

    digits = st.text("0123456789.,;:\t\n -e\"'#", max_size=600).map(str.encode)
    devices = st.sampled_from([b"ISHNE1.0", b"0       "])
    device = st.tuples(devices, st.binary(max_size=300)).map(b"".join)
    beats = damaged(("0.5," * 187 + "1\n").encode())
    fuzz(TABLE | digits | device | st.binary() | beats, target)


def test_kaggle_files(tmp_path):
    good = ("0.5," * 187 + "1\n").encode()
    for name in kaggle.FILES:
        (tmp_path / name).write_bytes(good)
    kaggle.read_rows(tmp_path)

    def target(content: bytes) -> None:
        (tmp_path / kaggle.FILES[0]).write_bytes(content)
        with watched(ValueError, kaggle.FILES[0]):
            kaggle.read_rows(tmp_path)

    fuzz(TABLE | st.binary() | damaged(good), target)
