"""ISHNE Holter files: leads, units, and lengths that lie."""

import numpy as np
import pytest

from ecglib.beats.prepared import read_ecg
from ecglib.recordings.readers.ishne import ISHNE_HEADER
from ecglib.recordings.recording import EcgFileError

ECG = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0) / 20


def ishne(n_samples: int) -> bytes:
    header = np.zeros(1, ISHNE_HEADER)
    header["n_samples"], header["ecg_at"], header["n_leads"], header["fs"] = n_samples, 522, 2, 200
    header["lead"], header["nanovolt"] = [[6, 11] + [0] * 10], 1000
    samples = np.rint(ECG * 1000).astype("<i2").tobytes()
    return (b"ISHNE1.0\0\0" + header.tobytes()).ljust(522, b"\0") + samples


@pytest.mark.parametrize("n_samples", [1000, 2000])  # of one lead, or of all as some count
def test_ishne(n_samples: int) -> None:
    read = read_ecg({"a.ecg": ishne(n_samples)})
    assert read.fs == 200 and read.leads == ("II", "V1")
    assert np.allclose(read.signal, ECG, atol=1e-3)
    with pytest.raises(EcgFileError, match="truncated"):
        read_ecg({"a.ecg": ishne(10_000)})
