"""What all tests share: where the real recordings are, and a wall against the network."""

import os
import socket
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib, and for kernels too


def find_shared(name: str) -> Path | None:
    """The folder `name` (``mitdb``, ``nstdb``, ``kaggle``) of the data, if it is in reach."""
    for base in (os.environ.get("ECG_DATA"), ROOT / "data", ROOT.parent / "shared"):
        if base and (Path(base) / name).is_dir():
            return Path(base) / name
    return None


@pytest.fixture(scope="session")
def mitdb() -> Path:
    """The folder of the real MIT-BIH recordings; tests that ask for it carry the marker `data`."""
    return _shared_or_skip("mitdb")


@pytest.fixture(scope="session")
def nstdb() -> Path:
    """The folder of the real noise recordings."""
    return _shared_or_skip("nstdb")


@pytest.fixture(scope="session")
def kaggle_rows() -> Path:
    """The genuine Kaggle rows: an npz file with `signal`, `label`, `in_test`."""
    return _shared_or_skip("kaggle") / "rows.npz"


@pytest.fixture(scope="session")
def mitdb_beats(mitdb: Path):
    """All 109,446 beats, cut once for the whole test run."""
    from ecglib import load_beats

    return load_beats("folder", mitdb)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small network that has learnt nothing."""
    from tiny_training import save_tiny

    return save_tiny(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four synthetic recordings of a minute."""
    from ecglib.datasets.synthetic import write_recordings

    return write_recordings(tmp_path_factory.mktemp("r") / "s", n_records=4, minutes=1)


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four synthetic recordings of two minutes."""
    from ecglib.datasets.synthetic import write_recordings

    return write_recordings(tmp_path_factory.mktemp("p") / "s", n_records=4, minutes=2)


@pytest.fixture(scope="session")
def trees(patients: Path):
    """The patient-wise model of the first three of them."""
    from ecglib.models.patientwise.training import described_beats, fit_described
    from ecglib.recordings.wfdb import read_recording

    recordings = [read_recording(patients / name) for name in ("s01", "s02", "s03")]
    return fit_described([described_beats(recording) for recording in recordings])


@pytest.fixture(scope="module")
def client(model: Path):
    """The HTTP API with that network, in this process."""
    from fastapi.testclient import TestClient

    from api_requests import LOCAL
    from ecglib.apps.api.app import create_app
    from ecglib.apps.api.settings import Settings

    with TestClient(
        create_app(Settings(model=model)),
        LOCAL,
        raise_server_exceptions=False,
    ) as client:
        yield client


@pytest.fixture(scope="module")
def classifier(model: Path):
    """The classifier of that network."""
    from ecglib.models.classifier import Classifier

    return Classifier.load(model)


@pytest.fixture(scope="module")
def noisy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic recordings in ``mitdb``, and noise records of RMS 0.3 mV in ``nstdb``."""
    import numpy as np
    import wfdb

    from ecglib.datasets.synthetic import write_recordings
    from ecglib.recordings.noise import KINDS

    folder = tmp_path_factory.mktemp("data")
    write_recordings(folder / "mitdb", n_records=2, minutes=1.0)
    (folder / "nstdb").mkdir()
    how = {"fs": 360, "units": ["mV"], "sig_name": ["noise1"], "fmt": ["16"]}
    for seed, kind in enumerate(KINDS):
        signal = 0.3 * np.random.default_rng(seed).normal(size=(60 * 360, 1))
        wfdb.wrsamp(kind, p_signal=signal, write_dir=str(folder / "nstdb"), **how)
    return folder


def _shared_or_skip(name: str) -> Path:
    folder = find_shared(name)
    if folder is None:
        pytest.skip(f"no folder {name} in $ECG_DATA, data/ or ../shared")
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests reach this machine only, so that they say the same with and without a network."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def local(host: object) -> bool:
        name = host.decode() if isinstance(host, bytes) else host
        return name in (None, "", "localhost", "0.0.0.0", "::1") or str(name).startswith("127.")

    def guarded_connect(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not local(address[0]):
            raise OSError(f"tests do not use the network: {address[0]}")
        return connect(self, address)

    def guarded_resolve(host: object, *args: object, **kwargs: object) -> list:
        if not local(host):
            raise socket.gaierror(f"tests do not use the network: {host}")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two small notebooks to run, on data that need no reading."""
    from ecglib.datasets import sources
    from run_project import Project, located

    monkeypatch.setattr(sources, "locate", located)
    return Project(tmp_path)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, as far as this test is concerned."""
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def no_warnings():
    """Every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def tidy_figures(no_warnings):
    """No figure stays open, no setting changes."""
    import matplotlib.pyplot as plt

    settings = plt.rcParams.copy()
    yield
    assert plt.get_fignums() == []
    assert plt.rcParams == settings


@pytest.fixture
def beats():
    """Ten beats for the fake classifier; most tests have beats of their own."""
    from demo_fakes import ten_beats

    return ten_beats()


@pytest.fixture
def demo(beats):
    """The interactive classifier with a fake one behind it, for the ten beats."""
    from demo_fakes import FakeClassifier
    from ecglib.apps.demo.page import ClassifierDemo

    return ClassifierDemo(FakeClassifier(), beats)


@pytest.fixture
def two(beats, monkeypatch: pytest.MonkeyPatch):
    """With a second model to choose, which calls beat 4 Normal."""
    from demo_fakes import FakeClassifier
    from ecglib.apps.demo.page import ClassifierDemo

    monkeypatch.setattr(
        "ecglib.models.classifier.Classifier.load", lambda path: FakeClassifier(path, "NNNNVSFQNV")
    )
    return ClassifierDemo(FakeClassifier(), beats, models={"fake": "unused", "other": "other"})


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium."""
    from browser_app import browser

    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    """The app on synthetic beats, with samples and two models: address and folder."""
    from browser_app import FAULT, demo_notebook, voila
    from demo_fakes import csv
    from ecglib import load_beats
    from ecglib.models.model_file import read_model, save_model
    from ecglib.paths import DEFAULT_MODEL, MODELS

    folder = tmp_path_factory.mktemp("app")
    shipped = read_model(MODELS / f"{DEFAULT_MODEL}.safetensors")
    twin = folder / "run" / "models" / "twin.safetensors"
    save_model(shipped.network, twin, shipped.card | {"name": "twin"})
    samples = folder / "run" / "samples"
    samples.mkdir()
    line = csv(load_beats("synthetic")[:1], labels=False)
    (samples / "sample_001_Normal_label0.csv").write_bytes(line)
    (folder / "a.png").write_bytes(b"\x89PNG")
    with voila(demo_notebook(folder, FAULT)) as (address, _):
        yield address, folder


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins to execute a notebook fails."""
    from ecglib.batch import runner

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a notebook was executed")

    monkeypatch.setattr(runner.papermill, "execute_notebook", refuse)
