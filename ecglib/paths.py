"""Where things are, and how files are written: the only module that knows the project's folders."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# A wheel carries the default models (setup.py). It has no project folder: the current one serves,
# so that nothing is written into site-packages.
_PACKAGED = Path(__file__).resolve().with_name("_models")
ROOT = Path.cwd() if _PACKAGED.is_dir() else _PACKAGED.parents[1]
MODELS = _PACKAGED if _PACKAGED.is_dir() else ROOT / "models"
DEFAULT_MODEL = "compact"

TEMPORARY = ".tmp-"  # how the names of unfinished files begin
SCRATCH = "ecg-notebooks-"  # ... and those of folders among the system's temporary ones
UNCLAIMED_SECONDS = 1.0  # what a process may need from making such a folder to locking it

# Only these run folders, and only on real data, may replace the models that the project ships.
PUBLISHING_RUNS = (ROOT / "outputs" / "quick", ROOT / "outputs" / "full")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write a file so that its final name holds the old content or the new, never a part.

    Parameters
    ----------
    path : str or Path
        The final name; missing folders above it are made.

    Yields
    ------
    Path
        A temporary file in the same folder, with the same suffix, to write to. It takes the final
        name when the block ends, and is removed when the block raises.

    Raises
    ------
    OSError
        A full disk, a folder that can't be written to: the message names the file and the space
        that is left, and what the file held before is still there.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unused = path.with_name(f"{TEMPORARY}{path.stem}-{secrets.token_hex(4)}{path.suffix}")
        unused.touch(exist_ok=False)  # readable for whom the umask lets, unlike mkstemp's
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
    """Remove what writes that were killed have left in a folder and below.

    Parameters
    ----------
    folder : Path
        Nobody else may be writing there, unless ``older_than`` sees to it.
    older_than : float
        Seconds since the last change.
    """
    remove_left((path for path in folder.rglob(f"{TEMPORARY}*") if path.is_file()), older_than)


def remove_left(paths: Iterable[Path], older_than: float = 0) -> None:
    """Remove files and folders last changed so many seconds ago, as far as we may."""
    for path in paths:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for as long as the block lasts; those of killed processes go first.

    The lock in it tells a process that lives from one that does not any more.
    """
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
    """An empty folder to fill and then to rename to ``folder``; what is left of it goes.

    Parameters
    ----------
    folder : Path
        The final name; missing folders above it are made.
    older_than : float
        Seconds after which a folder of a killed process goes, too.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_left(folder.parent.glob(f"{TEMPORARY}{folder.name}-*"), older_than)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{TEMPORARY}{folder.name}-"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _free_mb(path: Path) -> int:
    """Free space where a file is to be; its folder need not exist yet."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    return shutil.disk_usage(folder).free // 10**6


@dataclass(frozen=True)
class Run:
    """The folder of one run of the notebooks: its figures, metrics, predictions and models.

    Parameters
    ----------
    run_dir : str
        The folder, relative to the project (``outputs/quick``) or absolute. Nothing is made here:
        sub-folders appear when something is first written to them.
    """

    run_dir: str = "outputs/lab"

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

    def model_file(self, name: str, synthetic: bool) -> Path:
        """The file a model of this run is saved to.

        ``models/NAME.safetensors`` for the ``quick`` and ``full`` runs on real data, otherwise a
        file inside the run's own folder, so that a trial never replaces a model that is in use.
        """
        publishes = self.folder in PUBLISHING_RUNS and not synthetic
        return (MODELS if publishes else self.folder / "models") / f"{name}.safetensors"

    def find_model(self, name: str, synthetic: bool) -> Path:
        """The model that this run made, or else the one that the project ships.

        Raises
        ------
        FileNotFoundError
            Neither is there; the message names the notebook that makes one.
        """
        candidates = [self.model_file(name, synthetic), MODELS / f"{name}.safetensors"]
        for path in candidates:
            if path.is_file():
                return path
        raise FileNotFoundError(
            f"There is no model '{name}' in {show(candidates[0].parent)} or models/. "
            "Run notebooks/03_cnn_lstm_training.ipynb, or `python run_all.py`, to train one."
        )


def home() -> Path:
    """The user's home folder; ``~`` itself where nobody knows it, as in some containers."""
    return Path(os.path.expanduser("~"))


def given(path: str) -> Path:
    """A path as somebody wrote it, made absolute; ``~`` stands for home if there is one."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show(path: str | Path) -> str:
    """A path as people should see it: relative to the project, with the home folder as ``~``."""
    path = Path(path).absolute()
    for base, prefix in ((ROOT, ""), (ROOT.parent, "../"), (home(), "~/")):
        if path.is_relative_to(base):
            return prefix + path.relative_to(base).as_posix()
    return path.as_posix()
