"""Run notebooks strictly: each must run every cell and make every promised file anew.

papermill executes them. Left alone, it returns success after ``sys.exit(0)``, overwrites the last
good notebook while it works, and takes any kernel that is called python3.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import SimpleNamespace

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError
from tqdm import tqdm
from traitlets.config import Config

from ecglib.batch import manifest, parameters
from ecglib.batch.locks import STOP_SECONDS
from ecglib.paths import MODELS, ROOT, Run, atomic_write, remove_unfinished, show


class NotebookError(RuntimeError):
    """A notebook did not do what it promises; the message says where and why."""


@dataclass(frozen=True)
class Stage:
    """One notebook of the pipeline; ``question`` and ``needs`` are texts for ``--list``."""

    name: str
    question: str
    makes: tuple[str, ...]  # patterns in the run's folder; each must match a new, non-empty file
    models: tuple[str, ...] = ()  # names of saved models; {name} is the value of that parameter
    needs: str = "a data source"


# Waiting threads sleep instead of spinning, and large buffers are kept instead of being returned at
# every step: on two busy cores, a training step then took a sixth of the processor time.
FRUGAL = {
    "OMP_WAIT_POLICY": "passive",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # glibc's, ignored by others
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
}
# Shows a notebook's output at once, such as a training's epochs, above the progress bar.
PRINTED = SimpleNamespace(write=partial(tqdm.write, end=""), flush=lambda: sys.stdout.flush())


class RunningInterpreter(AsyncKernelManager):
    """Starts kernels of this very interpreter, not the installed kernel of that name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        backend = "module://matplotlib_inline.backend_inline"  # figures, even under MPLBACKEND=agg
        own = {"MPLBACKEND": backend, "PYTHONPATH": path}
        chosen = {name: os.environ[name] for name in FRUGAL if name in os.environ}
        return KernelSpec(**get_kernel_dict(), env=FRUGAL | chosen | own)


def run(
    stages: Sequence[Stage],
    values: Mapping[str, Mapping[str, parameters.Value]],
    notebooks: Path,
    output: Run,
    description: dict,
) -> None:
    """Execute notebooks in order and record each in ``run.json``; the first failure ends the run.

    A failed notebook is kept as NAME_FAILED.ipynb. Call it inside ``locks.one_at_a_time``.
    """
    scratch = output.folder / ".tmp"
    for left in (scratch, *Path(gettempdir()).glob(_kernel_folder(scratch) + "*")):
        shutil.rmtree(left, ignore_errors=True)  # left by a killed run
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
        remove_unfinished(output.folder)  # left by a killed kernel


def _run_stage(
    stage: Stage, values: Mapping, notebooks: Path, output: Run, description: dict, scratch: Path
) -> dict:
    """Execute, check and keep one notebook; returns its entry for ``run.json``."""
    source = notebooks / f"{stage.name}.ipynb"
    effective = {p.name: p.default for p in parameters.inspect(source).values()} | dict(values)
    target = output.folder / "notebooks" / source.name
    failed = target.with_name(f"{stage.name}_FAILED.ipynb")
    run = Run(output.run_dir, synthetic=description["data"]["source"] == "synthetic")
    models = [run.model_file(name.format(**effective)) for name in stage.models]
    promised = [*(output.folder / pattern for pattern in stage.makes), *models]

    before = _versions(promised)
    wall, times = time.monotonic(), os.times()
    stopped = _execute(source, scratch / source.name, values)
    seconds, cpu_seconds = time.monotonic() - wall, sum(os.times()[2:4]) - sum(times[2:4])

    notebook = nbformat.read(scratch / source.name, as_version=4)
    problem = _unfinished(notebook, stopped) or _broken_promises(promised, before)
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


def _kernel_folder(scratch: Path) -> str:
    """How a run's folders in the temporary one begin: a socket's path must be short."""
    return f"k{sha256(str(scratch.resolve()).encode()).hexdigest()[:6]}-"


def _execute(source: Path, target: Path, values: Mapping) -> str:
    """Execute into ``target``; the reason if something other than a cell's error stopped it."""
    bar = {"desc": source.stem, "leave": False} if sys.stderr.isatty() else False
    with TemporaryDirectory(prefix=_kernel_folder(target.parent)) as folder:
        settings = {
            "connection_file": str(Path(folder) / "k.json"),
            "transport": "ipc" if os.name == "posix" else "tcp",  # a port is open to other programs
            "shutdown_wait_time": STOP_SECONDS,
        }
        try:
            papermill.execute_notebook(
                parameters.papermill_path(source),
                parameters.papermill_path(target),
                dict(values),
                kernel_name="python3",
                language="python",
                cwd=source.parent,
                progress_bar=bar,
                store_widget_state=False,
                stdout_file=PRINTED,
                coalesce_streams=True,
                extra_arguments=["--log-level=CRITICAL"],
                kernel_manager_class=RunningInterpreter,
                config=Config({"KernelManager": settings}),
            )
        except papermill.PapermillExecutionError:
            pass  # the notebook holds the error
        except DeadKernelError:
            return "the kernel died (out of memory, or os._exit was called)"
        except RuntimeError as error:  # nbclient's: the kernel did not start
            return str(error)
    return ""


def _unfinished(notebook: nbformat.NotebookNode, stopped: str) -> str:
    """The first cell that did not finish, and why; empty if every cell did."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if stopped:  # papermill calls an interrupted cell completed, so count the cells it began
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
    """Path, inode and time of each match: new files differ even if the clock is set back."""
    matches = (match for path in promised for match in path.parent.glob(path.name))
    return {(path, (stat := path.stat()).st_ino, stat.st_mtime_ns) for path in matches}


def _broken_promises(promised: list[Path], before: set[tuple[Path, int, int]]) -> str:
    """The promised files that are missing, empty or from an earlier run, in a sentence."""
    problems = []
    for path in promised:
        found = _versions([path])
        new = [match for match, *_ in found - before]
        if not new:
            problems.append(f"{show(path)} ({'from an earlier run' if found else 'missing'})")
        elif any(match.stat().st_size == 0 for match in new):
            problems.append(f"{show(path)} (empty)")
    return f"which finished but did not make {', '.join(problems)}" if problems else ""


def _save(notebook: nbformat.NotebookNode, path: Path, root: str) -> None:
    clean = nbformat.from_dict(manifest.without_private_paths(notebook, root))
    with atomic_write(path) as temporary:
        nbformat.write(clean, temporary)
