"""Full disks, refused writes and kills: afterwards the old artefact or the new one, never a part.

A few kills here; ``make faults`` makes a hundred of each (``make faults KILLS=1000``) and writes
what came of it to ``outputs/reliability.md``.
"""

import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch

import test_run_all
from ecglib import checkpoint, manifest, results, runner, synthetic
from ecglib.model import CNNLSTM
from ecglib.modelfile import save_model
from ecglib.paths import ROOT, Run, atomic_write, remove_unfinished
from reliability import outcome
from tiny_training import TINY, bumps

resource = pytest.importorskip("resource", reason="limits of POSIX")
KILLS = int(os.environ.get("KILLS", "2"))
ERRORS = {"full disk": errno.ENOSPC, "no permission": errno.EACCES, "I/O error": errno.EIO}


# Every artefact that the project writes, in two versions

BEATS = bumps()
MODELS = [CNNLSTM(TINY), CNNLSTM(TINY)]


def figure(run: Run, version: int) -> None:
    from matplotlib.figure import Figure

    from ecglib.plots import save_figure

    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, version + 1])
    save_figure(drawn, run, "01_figure", synthetic=True)


def notebook(run: Run, version: int) -> None:
    content = nbformat.v4.new_notebook()
    content.cells = [nbformat.v4.new_markdown_cell(f"version {version} " * 100, id="a")]
    runner._save(content, run.folder / "notebooks" / "01_first.ipynb", "")


def state(run: Run, version: int) -> None:
    parts = {"model": MODELS[version]}
    checkpoint.save(run.checkpoints / "c.pt", {"seed": 0}, parts, {"v": version})


