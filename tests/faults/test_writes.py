"""Full disks and refused writes leave the old file or the new one, never a part."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch

from ecglib.batch import manifest, runner
from ecglib.datasets import synthetic
from ecglib.evaluation import results
from ecglib.models.model_file import save_checkpoint, save_model
from ecglib.models.network import CNNLSTM
from ecglib.paths import Run, atomic_write, remove_unfinished
from failing_disk import ERRORS, Faults
from tiny_training import TINY, bumps

resource = pytest.importorskip("resource", reason="limits of POSIX")
pytestmark = pytest.mark.faults


# Every kind of file that the project writes, in two versions

BEATS = bumps()
MODELS = [CNNLSTM(TINY), CNNLSTM(TINY)]


def figure(run: Run, version: int) -> None:
    from matplotlib.figure import Figure

    from ecglib.plots.style import save_figure

    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, version + 1])
    save_figure(drawn, run, "01_figure")


def notebook(run: Run, version: int) -> None:
    content = nbformat.v4.new_notebook()
    content.cells = [nbformat.v4.new_markdown_cell(f"version {version} " * 100, id="a")]
    runner._save(content, run.folder / "notebooks" / "01_first.ipynb", "")


def state(run: Run, version: int) -> None:
    parts = {"model": MODELS[version]}
    save_checkpoint(run.checkpoints / "c.pt", "c", parts, {"v": version})


WRITERS: dict[str, Callable[[Run, int], object]] = {
    "metrics": lambda run, v: results.save_metrics(run, "m", {"v": [v] * 500}),
    "table": lambda run, v: results.save_table(run, "t", pd.DataFrame({"v": [v] * 500})),
    "predictions": lambda run, v: results.save_predictions(
        run, "m", "test", BEATS[:300], np.full((300, 5), v)
    ),
    "figure": figure,
    "model": lambda run, v: save_model(
        MODELS[v], run.folder / "models" / "m.safetensors", {"v": v}
    ),
    "checkpoint": state,
    "executed notebook": notebook,
    "manifest": lambda run, v: manifest.record(run.folder, {"schema": 1, "v": v}, "01", {"v": v}),
}


def content(folder: Path) -> dict[str, object]:
    """The files' contents; torch writes the temporary file's name into a checkpoint."""
    return {
        str(p.relative_to(folder)): str(torch.load(p, weights_only=True))
        if p.suffix == ".pt"
        else p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("kind", WRITERS)
def test_every_call_may_fail(tmp_path, monkeypatch, kind, fault):
    run, write = Run(str(tmp_path / "run"), synthetic=True), WRITERS[kind]
    write(run, 1)
    new = content(run.folder)
    write(run, 0)
    old = content(run.folder)
    assert new.keys() == old.keys() and new != old
    faults = Faults(monkeypatch, tmp_path)
    survived, reached = 0, True
    while reached:
        with faults.at(survived + 1, ERRORS[fault]):
            try:
                write(run, 1)
            except OSError as error:
                assert os.strerror(ERRORS[fault]) in str(error)
                assert next(iter(old)).rpartition("/")[2].partition(".")[0] in str(error)
            reached = faults.reached
        found = content(run.folder)
        assert found.keys() == old.keys(), "a temporary file has stayed"
        assert all(found[name] in (old[name], new[name]) for name in old)
        survived += reached
        if found == new:  # the fault did no harm, or did not happen
            write(run, 0)
    assert found == new
    assert survived >= 4  # make a file, write it, sync it, rename it


@pytest.mark.parametrize("kind", WRITERS)
def test_the_disk_may_fill_up_while_writing(tmp_path, kind):
    """A limit on the size of files stops the writes of every library, compiled ones as well."""
    run, write = Run(str(tmp_path / "run"), synthetic=True), WRITERS[kind]
    write(run, 1)
    largest = max(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
    write(run, 0)
    old = content(run.folder)
    for size in (0, 1, largest // 2, largest - 1):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(OSError, match="not written|could not be written"):
                write(run, 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        found = content(run.folder)
        assert found.keys() == old.keys()
        if len(old) == 1:
            assert found == old


def test_a_torn_file_is_removed_by_the_next_run(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with atomic_write(tmp_path / "a" / "x.json") as temporary:
            torn = temporary.with_name(temporary.name + ".copy")
            torn.write_text("{")
            raise KeyboardInterrupt
    assert torn.exists()
    remove_unfinished(tmp_path, older_than=60)
    assert torn.exists()
    remove_unfinished(tmp_path)
    assert not torn.exists()


def test_synthetic_records_are_whole_or_absent(tmp_path, monkeypatch):
    faults = Faults(monkeypatch, tmp_path)
    survived, reached = 0, True
    while reached:
        folder = tmp_path / f"{survived}" / "records"
        with faults.at(survived + 1, errno.ENOSPC):
            try:
                synthetic.write_recordings(folder, n_records=1, minutes=1)
            except OSError:
                assert not folder.exists()
                assert not folder.parent.exists() or list(folder.parent.iterdir()) == []
            reached = faults.reached
        survived += reached
    assert folder.exists()
    assert survived >= 4
