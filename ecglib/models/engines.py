"""Serving a trained network: its ONNX form, run by ONNX Runtime or OpenVINO instead of PyTorch.

A model file NAME.safetensors may have its ONNX form NAME.onnx beside it. The weights stay the
truth: the ONNX form is compared with them when it is made, the model card keeps its SHA-256, and a
file with another one is not used. So serving by ONNX needs no PyTorch, which takes longer to load
than an hour of ECG to classify.
"""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecglib.beats.beats import BEAT_SAMPLES
from ecglib.beats.rhythm import RHYTHM
from ecglib.models.model_file import StoredModel, read_model, save_model
from ecglib.paths import atomic_write, sha256, show

if TYPE_CHECKING:
    from ecglib.models.ensemble import Ensemble
    from ecglib.models.network import CNNLSTM

ENGINES = ("auto", "torch", "onnxruntime", "openvino")
OPSET = 18  # of the ONNX operators; understood by every ONNX Runtime since 2023
CLOSE = 1e-3  # largest difference of a logit from PyTorch's; engines sum in another order
BATCH = 256  # beats that fit the processor's cache together with what a layer makes of them

Logits = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


class EngineError(ValueError):
    """An inference engine that was asked for by name can't serve this model."""


def export_onnx(path: str | Path) -> None:
    """Write the ONNX form of a model file beside it, and its SHA-256 into the model card.

    Beats (and rhythm) in, logits out. Both files are written atomically; of old weights and a new
    form, or the other way round, the form is not used.

    Raises
    ------
    EngineError
        It does not answer like the weights.
    """
    import torch

    stored = read_model(path)
    inputs = {"beats": torch.rand(2, BEAT_SAMPLES)}
    if stored.network.config.rhythm:
        inputs["rhythm"] = torch.rand(2, len(RHYTHM))
    names = [*inputs, "logits"]
    with atomic_write(stored.path.with_suffix(".onnx")) as temporary:
        with warnings.catch_warnings():
            # The exporter that traces needs half a second where the newer one needs twenty and
            # another package; that it is the older one is what it warns about.
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
        _check_answers(stored.network, _onnxruntime(temporary))
        card = stored.card | {"onnx_sha256": sha256(temporary)}
    save_model(stored.network, path, card)


def pick_engine(stored: StoredModel, engine: str = "auto") -> tuple[str, Logits]:
    """The engine that serves a network, and its function from beats and rhythm to logits.

    Parameters
    ----------
    stored : StoredModel
        Its ONNX form would be beside its file.
    engine : {"auto", "torch", "onnxruntime", "openvino"}
        ``auto`` takes ONNX Runtime where it and the ONNX form are there: a single beat costs a
        fifth of PyTorch's time. It uses as many threads as PyTorch would.

    Raises
    ------
    EngineError
        The engine named is unknown or can't serve the network; ``auto`` falls back to PyTorch.
    """
    if engine not in ENGINES:
        raise EngineError(f"There is no engine '{engine}'. Choose from {', '.join(ENGINES)}.")
    if engine == "torch":
        return "torch", by_torch(stored.network)
    name, path = "onnxruntime" if engine == "auto" else engine, stored.path.with_suffix(".onnx")
    try:
        if not path.is_file():
            raise EngineError(f"there is no ONNX form {show(path)}")
        if find_spec(name) is None:
            raise EngineError(f"{name} is not installed")
        if sha256(path) != stored.card.get("onnx_sha256"):
            raise EngineError("its ONNX form is damaged, or was made of other weights")
        logits = {"onnxruntime": _onnxruntime, "openvino": _openvino}[name](path)
    except Exception as error:  # engines raise whatever they run into
        if engine == "auto":
            return "torch", by_torch(stored.network)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"{name} can't serve this model: {reason}. "
            "Use engine='torch', or make the ONNX form anew: ecglib.models.engines.export_onnx."
        ) from error
    return name, logits


def threads() -> int:
    """Threads that numerical libraries take: OMP_NUM_THREADS, or all processors we may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit():
        return max(int(asked), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def by_torch(model: "CNNLSTM | Ensemble") -> Logits:
    """The network's function from beats and rhythm to logits, in PyTorch."""
    from ecglib.models.network import predict_logits

    return lambda beats, rhythm: predict_logits(model, beats, rhythm).numpy()


def _onnxruntime(path: Path) -> Logits:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # threads share batches, not layers: a third less to do
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return _batched(names, lambda batch: session.run(None, batch)[0], threads())


def _openvino(path: Path) -> Logits:
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    settings["INFERENCE_NUM_THREADS"] = threads()
    compiled = core.compile_model(path, "CPU", settings)
    names = [name for entry in compiled.inputs for name in entry.names]
    # every call gets an inference request of its own, since a request serves one thread
    return _batched(names, lambda batch: compiled.create_infer_request().infer(batch)[0].copy())


def _batched(names: list[str], run: Callable[[dict], np.ndarray], workers: int = 1) -> Logits:
    def logits(beats: np.ndarray, rhythm: np.ndarray | None) -> np.ndarray:
        inputs = {"beats": beats}
        if "rhythm" in names:
            unknown = np.full((len(beats), len(RHYTHM)), np.nan, dtype=np.float32)
            inputs["rhythm"] = unknown if rhythm is None else rhythm
        starts = range(0, len(beats), BATCH)
        batches = [{n: x[at : at + BATCH] for n, x in inputs.items()} for at in starts]
        if workers == 1 or len(batches) == 1:
            return np.concatenate([run(batch) for batch in batches])
        with ThreadPoolExecutor(workers) as pool:
            return np.concatenate(list(pool.map(run, batches)))

    return logits


def _check_answers(model: "CNNLSTM | Ensemble", logits: Logits) -> None:
    """A few made-up beats, with and without rhythm, have to be judged as PyTorch judges them."""
    rng = np.random.default_rng(0)
    beats = rng.random((8, BEAT_SAMPLES), dtype=np.float32)
    beats[:, 100:] = 0.0
    rhythm = rng.normal(0, 0.3, (8, len(RHYTHM))).astype(np.float32)
    rhythm[::2] = np.nan
    difference = np.abs(logits(beats, rhythm) - by_torch(model)(beats, rhythm)).max()
    if not difference < CLOSE:
        raise EngineError(f"The ONNX form's answers differ from the network's by {difference:.2g}.")
