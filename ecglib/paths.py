"""The project's folders, and how files are written; no other module knows the folders."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# A wheel carries the default models (setup.py). It has no project folder: the current one serves,
# so that nothing is written into site-packages.
_PACKAGED = Path(__file__).resolve().with_name("_models")
ROOT = Path.cwd() if _PACKAGED.is_dir() else _PACKAGED.parents[1]
MODELS = _PACKAGED if _PACKAGED.is_dir() else ROOT / "models"
DEFAULT_MODEL = "compact"

TEMPORARY = ".tmp-"  # prefix of unfinished files
SCRATCH = "ecg-notebooks-"  # prefix of our folders in the system's temporary one
UNCLAIMED_SECONDS = 1.0  # the longest time between making such a folder and locking it

# Only these run folders, and only on real data, may replace the models that the project ships.
PUBLISHING_RUNS = (ROOT / "outputs" / "quick", ROOT / "outputs" / "full")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write to a temporary file, which takes the final name when the block ends without an error.

    So the final name holds the old content or the new, never a part of it. An OSError (a full disk,
    a folder that cannot be written to) names the file and the free space.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unused = path.with_name(f"{TEMPORARY}{path.stem}-{secrets.token_hex(4)}{path.suffix}")
        unused.touch(exist_ok=False)  # with the permissions of the umask, unlike mkstemp's
        temporary = unused
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        left = f"; {_free_mb(path):,} MB are free there" if temporary else ""
        reason = f"{error.strerror or error}, so this file was not written{left}"
        raise OSError(error.errno, reason, show(path)) from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, older_than: float = 0) -> None:
    """Remove unfinished files below a folder; no running process may have any so old."""
    remove_left((path for path in folder.rglob(f"{TEMPORARY}*") if path.is_file()), older_than)


def remove_left(paths: Iterable[Path], older_than: float = 0) -> None:
    """Remove files and folders that are older than so many seconds, as far as permitted."""
    for path in paths:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder; first removes those of killed processes, whose locks are free."""
    from filelock import FileLock, Timeout

    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
        own = Path(name)
        with FileLock(own / ".lock"):
            for other in own.parent.glob(f"{SCRATCH}*"):
                with suppress(Timeout, OSError):
                    found = other.lstat()
                    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == own.lstat().st_uid
                    if ours and other != own and time.time() - found.st_mtime > UNCLAIMED_SECONDS:
                        with FileLock(other / ".lock", timeout=0):
                            pass
                        shutil.rmtree(other)
            yield own


@contextmanager
def folder_beside(folder: Path, older_than: float = 3600) -> Iterator[Path]:
    """An empty folder to fill and to rename to ``folder``; removes old ones of killed processes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_left(folder.parent.glob(f"{TEMPORARY}{folder.name}-*"), older_than)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{TEMPORARY}{folder.name}-"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _free_mb(path: Path) -> int:
    """Free space for a file whose folder need not exist yet."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    return shutil.disk_usage(folder).free // 10**6


class Run:
    """The folder of one run of the notebooks: its figures, metrics, predictions and models.

    Parameters
    ----------
    run_dir : str
        The folder, relative to the project (``outputs/quick``) or absolute. Nothing is created
        here: sub-folders appear when something is first written to them.
    beats : Beats, optional
        The beats that the results come from. Without them the run knows its folders only.
    synthetic : bool, optional
        Whether the beats are synthetic, where they are not loaded.
    """

    def __init__(
        self, run_dir: str = "outputs/lab", beats: Any = None, *, synthetic: bool | None = None
    ) -> None:
        self.run_dir = run_dir
        self._synthetic = synthetic if beats is None else bool(beats.synthetic)

    def __repr__(self) -> str:
        data = {None: "", False: ", MIT-BIH beats", True: ", synthetic beats"}[self._synthetic]
        return f"<Run {self.run_dir}{data}>"

    @property
    def synthetic(self) -> bool:
        """Whether the beats are synthetic; a ValueError where the run does not know its beats."""
        if self._synthetic is None:
            raise ValueError(
                f"The run {self.run_dir} has no beats, so it is unknown whether its results are "
                "synthetic. Create it with its beats: Run(run_dir, beats)."
            )
        return self._synthetic

    @property
    def folder(self) -> Path:
        return ROOT / self.run_dir

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics"

    @property
    def predictions(self) -> Path:
        return self.folder / "predictions"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def model_file(self, name: str) -> Path:
        """The file that a model of this run is saved to.

        ``models/NAME.safetensors`` for the ``quick`` and ``full`` runs on real data, otherwise a
        file in the run's own folder, so that a trial never replaces a model that is in use.
        """
        publishes = not self.synthetic and self.folder in PUBLISHING_RUNS
        return (MODELS if publishes else self.folder / "models") / f"{name}.safetensors"

    def find_model(self, name: str) -> Path:
        """The model that this run made, or else the one that the project ships.

        Raises
        ------
        FileNotFoundError
            Neither exists; the message names the notebook that makes one.
        """
        candidates = [self.model_file(name), MODELS / f"{name}.safetensors"]
        for path in candidates:
            if path.is_file():
                return path
        raise FileNotFoundError(
            f"There is no model '{name}' in {show(candidates[0].parent)} or models/. "
            "Run notebooks/03_cnn_lstm_training.ipynb, or `python run_all.py`, to train one."
        )


def home() -> Path:
    """The user's home folder; ``~`` itself if there is none, as in some containers."""
    return Path(os.path.expanduser("~"))


def given(path: str) -> Path:
    """A path that a user wrote, made absolute; ``~`` is the home folder."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show(path: str | Path) -> str:
    """A path for people to read: relative to the project, with the home folder as ``~``."""
    path = Path(path).absolute()
    for base, prefix in ((ROOT, ""), (ROOT.parent, "../"), (home(), "~/")):
        if path.is_relative_to(base):
            return prefix + path.relative_to(base).as_posix()
    return path.as_posix()
