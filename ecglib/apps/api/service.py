"""The model of a running API, and its workers: a thread for beats, processes for files."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from ecglib.apps.api.predict import load_test_beats, start_process
from ecglib.apps.api.schemas import Refused
from ecglib.apps.api.settings import Settings
from ecglib.beats.beats import Beats
from ecglib.models.classifier import Classifier
from ecglib.paths import sha256


class Service:
    """The model and the workers of one API; uploads are stored and unpacked in ``folder``."""

    def __init__(self, settings: Settings, folder: Path):
        self.settings, self.folder = settings, folder
        self.classifier: Classifier | None = None
        self.checksum: str | None = None  # SHA-256 of the model file
        self.reason: str | None = None  # why there is no classifier
        self._thread = ThreadPoolExecutor(1, "beats")
        self._processes = self._new_processes()
        self._samples: tuple[Beats, str] | None = None
        self._reading_samples = asyncio.Lock()
        try:
            self.classifier = Classifier.load(settings.model)
        except FileNotFoundError:
            self.reason = "There is no model file. Run `python run_all.py` to make one."
        except (ValueError, OSError):
            self.reason = "The model file is damaged, unreadable or not one of this project."
        else:
            self.checksum = sha256(settings.model)
            self._processes.submit(int)  # starts a process ahead of the first file

    def close(self) -> None:
        """Let the workers go; waiting requests are dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._processes.shutdown(wait=False, cancel_futures=True)

    def require_model(self) -> Classifier:
        """The classifier; 503 if there is none."""
        if self.classifier is None:
            raise Refused(503, "There is no model. /health says why.", {"Retry-After": "60"})
        return self.classifier

    async def classify(self, function: Callable, *arguments):
        """The result of a function of `predict` that takes the classifier, in the thread."""
        loop, model = asyncio.get_running_loop(), self.require_model()
        return await loop.run_in_executor(self._thread, function, model, *arguments)

    async def compute(self, function: Callable, *arguments):
        """The result of a function of `predict`, in a process; 503 if two of them die over it."""
        self.require_model()
        for _ in range(2):  # the first process may have died of another file, or before
            pool = self._processes
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
            except BrokenProcessPool:
                if pool is self._processes:  # the first request to notice
                    self._processes = self._new_processes()
        detail = "The process for this file has died, perhaps for lack of memory. Try again."
        raise Refused(503, detail, {"Retry-After": "5"})

    async def test_beats(self) -> tuple[Beats, str]:
        """Test beats and their origin; read once."""
        async with self._reading_samples:
            if self._samples is None:
                self._samples = await self.compute(load_test_beats)
        return self._samples

    def _new_processes(self) -> ProcessPoolExecutor:
        # Spawned: a fork of a process with threads may hang.
        how = get_context("spawn"), start_process, (self.folder, self.settings.model)
        return ProcessPoolExecutor(self.settings.processes, *how)
