"""Made-up and damaged input for a second or for hours, for the fuzz tests."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

watch = pytest.importorskip("watch", reason="needs POSIX timers")
if not hasattr(watch.signal, "setitimer"):
    pytest.skip("needs POSIX timers", allow_module_level=True)

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))  # for each test; 0: one small batch
EXAMPLES = 500 if SECONDS else 30


def fuzz(strategy: st.SearchStrategy, target: Callable[[object], None]) -> None:
    """Try batches of examples, each with its own seed, until the time is up."""
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


@contextmanager
def watched(error: type[Exception], words: str = "") -> Iterator[None]:
    """Allow a result or this error, in a sentence with these words, and nothing else."""
    try:
        with watch.watched():
            yield
    except error as refused:
        assert str(refused) and words in str(refused)


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


class Bomb:
    def __init__(self, call: Callable, *arguments):
        self.content = call, arguments

    def __reduce__(self):
        return self.content
