"""The sample files: their names, values, class shares and folder."""

from pathlib import Path

import numpy as np
import pytest

from ecglib import load_beats
from ecglib.beats.beats import Beats
from ecglib.beats.samples import sample_folder, save_samples
from ecglib.labels import CLASS_NAMES, CLASSES
from ecglib.paths import ROOT, Run


@pytest.fixture(scope="module")
def beats() -> Beats:
    return load_beats("synthetic")


def test_names_values_and_shares(beats: Beats, tmp_path: Path) -> None:
    paths = save_samples(beats, tmp_path)
    assert len(paths) == 100 and sorted(tmp_path.iterdir()) == sorted(paths)
    labels = [int(path.stem[-1]) for path in paths]
    assert paths[0].name == f"sample_001_{CLASS_NAMES[CLASSES[labels[0]]]}_label{labels[0]}.csv"
    exact = np.bincount(beats.label, minlength=5) * 100 / len(beats)
    assert np.abs(np.bincount(labels, minlength=5) - exact).max() < 1
    rows = {row.tobytes(): label for row, label in zip(beats.signal, beats.label, strict=True)}
    for path, label in zip(paths, labels, strict=True):
        values = np.array(path.read_text().split(","), dtype=np.float32)
        assert rows[values.tobytes()] == label  # exactly that beat


def test_the_seed_decides_and_old_files_go(beats: Beats, tmp_path: Path) -> None:
    (tmp_path / "sample_999_Old_label0.csv").write_text("1")
    first = {p.name: p.read_text() for p in save_samples(beats, tmp_path, seed=1)}
    again = {p.name: p.read_text() for p in save_samples(beats, tmp_path, seed=1)}
    other = {p.name: p.read_text() for p in save_samples(beats, tmp_path, seed=2)}
    assert first == again != other and "sample_999_Old_label0.csv" not in first
    assert len(save_samples(beats[:7], tmp_path)) == 7


def test_only_the_published_split_goes_to_outputs() -> None:
    real, synthetic = (Run("outputs/smoke", synthetic=each) for each in (False, True))
    assert sample_folder(real, "kaggle") == ROOT / "outputs" / "samples"
    for run, protocol in ((synthetic, "kaggle"), (real, "patients")):
        assert sample_folder(run, protocol) == run.folder / "samples"
