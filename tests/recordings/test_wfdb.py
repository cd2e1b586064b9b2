"""WFDB records: read as a whole or in blocks, with annotations of their own only."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecglib.beats.prepared import read_ecg
from ecglib.recordings.reading import open_ecg
from ecglib.recordings.recording import EcgFileError
from ecglib.recordings.wfdb import MAX_MARK_BYTES, read_recording, record_names

HALF = 30 * 360


def test_a_record_is_the_same_as_a_whole_and_in_blocks(s01: Path) -> None:
    whole = read_recording(s01)
    assert whole.fs == 360 and whole.leads == ("MLII", "V5") and len(whole.mark_sample) > 50
    assert whole.signal.dtype == np.float32 and whole.assumed == ()
    assert np.array_equal(read_recording(s01.with_suffix(".hea"), [1]).signal, whole.signal[:, 1:])
    assert np.allclose(whole.signal, wfdb.rdrecord(str(s01)).p_signal, atol=1e-6)
    with open_ecg(s01) as ecg:
        parts = [ecg.read(k, min(k + 777, ecg.n_samples), 1) for k in range(0, ecg.n_samples, 777)]
    assert np.array_equal(np.concatenate(parts), whole.signal[:, 1])
    with pytest.raises(EcgFileError, match="no lead 2"):
        read_recording(s01, [2])
    with pytest.raises(EcgFileError, match="can't be read"):
        read_recording(s01.with_name("100"))
    s01.with_suffix(".atr").unlink()
    assert record_names(s01.parent) == [] and not len(read_recording(s01).mark_sample)


def marks(*steps: int) -> bytes:
    """An ``.atr`` file of normal beats, so many samples apart."""
    leaps = ((59 << 10, step >> 16 & 0xFFFF, step & 0xFFFF, 1 << 10) for step in steps)
    return np.array([*leaps, (0, 0, 0, 0)], "<u2").tobytes()


def test_a_mark_at_the_very_end_is_left_out(s01: Path) -> None:
    s01.with_suffix(".atr").write_bytes(marks(100, 2 * HALF - 100))
    for found in (read_ecg(s01), read_recording(s01)):
        assert found.mark_sample.tolist() == [100] and found.assumed == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (marks(100, 2 * HALF), "outside the signal"),
        (marks(200, -100), "out of order"),
        (b"\xff" * 3, "damaged"),
        (bytes(MAX_MARK_BYTES + 1), "too large"),
    ],
)
def test_annotations_of_another_recording(s01: Path, content: bytes, reason: str) -> None:
    """They are an error where they are needed, and left out of a person's own recording."""
    s01.with_suffix(".atr").write_bytes(content)
    with pytest.raises(EcgFileError, match=f"{reason}.*Copy s01.atr again"):
        read_recording(s01)
    left = read_ecg(s01)
    assert len(left.signal) == 2 * HALF and len(left.mark_sample) == len(left.mark_symbol) == 0
    assert reason in left.assumed[0] and "left out" in left.assumed[0]


def segmented(files: dict[str, bytes]) -> dict[str, bytes]:
    """A minute as a record of two halves with a gap of ten seconds between them."""
    lines = files["s01.hea"].decode().splitlines()
    kept = [line.replace("s01.dat", "m_{k}.dat") for line in lines[1:3]]
    data, step = files["s01.dat"], 3 * HALF  # of two leads in format 212
    made = {
        "m.hea": f"m/3 2 360 {2 * HALF + 3600}\nm_0001 {HALF}\n~ 3600\nm_0002 {HALF}\n".encode()
    }
    for k in (1, 2):
        name, first, second = f"m_{k:04d}", *(line.format(k=f"{k:04d}") for line in kept)
        made[f"{name}.hea"] = f"{name} 2 360 {HALF}\n{first}\n{second}\n".encode()
        made[f"{name}.dat"] = data[(k - 1) * step : k * step]
    return made


def test_a_record_of_several_segments(wfdb_files, tmp_path: Path) -> None:
    whole, files = read_ecg(wfdb_files).signal, segmented(wfdb_files)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for read in (read_ecg(files), read_recording(tmp_path / "m")):
        assert read.fs == 360 and read.leads == ("MLII", "V5")
        assert len(read.signal) == 2 * HALF + 3600
        assert np.array_equal(read.signal[:HALF], whole[:HALF])
        assert np.array_equal(read.signal[-HALF:], whole[HALF : 2 * HALF])
        assert np.isnan(read.signal[HALF:-HALF]).all()
    header = files["m.hea"]
    for change, message in (
        (header.replace(b"m_0002", b"../m_2"), "elsewhere"),
        (header.replace(b"m_0002", b"m"), "segments in segments"),
        (header.replace(b"m_0002", b"m_0001"), "names a segment twice"),
        (header.replace(b"25200", b"252000000"), "far more samples"),
        (header.replace(b"m/3", b"m/9999"), "segments"),
        (header.replace(b"m/3", b"m/4"), "describes 3"),
        (header.replace(b"m_0002", b"m_0003"), "missing"),
    ):
        with pytest.raises(EcgFileError, match=message):
            read_ecg(files | {"m.hea": change})