WRITERS: dict[str, Callable[[Run, int], object]] = {
    "metrics": lambda run, v: results.save_metrics(run, "m", {"v": [v] * 500}, True),
    "table": lambda run, v: results.save_table(run, "t", pd.DataFrame({"v": [v] * 500}), True),
    "predictions": lambda run, v: results.save_predictions(
        run, "m", "test", BEATS, np.arange(300), np.full((300, 5), v)
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
    """What the files hold. (torch writes the temporary file's name into a checkpoint.)"""
    return {
        str(p.relative_to(folder)): str(torch.load(p, weights_only=True))
        if p.suffix == ".pt"
        else p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }


class Faults:
    """Lets the n-th call that changes the disk below a folder fail, and counts those calls."""

    CALLS = ("open", "mkdir", "replace", "rename", "fsync", "chmod")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path):
        self.folder, self.error, self.fails_at, self.count = str(folder), 0, 0, 0
        for name in self.CALLS:
            monkeypatch.setattr(os, name, self.guard(getattr(os, name)))
        monkeypatch.setattr(io, "open", self.guard(io.open))
        monkeypatch.setattr("builtins.open", self.guard(open))

    def guard(self, call: Callable) -> Callable:
        def guarded(path, *arguments, **options):
            if self.error and (isinstance(path, int) or str(path).startswith(self.folder)):
                self.count += 1
                if self.count == self.fails_at:
                    raise OSError(self.error, os.strerror(self.error), str(path))
            return call(path, *arguments, **options)

        return guarded

    @property
    def reached(self) -> bool:
        return self.count >= self.fails_at

    @contextmanager
    def at(self, number: int, error: int) -> Iterator[None]:
        self.error, self.fails_at, self.count = error, number, 0
        try:
            yield
        finally:
            self.error = 0


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("artefact", WRITERS)
def test_every_call_may_fail(tmp_path, monkeypatch, artefact, fault):
    run, write = Run(str(tmp_path / "run")), WRITERS[artefact]
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
        if found == new:  # a fault that does not matter, or none any more
            write(run, 0)
    assert found == new
    assert survived >= 4  # make a file, write it, sync it, rename it
    outcome("each call of its write fails", artefact, fault, "old or new, whole")


@pytest.mark.parametrize("artefact", WRITERS)
def test_the_disk_may_fill_up_while_writing(tmp_path, artefact):
    """A limit on the size of files stops the writes of every library, compiled ones as well."""
    run, write = Run(str(tmp_path / "run")), WRITERS[artefact]
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
    outcome("the disk is full after some bytes", artefact, "file too large", "old or new, whole")


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
    outcome("each call of its write fails", "synthetic records", "full disk", "old or new, whole")


# Kills

WRITE_ON = """
import json, os, time
from pathlib import Path
from ecglib.paths import atomic_write
Path(run_dir, "kernel").write_text(str(os.getpid()))
for number in range({rounds}):
    with atomic_write(Path(run_dir) / "metrics" / "{name}.json") as path:
        path.write_text(json.dumps([number] * 20_000))
"""
CALL = """
import sys, warnings
from pathlib import Path
import test_run_all as t
t.sources.locate = t.located
warnings.simplefilter("ignore")
project = t.Project(Path(sys.argv[1])) if not Path(sys.argv[1], "notebooks").exists() else None
if project is None:
    project = t.Project.__new__(t.Project)
    project.folder = Path(sys.argv[1])
sys.exit(project.run(*sys.argv[2:]))
"""


@pytest.fixture
def project(tmp_path):
    project = test_run_all.Project(tmp_path)
    for stage in test_run_all.STAGES:
        project.write(stage.name, WRITE_ON.format(name=stage.name, rounds=100))
    return project


def start(project, **options) -> subprocess.Popen:
    places = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    (project.folder / "temporary").mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": places, "TMPDIR": str(project.folder / "temporary")}
    command = [sys.executable, "-c", CALL, str(project.folder)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options
    )


def check_whole(project) -> None:
    """What is there under a final name can be read to its end."""
    for path in project.output.rglob("*"):
        if path.name.startswith(".") or any(p.startswith(".") for p in path.parent.parts):
            continue
        if path.suffix == ".json" and path.parent.name != "notebooks":
            values = json.loads(path.read_text(encoding="utf-8"))
            assert isinstance(values, dict) or len(set(values)) == 1
        elif path.suffix == ".ipynb":
            nbformat.validate(nbformat.read(path, as_version=4))


def kernel_of(project) -> int | None:
    try:
        return int((project.output / "kernel").read_text())
    except (FileNotFoundError, ValueError):
        return None


def wait_until_gone(process: int) -> None:
    def gone() -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{process}/stat")  # a zombie that nobody has asked about is gone, too
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"

    test_run_all.wait_for(gone, seconds=600)


@pytest.mark.slow
def test_run_all_is_killed(project):
    rng = random.Random(0)
    for _ in range(KILLS):
        process = start(project)
        time.sleep(rng.uniform(0.2, 8))
        process.kill()
        process.communicate()
        check_whole(project)
        if kernel := kernel_of(project):
            wait_until_gone(kernel)
    finish(project)
    outcome("SIGKILL at a random moment", "run_all", f"{KILLS} times", "next run finishes")


@pytest.mark.slow
def test_the_kernel_is_killed(project):
    rng = random.Random(1)
    for _ in range(KILLS):
        (project.output / "kernel").unlink(missing_ok=True)
        process = start(project)
        test_run_all.wait_for(lambda p=process: kernel_of(project) or p.poll() is not None, 600)
        time.sleep(rng.uniform(0, 0.4))
        try:
            os.kill(kernel_of(project), signal.SIGKILL)
        except ProcessLookupError:
            pass  # it was quicker
        _, error = process.communicate(timeout=120)
        assert b"Traceback" not in error
        assert process.returncode == 0 or b"kernel died" in error, error
        assert project.leftovers() == []
        check_whole(project)
    finish(project)
    outcome("SIGKILL at a random moment", "kernel", f"{KILLS} times", "next run finishes")


def finish(project) -> None:
    """The next run ends well and leaves nothing behind."""
    process = start(project)
    _, error = process.communicate()
    assert process.returncode == 0, error.decode()
    assert project.leftovers() == []
    assert list((project.folder / "temporary").glob("k*-*")) == []
    check_whole(project)


def test_a_full_disk_ends_a_run_with_a_sentence(project):
    good = project.executed / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for size in (100, 50_000):
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, hard))
        process = start(project, preexec_fn=limit)
        _, error = process.communicate(timeout=120)
        assert process.returncode == 1, error.decode()
        assert b"Traceback" not in error and b"Stopped" in error
        assert good.read_text() == "the last good one"
        assert project.leftovers() == []
    outcome(
        "the disk is full after some bytes", "run_all", "file too large", "old, whole; status 1"
    )
