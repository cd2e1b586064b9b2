"""EDF files: the ECG among other signals, in blocks, and headers that lie."""

from pathlib import Path

import edfio
import numpy as np
import pytest

from bad_files import zipped
from ecglib.beats.prepared import read_ecg
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import EcgFileError

ECG = np.random.default_rng(0).normal(size=1000).cumsum() / 20


def test_edf(tmp_path: Path) -> None:
    ecg = edfio.EdfSignal(1000 * ECG, 250, label="ECG II", physical_dimension="uV")
    edfio.Edf([edfio.EdfSignal(np.arange(8.0), 2, label="SpO2"), ecg]).write(tmp_path / "a.edf")
    read = read_ecg(tmp_path / "a.edf")
    assert read.fs == 250 and read.leads == ("ECG II",)
    edfio.Edf([edfio.EdfSignal(ECG, 250, label="II")]).write(tmp_path / "b.edf")
    packed = zipped(("some/b.edf", (tmp_path / "b.edf").read_bytes()))
    assert "No lead is called ECG" in read_ecg({"b.zip": packed}).assumed[0]
    assert np.allclose(read.signal[:, 0], ECG, atol=1e-3)
    with open_ecg(tmp_path / "a.edf") as opened:
        parts = [opened.read(k, min(k + 77, 1000), 0) for k in range(0, 1000, 77)]
    assert np.array_equal(np.concatenate(parts), read.signal[:, 0])
    content = (tmp_path / "a.edf").read_bytes()
    with pytest.raises(EcgFileError, match="shorter than its header says"):
        read_ecg({"a.edf": content[:-500]})
    with pytest.raises(EcgFileError, match="gaps"):
        read_ecg({"a.edf": content[:192] + b"EDF+D" + content[197:]})
