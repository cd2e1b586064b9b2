"""The watch over hostile input sees what is not allowed."""

import itertools
import os
import pickle

import numpy as np
import pytest

from fuzzing import Bomb, watch


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
