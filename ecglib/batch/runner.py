"""Run notebooks strictly: one counts as done only if every cell ran and every promised file is new.

papermill executes; what it lets pass is checked here. (It returns success after ``sys.exit(0)``,
overwrites the last good notebook while it works, and takes whichever kernel is called python3.)
"""

import logging
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from tqdm import tqdm
from traitlets.config import Config

from ecglib.batch import manifest, parameters
from ecglib.batch.locks import STOP_SECONDS
from ecglib.paths import MODELS, ROOT, Run, atomic_write, remove_unfinished, show


class NotebookError(RuntimeError):
    """A notebook did not do what it promises; the message says where and why."""


@dataclass(frozen=True)
class Stage:
    """One notebook of the pipeline.

    Attributes
    ----------
    name : str
        The notebook's file name without ``.ipynb``.
    question, needs : str
        For people, shown by ``--list``.
    makes : tuple of str
        Glob patterns below the run's folder; every one must match a new file that is not empty.
    models : tuple of str
        Names of models it saves; ``{name}`` stands for the value of that parameter.
    cell_timeout : int, optional
        Seconds that one cell may take.
    """

    name: str
    question: str
    needs: str
    makes: tuple[str, ...]
    models: tuple[str, ...] = ()
    cell_timeout: int | None = None


# Waiting threads sleep instead of spinning, and large buffers are kept instead of being given back
# at every step: measured on two busy cores, a training step takes a sixth of the processor time.
FRUGAL = {
    "OMP_WAIT_POLICY": "passive",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # glibc's, ignored by others
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
}


MAX_SOCKET_FOLDER = 70  # bytes; the path of a socket may have 103 on macOS


class RunningInterpreter(AsyncKernelManager):
    """Starts kernels of this very interpreter, whatever kernels this machine has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        backend = "module://matplotlib_inline.backend_inline"  # figures, even under MPLBACKEND=agg
        own = {"MPLBACKEND": backend, "PYTHONPATH": path}
        asked = {name: os.environ[name] for name in FRUGAL if name in os.environ}
        return KernelSpec(**get_kernel_dict(), env=FRUGAL | asked | own)


class _Printed:
    """What a notebook prints, such as the epochs of a training, as it comes and past any bar."""

    def write(self, text: str) -> None:
        tqdm.write(text, end="")

    def flush(self) -> None:
        sys.stdout.flush()


def run(
    stages: Sequence[Stage],
    values: Mapping[str, Mapping[str, parameters.Value]],
    notebooks: Path,
    output: Run,
    description: dict,
) -> None:
    """Execute notebooks in order into ``output.folder/notebooks``; stop at the first failure.

    After each one ``run.json`` is brought up to date. Call it inside ``guards.one_at_a_time``.

    Parameters
    ----------
    stages : sequence of Stage
    values : mapping of notebook name to mapping
        Checked parameters, as ``profiles.merge`` gives them.
    notebooks : Path
        Where the notebooks are; their working directory as well.
    output : Run
    description : dict
        From ``manifest.describe``.

    Raises
    ------
    NotebookError
        The partial notebook is kept as ``NAME_FAILED.ipynb``; an older good one stays as it was.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # all that matters is reported here
    scratch = output.folder / ".tmp"
    for left in (scratch, *Path(gettempdir()).glob(_elsewhere(scratch) + "*")):
        shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    remove_unfinished(output.folder)
    remove_unfinished(MODELS, older_than=3600)  # other runs may be writing there
    scratch.mkdir(parents=True)
    try:
        for number, stage in enumerate(stages, 1):
            print(f"[{number}/{len(stages)}] {stage.name}", flush=True)
            entry = _run_stage(stage, values[stage.name], notebooks, output, description, scratch)
            manifest.record(output.folder, description, stage.name, entry)
            print(f"      done in {entry['seconds']:.0f} s", flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        remove_unfinished(output.folder)  # of a kernel that was killed


def _run_stage(
    stage: Stage, values: Mapping, notebooks: Path, output: Run, description: dict, scratch: Path
) -> dict:
    """Execute, check and keep one notebook; its entry for ``run.json``."""
    source = notebooks / f"{stage.name}.ipynb"
    effective = {p.name: p.default for p in parameters.inspect(source).values()} | dict(values)
    target = output.folder / "notebooks" / source.name
    failed = target.with_name(f"{stage.name}_FAILED.ipynb")
    run = Run(output.run_dir, synthetic=description["data"]["source"] == "synthetic")
    models = [run.model_file(name.format(**effective)) for name in stage.models]
    promised = [*(output.folder / pattern for pattern in stage.makes), *models]

    before = _versions(promised)
    wall, cpu = time.monotonic(), _cpu_seconds()
    stopped = _execute(source, scratch / source.name, values, stage.cell_timeout)
    seconds, cpu_seconds = time.monotonic() - wall, _cpu_seconds() - cpu

    notebook = nbformat.read(scratch / source.name, as_version=4)
    problem = _unfinished(notebook, stopped) or _unkept(promised, before)
    notebook.metadata.papermill.input_path = show(source)
    notebook.metadata.papermill.output_path = show(target)
    root = str(values.get("root", ""))
    _save(notebook, failed if problem else target, root)
    if problem:
        raise NotebookError(f"{source.name}, {problem}\nThe partial notebook: {show(failed)}")
    failed.unlink(missing_ok=True)
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": description["project"]["commit"],
        "data_sha256": description["data"]["sha256"],
        "parameters": manifest.without_private_paths(effective, root),
        "models": {path.stem: manifest.describe_model(path) for path in models},
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
    }


