"""Runs that are killed at any moment or fill the disk: the next run finds no torn file.

A few kills here; ``make faults`` makes a hundred of each (``make faults KILLS=1000``).
"""

import json
import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import nbformat
import pytest

from run_project import STAGES, Project, wait_for

resource = pytest.importorskip("resource", reason="limits of POSIX")
pytestmark = pytest.mark.faults
KILLS = int(os.environ.get("KILLS", "2"))

WRITE_ON = """
import json, os, time
from pathlib import Path
from ecglib.paths import atomic_write
Path(run_dir, "kernel").write_text(str(os.getpid()))
for number in range({rounds}):
    with atomic_write(Path(run_dir) / "metrics" / "{name}.json") as path:
        path.write_text(json.dumps([number] * 20_000))
"""


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    for stage in STAGES:
        project.write(stage.name, WRITE_ON.format(name=stage.name, rounds=100))
    return project


def check_whole(project) -> None:
    """Every file with a final name can be read to its end."""
    for path in project.output.rglob("*"):
        if "/." in f"/{path.relative_to(project.output).as_posix()}":
            continue
        if path.suffix == ".json":
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
        status = Path(f"/proc/{process}/stat")  # a zombie is gone, too
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_for(gone, seconds=600)


@pytest.mark.slow
def test_run_all_is_killed(project):
    rng = random.Random(0)
    for _ in range(KILLS):
        process = project.start()
        time.sleep(rng.uniform(0.2, 8))
        process.kill()
        process.communicate()
        check_whole(project)
        if kernel := kernel_of(project):
            wait_until_gone(kernel)
    finish(project)


@pytest.mark.slow
def test_the_kernel_is_killed(project):
    rng = random.Random(1)
    for _ in range(KILLS):
        (project.output / "kernel").unlink(missing_ok=True)
        process = project.start()
        wait_for(lambda p=process: kernel_of(project) or p.poll() is not None, 600)
        time.sleep(rng.uniform(0, 0.4))
        with suppress(ProcessLookupError):  # it may have been quicker
            os.kill(kernel_of(project), signal.SIGKILL)
        _, error = process.communicate(timeout=120)
        assert b"Traceback" not in error
        assert process.returncode == 0 or b"kernel died" in error, error
        assert project.leftovers() == []
        check_whole(project)
    finish(project)


def finish(project) -> None:
    """The next run ends well and leaves nothing behind."""
    process = project.start()
    _, error = process.communicate()
    assert process.returncode == 0, error.decode()
    assert project.leftovers() == []
    check_whole(project)


def test_a_full_disk_ends_a_run_with_a_sentence(project):
    good = project.executed / "01_first.ipynb"
    good.parent.mkdir(parents=True)
    good.write_text("the last good one")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for size in (100, 50_000):
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, hard))
        process = project.start(preexec_fn=limit)
        _, error = process.communicate(timeout=120)
        assert process.returncode == 1, error.decode()
        assert b"Traceback" not in error and b"Stopped" in error
        assert good.read_text() == "the last good one"
        assert project.leftovers() == []
