"""A run's folders and models; names and permissions of files; temporary folders."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecglib import paths
from ecglib.datasets.synthetic import write_recordings
from ecglib.paths import Run, atomic_write
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.wfdb import read_recording

HOLD = """
import os, sys
from ecglib.paths import scratch
with scratch() as folder:
    (folder / "of a patient").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, as far as this test is concerned."""
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def hold() -> subprocess.Popen:
    """A process with a scratch folder."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    env = os.environ | {"PYTHONPATH": str(paths.ROOT)}
    return subprocess.Popen([sys.executable, "-c", HOLD], env=env, **pipes)


REAL, SYNTHETIC = (SimpleNamespace(synthetic=each) for each in (False, True))


def test_only_real_beats_in_the_runs_of_the_project_replace_its_models(tmp_path: Path) -> None:
    assert Run("outputs/quick", REAL).model_file("x") == paths.MODELS / "x.safetensors"
    for run in (Run("outputs/quick", SYNTHETIC), Run(str(tmp_path), REAL)):
        assert run.model_file("x") == run.folder / "models" / "x.safetensors"
    with pytest.raises(FileNotFoundError, match="no model 'x'.*03_cnn_lstm_training"):
        run.find_model("x")
    assert run.find_model("compact") == paths.MODELS / "compact.safetensors"


def test_a_run_without_beats_knows_its_folders_only(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    assert run.metrics == tmp_path / "metrics"
    for make in (run.model_file, run.find_model):
        with pytest.raises(ValueError, match=r"Create it with its beats: Run\(run_dir, beats\)"):
            make("x")
    assert "synthetic beats" in repr(Run(run_dir="x", beats=SYNTHETIC))


def test_scratch_of_the_dead_goes_and_of_the_living_stays(temporary: Path) -> None:
    dead, alive = hold(), hold()
    left, held = (Path(process.stdout.readline().strip()) for process in (dead, alive))
    assert left.parent == held.parent == temporary
    dead.kill()
    dead.communicate()
    halfway = temporary / f"{paths.SCRATCH}halfway"  # removed by a process that was killed then
    young = temporary / f"{paths.SCRATCH}young"  # not yet locked by the process that has made it
    for folder in (halfway, young, temporary / "another's"):
        folder.mkdir()
    for folder in (left, held, halfway):
        os.utime(folder, (1, 1))
    with paths.scratch() as own:
        assert {*temporary.iterdir()} == {own, held, young, temporary / "another's"}
    alive.communicate("")
    assert {*temporary.iterdir()} == {young, temporary / "another's"}


def test_only_what_is_unpacked_needs_a_folder(temporary: Path, tmp_path: Path) -> None:
    """So that a worker that is killed while it reads leaves none."""
    folder = write_recordings(tmp_path / "r", n_records=1, minutes=1)
    with open_ecg(folder / "s01"):
        assert not any(temporary.iterdir())
    with open_ecg({path.name: path.read_bytes() for path in folder.iterdir()}) as ecg:
        assert len(list(temporary.iterdir())) == 1
        assert (ecg.read(0, 100, 0) == read_recording(folder / "s01").signal[:100, 0]).all()
    assert not any(temporary.iterdir())


def test_a_folder_beside(tmp_path: Path) -> None:
    old, new = tmp_path / ".tmp-r-old", tmp_path / ".tmp-r-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (1, 1))
    with pytest.raises(ZeroDivisionError), paths.folder_beside(tmp_path / "r") as work:
        (work / "x").touch()
        raise ZeroDivisionError
    assert [*tmp_path.iterdir()] == [new]


def test_nobody_knows_where_home_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a user that it does not know."""
    monkeypatch.setattr(os.path, "expanduser", lambda path: os.fspath(path))
    assert paths.show(Path("/far/x")) == "/far/x"
    assert paths.given("~/x") == Path.cwd() / "~" / "x"


def test_files_are_as_readable_as_the_umask_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the umask touched to find it out: it belongs to all threads of the process."""
    before, umask = os.umask(0o027), os.umask
    monkeypatch.delattr(os, "umask")
    try:
        with atomic_write(tmp_path / "x.json") as path:
            path.write_text("{}")
    finally:
        umask(before)
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o640
