"""The model of a running API, and who works: a thread on beats, processes on recordings."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from ecglib.apps.api.files import start_process, warm_up
from ecglib.apps.api.http import Refused
from ecglib.apps.api.settings import Settings
from ecglib.apps.api.work import UnusableError, load_test_beats
from ecglib.beats.beats import Beats
from ecglib.models.classifier import Classifier


class Service:
    """The model and the workers of one API.

    Parameters
    ----------
    settings : Settings
    folder : Path
        For uploads and what is unpacked of them.

    Attributes
    ----------
    classifier : Classifier or None
        None where there is no model.
    checksum : str or None
        SHA-256 of its file.
    reason : str or None
        Why there is no model.
    """

    def __init__(self, settings: Settings, folder: Path):
        self.settings, self.folder = settings, folder
        self.classifier: Classifier | None = None
        self.checksum: str | None = None
        self.reason: str | None = "The model is not loaded yet."
        self._thread = ThreadPoolExecutor(1, "beats")
        self._processes = self._new_processes()
        self._samples: tuple[Beats, str] | None = None
        self._reading_samples = asyncio.Lock()

    def load(self) -> None:
        """Load the model, here and ahead of the first recording in a process; or note why not."""
        try:
            content = self.settings.model.read_bytes()
            self.classifier = Classifier.load(self.settings.model)
        except FileNotFoundError:
            self.reason = "There is no model file. Run `python run_all.py` to make one."
        except (ValueError, OSError):
            self.reason = "The model file is damaged, foreign or can't be read."
        else:
            self.checksum, self.reason = hashlib.sha256(content).hexdigest(), None
            self._processes.submit(warm_up, str(self.settings.model))

    def close(self) -> None:
        """Let the workers go; what waits is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._processes.shutdown(wait=False, cancel_futures=True)

    def require_model(self) -> Classifier:
        """The classifier, or the answer to those who ask while there is none."""
        if self.classifier is None:
            raise Refused(503, "There is no model. /health says why.", {"Retry-After": "60"})
        return self.classifier

    async def classify(self, function: Callable, *arguments):
        """What a function of `ecglib.apps.api.work` makes of beats, computed in the thread.

        Raises
        ------
        Refused
            There is no model, or what was sent can't be used.
        """
        work = asyncio.get_running_loop().run_in_executor(
            self._thread, function, self.require_model(), *arguments
        )
        try:
            return await work
        except UnusableError as error:
            raise Refused(422, str(error)) from None

    async def compute(self, function: Callable, *arguments):
        """What a function of `ecglib.apps.api.files` returns, computed in a process of its own.

        Raises
        ------
        Refused
            What was sent can't be used, or two processes have died over it.
        """
        for _ in range(2):  # the first process may have died of something else, or before
            pool = self._processes
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
            except UnusableError as error:
                raise Refused(422, str(error)) from None
            except BrokenProcessPool:
                if pool is self._processes:  # the first to notice
                    self._processes = self._new_processes()
        detail = "The process at work has died, perhaps for want of memory. Try again."
        raise Refused(503, detail, {"Retry-After": "5"})

    async def test_beats(self) -> tuple[Beats, str]:
        """Test beats to show, and where they come from; read once."""
        async with self._reading_samples:
            if self._samples is None:
                self._samples = await self.compute(load_test_beats)
        return self._samples

    def _new_processes(self) -> ProcessPoolExecutor:
        # Spawned: a fork of a process with threads may hang.
        return ProcessPoolExecutor(
            self.settings.processes, get_context("spawn"), start_process, (self.folder,)
        )
