"""The ONNX form of a network gives the same answers, or is not used."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ecglib.datasets.splits import split_beats
from ecglib.models.classifier import Classifier
from ecglib.models.engines import EngineError, export_onnx
from ecglib.models.model_file import save_model
from ecglib.models.network import CNNLSTM, CONFIGS, Ensemble
from own_python import run_python
from tiny_training import save_tiny


@pytest.fixture(scope="module", params=["compact", "rhythm", "ensemble"])
def model_path(request, tmp_path_factory):
    torch.manual_seed(0)
    config = CONFIGS[request.param if request.param in CONFIGS else "rhythm"]
    models = [CNNLSTM(config) for _ in range(2)]
    for model in models:
        model.fit_standardisation(torch.rand(50, 187), torch.randn(50, 6))
    model = models[0] if request.param in CONFIGS else Ensemble(models)
    path = tmp_path_factory.mktemp("models") / f"{request.param}.safetensors"
    save_model(model, path, {})
    export_onnx(path)
    return path


@pytest.fixture
def alone(model_path, tmp_path):
    """That network without its ONNX form."""
    return Path(shutil.copy(model_path, tmp_path / "model.safetensors"))


@pytest.fixture(scope="module")
def beats():
    rng = np.random.default_rng(0)
    rhythm = rng.normal(0, 0.2, (700, 6)).astype(np.float32)
    rhythm[::3, 0] = np.nan
    return rng.random((700, 187), dtype=np.float32), rhythm


def test_onnx_runtime_answers_like_pytorch(model_path, beats):
    by_torch = Classifier.load(model_path, engine="torch")
    by_onnx = Classifier.load(model_path)
    assert (by_torch.engine, by_onnx.engine) == ("torch", "onnxruntime")
    for rhythm in (None, beats[1]):
        expected = by_torch.predict_proba(beats[0], rhythm)
        np.testing.assert_allclose(by_onnx.predict_proba(beats[0], rhythm), expected, atol=1e-4)
    one = by_onnx.predict_proba(beats[0][0], beats[1][0])
    np.testing.assert_allclose(one[0], expected[0], atol=1e-4)


def test_onnx_runtime_needs_no_pytorch(model_path):
    """PyTorch takes longer to load than a recording takes to classify."""
    code = (
        "import sys; from ecglib.models.classifier import Classifier; import numpy as np;"
        f"classifier = Classifier.load({str(model_path)!r});"
        "classifier.classify_recording(np.eye(360).ravel(), 360);"
        "sys.exit(str({'torch', 'scipy.signal', 'matplotlib', 'sklearn'} & {*sys.modules} or ''))"
    )
    assert run_python("-c", code)[2].strip() == ""


def test_a_network_whose_onnx_form_differs_has_none(alone, monkeypatch):
    monkeypatch.setattr("ecglib.models.engines.CLOSE", -1.0)
    with pytest.raises(EngineError, match="differ"):
        export_onnx(alone)
    assert [*alone.parent.iterdir()] == [alone]


def test_without_an_onnx_form_pytorch_serves(alone):
    assert Classifier.load(alone).engine == "torch"
    with pytest.raises(EngineError, match="no ONNX form"):
        Classifier.load(alone, engine="onnxruntime")


@pytest.mark.parametrize("damage", ["other weights", "one bit", "torn", "foreign"])
def test_an_onnx_form_of_something_else_is_not_used(model_path, alone, tmp_path, damage):
    onnx = alone.with_suffix(".onnx")
    if damage == "other weights":
        other = save_tiny(tmp_path / "other.safetensors", seed=1)
        export_onnx(other)
        onnx.write_bytes(other.with_suffix(".onnx").read_bytes())
    elif damage == "one bit":
        content = bytearray(model_path.with_suffix(".onnx").read_bytes())
        content[len(content) // 2] ^= 1
        onnx.write_bytes(content)
    elif damage == "torn":
        onnx.write_bytes(model_path.with_suffix(".onnx").read_bytes()[:50_000])
    else:
        onnx.write_bytes(b"not ONNX at all")
    assert Classifier.load(alone).engine == "torch"
    with pytest.raises(EngineError, match="can't serve this model"):
        Classifier.load(alone, engine="onnxruntime")


def test_errors_name_the_engine(model_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("ecglib.models.engines._by_onnxruntime", fail)
    with pytest.raises(EngineError, match="onnxruntime can't serve this model: MemoryError"):
        Classifier.load(model_path, engine="onnxruntime")
    with pytest.raises(EngineError, match="auto, torch, onnxruntime"):
        Classifier.load(model_path, engine="tensorrt")


@pytest.mark.data
def test_the_shipped_onnx_form_predicts_like_pytorch(mitdb_beats):
    signal = mitdb_beats.signal[split_beats(mitdb_beats, "kaggle").test]
    expected = Classifier.load(engine="torch").predict_proba(signal)
    found = Classifier.load(engine="onnxruntime").predict_proba(signal)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.9999
