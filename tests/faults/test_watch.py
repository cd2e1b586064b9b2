"""`watched` notices everything that is not allowed."""

import itertools
import os
import pickle

import numpy as np
import pytest

from fuzzing import Bomb, watch


@pytest.mark.parametrize(
    "action",
    [
        lambda folder: (folder / "x").write_text("x"),
        lambda folder: os.system("true"),
        lambda folder: pickle.loads(pickle.dumps(Bomb(print, ""))),
        lambda folder: np.ones(watch.MEMORY // 8 + 1000),
        lambda folder: [None for _ in itertools.count()],
    ],
)
def test_it_is_noticed(tmp_path, monkeypatch, action):
    monkeypatch.setattr(watch, "CPU_SECONDS", 0.2)
    with pytest.raises(watch.NotAllowed):
        with watch.watched():
            try:
                action(tmp_path)
            except Exception:
                pass
