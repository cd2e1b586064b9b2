"""Serving a trained network: its ONNX form, run by ONNX Runtime instead of PyTorch.

A model file NAME.safetensors may have its ONNX form NAME.onnx beside it. The ONNX form is compared
with the weights when it is made, the model card keeps its SHA-256, and a file with another one is
not used. Serving by ONNX Runtime needs no PyTorch, which takes longer to load than an hour of ECG
to classify.
"""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.beats.rhythm import RHYTHM
from ecglib.models.model_file import StoredModel, read_model, save_model
from ecglib.paths import atomic_write, sha256, show

if TYPE_CHECKING:
    from ecglib.models.network import CNNLSTM, Ensemble

ENGINES = ("auto", "torch", "onnxruntime")
OPSET = 18  # of the ONNX operators; understood by every ONNX Runtime since 2023
CLOSE = 1e-3  # largest difference of a logit from PyTorch's, which sums in another order
BATCH = 256  # beats that fit the processor's cache together with a layer's output

Logits = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


class EngineError(ValueError):
    """The chosen inference engine can't serve this model."""


def export_onnx(path: str | Path) -> None:
    """Write the ONNX form of a model file beside it, and its SHA-256 into the model card.

    Its inputs are ``beats`` (and ``rhythm``), its output ``logits``; it is checked against PyTorch.
    Both files are written atomically, and an ONNX form of other weights is not used.
    """
    import torch

    stored = read_model(path)
    inputs = {"beats": torch.rand(2, BEAT_SAMPLES)}
    if stored.network.config.rhythm:
        inputs["rhythm"] = torch.rand(2, len(RHYTHM))
    names = [*inputs, "logits"]
    with atomic_write(stored.path.with_suffix(".onnx")) as temporary:
        with warnings.catch_warnings():
            # The tracing exporter, which warns that it is the older one, needs half a second; the
            # newer one needs twenty and another package.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                stored.network,
                tuple(inputs.values()),
                str(temporary),
                dynamo=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=["logits"],
                dynamic_axes={name: {0: "beats"} for name in names},
            )
        _check_answers(stored.network, _by_onnxruntime(temporary))
        card = stored.card | {"onnx_sha256": sha256(temporary)}
    save_model(stored.network, path, card)


def pick_engine(stored: StoredModel, engine: str = "auto") -> tuple[str, Logits]:
    """The engine that serves a network, and its function from beats and rhythm to logits.

    ``auto`` takes ONNX Runtime where it and the ONNX form are there (a single beat takes a fifth of
    PyTorch's time), otherwise PyTorch. Another engine that can't serve raises `EngineError`.
    """
    if engine not in ENGINES:
        raise EngineError(f"There is no engine '{engine}'. Choose from {', '.join(ENGINES)}.")
    if engine == "torch":
        return "torch", by_torch(stored.network)
    path = stored.path.with_suffix(".onnx")
    try:
        if not path.is_file():
            raise EngineError(f"there is no ONNX form {show(path)}")
        if sha256(path) != stored.card.get("onnx_sha256"):
            raise EngineError("its ONNX form is damaged, or was made of other weights")
        return "onnxruntime", _by_onnxruntime(path)
    except Exception as error:  # ONNX Runtime raises anything on a damaged file
        if engine == "auto":
            return "torch", by_torch(stored.network)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"onnxruntime can't serve this model: {reason}. "
            "Use engine='torch', or make the ONNX form again: ecglib.models.engines.export_onnx."
        ) from error


def threads() -> int:
    """Threads that numerical libraries take: OMP_NUM_THREADS, or all processors we may use."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit():
        return max(int(limit), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def by_torch(model: "CNNLSTM | Ensemble") -> Logits:
    """The network's function from beats and rhythm to logits, in PyTorch."""
    from ecglib.models.network import predict_logits

    return lambda beats, rhythm: predict_logits(model, beats, rhythm).numpy()


def _by_onnxruntime(path: Path) -> Logits:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # threads share batches, not layers: a third less to do
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(batch: dict[str, np.ndarray]) -> np.ndarray:
        return session.run(None, batch)[0]

    def logits(beats: np.ndarray, rhythm: np.ndarray | None) -> np.ndarray:
        inputs = {"beats": beats}
        if "rhythm" in names:
            unknown = np.full((len(beats), len(RHYTHM)), np.nan, dtype=np.float32)
            inputs["rhythm"] = unknown if rhythm is None else rhythm
        starts = range(0, len(beats), BATCH)
        batches = [{n: x[at : at + BATCH] for n, x in inputs.items()} for at in starts]
        if len(batches) == 1:
            return run(batches[0])
        with ThreadPoolExecutor(threads()) as pool:
            return np.concatenate(list(pool.map(run, batches)))

    return logits


def _check_answers(model: "CNNLSTM | Ensemble", logits: Logits) -> None:
    """Compare with PyTorch on a few made-up beats, with and without rhythm."""
    rng = np.random.default_rng(0)
    beats = rng.random((8, BEAT_SAMPLES), dtype=np.float32)
    beats[:, 100:] = 0.0
    rhythm = rng.normal(0, 0.3, (8, len(RHYTHM))).astype(np.float32)
    rhythm[::2] = np.nan
    difference = np.abs(logits(beats, rhythm) - by_torch(model)(beats, rhythm)).max()
    if not difference < CLOSE:
        raise EngineError(f"The ONNX form's answers differ from the network's by {difference:.2g}.")
