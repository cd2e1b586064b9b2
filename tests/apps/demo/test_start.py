"""What the demo starts with: models and saved predictions."""

from pathlib import Path

import numpy as np

from ecglib.apps.demo.start import known_predictions, model_files
from ecglib.beats.beats import cut_beats
from ecglib.evaluation.results import save_predictions
from ecglib.paths import MODELS, Run
from ecglib.recordings.wfdb import read_recording


def test_known_predictions_are_used_only_if_they_are_the_models(
    network, record: Path, tmp_path: Path
) -> None:
    test = cut_beats(read_recording(record))
    run = Run(str(tmp_path))
    assert known_predictions(run, network, test) is None
    proba = network.predict_proba(test.signal)
    save_predictions(run, "compact", "test", test, proba)
    assert np.allclose(known_predictions(run, network, test), proba, atol=1e-6)
    assert known_predictions(run, network, test[:-1]) is None  # of other beats
    save_predictions(run, "compact", "test", test, proba[:, ::-1])
    assert known_predictions(run, network, test) is None  # of another model


def test_networks_of_the_run_come_before_those_of_the_project(tmp_path: Path) -> None:
    shipped = set(model_files(Run(str(tmp_path))))
    assert "compact" in shipped and "patients" not in shipped  # trees don't classify single beats
    own = tmp_path / "models" / "compact.safetensors"
    own.parent.mkdir()
    own.write_bytes((MODELS / "compact.safetensors").read_bytes())
    own.with_name("torn.safetensors").touch()
    found = model_files(Run(str(tmp_path)))
    assert found["compact"] == own and set(found) == shipped
