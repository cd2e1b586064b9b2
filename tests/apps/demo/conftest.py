"""A synthetic recording, uploaded and classified, for tests of the demo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecglib.apps.demo.state.gallery import Gallery
from ecglib.apps.demo.state.recording import Strip, classify_upload
from ecglib.apps.demo.state.uploads import Upload, read_upload
from ecglib.datasets.synthetic import cached
from ecglib.models.classifier import Classifier
from ecglib.models.network import build_model


@pytest.fixture(scope="session")
def network() -> Classifier:
    return Classifier(build_model("compact"), {"name": "compact"})


@pytest.fixture(scope="session")
def record() -> Path:
    return sorted(cached().glob("*.hea"))[0].with_suffix("")


@pytest.fixture(scope="session")
def uploaded(record: Path) -> Upload:
    paths = [record.with_suffix(f".{kind}") for kind in ("hea", "dat", "atr")]
    return read_upload({path.name: path.read_bytes() for path in paths})


@pytest.fixture(scope="session")
def classified(network: Classifier, uploaded: Upload) -> tuple[Gallery, Strip]:
    return classify_upload(network, uploaded)


@pytest.fixture(scope="session")
def noisy(network: Classifier, uploaded: Upload) -> tuple[Gallery, Strip]:
    """The same with half a minute of noise."""
    ecg = uploaded.recording
    signal = ecg.read(0, ecg.n_samples, 0).copy()
    signal[20 * 360 : 50 * 360] += np.random.default_rng(0).normal(0, 2, 30 * 360)
    ecg = replace(ecg, read=lambda start, stop, lead: signal[start:stop])
    return classify_upload(network, replace(uploaded, recording=ecg))