def _elsewhere(scratch: Path) -> str:
    """How a run's folders among the system's temporary ones begin; a socket's path is short."""
    return f"k{sha256(str(scratch.resolve()).encode()).hexdigest()[:6]}-"


def _execute(source: Path, target: Path, values: Mapping, cell_timeout: int | None) -> str:
    """Execute into ``target``; a reason if something other than a cell's error stopped it."""
    bar = {"desc": source.stem, "leave": False} if sys.stderr.isatty() else False
    transport = "ipc" if os.name == "posix" else "tcp"  # no port that others could listen to
    # Where the next run finds what a killed one leaves.
    near = target.parent.resolve()
    place = (
        {"prefix": "kernel-", "dir": near}
        if len(os.fsencode(near)) <= MAX_SOCKET_FOLDER
        else {"prefix": _elsewhere(near)}
    )
    with TemporaryDirectory(**place) as folder:
        settings = {
            "connection_file": str(Path(folder) / "k.json"),
            "transport": transport,
            "shutdown_wait_time": STOP_SECONDS,
        }
        try:
            papermill.execute_notebook(
                _literally(source),
                _literally(target),
                dict(values),
                kernel_name="python3",
                language="python",
                cwd=source.parent,
                progress_bar=bar,
                execution_timeout=cell_timeout,
                store_widget_state=False,
                stdout_file=_Printed(),
                coalesce_streams=True,
                extra_arguments=["--log-level=CRITICAL"],
                kernel_manager_class=RunningInterpreter,
                config=Config({"KernelManager": settings}),
            )
        except papermill.PapermillExecutionError:
            pass  # the notebook holds the error
        except CellTimeoutError:
            return f"it took longer than the {cell_timeout} s a cell may take"
        except DeadKernelError:
            return "the kernel died (killed for want of memory, or os._exit was called)"
        except RuntimeError as error:  # nbclient's: the kernel did not start
            return str(error)
    return ""


def _literally(path: Path) -> str:
    """A path as papermill wants it, which fills in {} as str.format does."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def _unfinished(notebook: nbformat.NotebookNode, stopped: str) -> str:
    """The first cell that did not run to its end, and why; empty if all of them did."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if stopped:  # papermill calls a cell completed that never returned, so count those it began
        begun = sum(bool(cell.metadata.papermill.start_time) for cell in cells)
        return f"cell [{begun}]: {stopped}" if begun else stopped
    for number, cell in enumerate(cells, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                hint = "; raise an error instead" if output.ename == "SystemExit" else ""
                return f"cell [{number}]: {output.ename}: {output.evalue}{hint}"
        if cell.execution_count is None or cell.metadata.papermill.status != "completed":
            return f"cell [{number}]: it was not run"
    return "papermill reports an error" if notebook.metadata.papermill.exception else ""


def _versions(promised: list[Path]) -> set[tuple[Path, int, int]]:
    """What tells a file from a later one of its name, for each that is there now.

    The last part of each path is a glob pattern. No clock is asked for the time: it may be set
    back while a notebook runs.
    """
    matches = (match for path in promised for match in path.parent.glob(path.name))
    return {(path, (stat := path.stat()).st_ino, stat.st_mtime_ns) for path in matches}


def _unkept(promised: list[Path], before: set[tuple[Path, int, int]]) -> str:
    """What was promised and is missing, empty or from an earlier run; empty if all is there."""
    problems = []
    for path in promised:
        found = _versions([path])
        new = [match for match, *_ in found - before]
        if not new:
            problems.append(f"{show(path)} ({'from an earlier run' if found else 'missing'})")
        elif any(match.stat().st_size == 0 for match in new):
            problems.append(f"{show(path)} (empty)")
    return f"which ran to its end but did not make {', '.join(problems)}" if problems else ""


def _save(notebook: nbformat.NotebookNode, path: Path, root: str) -> None:
    clean = nbformat.from_dict(manifest.without_private_paths(notebook, root))
    with atomic_write(path) as temporary:
        nbformat.write(clean, temporary)


def _cpu_seconds() -> float:
    """User and system time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system
