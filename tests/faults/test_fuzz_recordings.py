"""Readers of recordings given made-up and damaged input: a result or their own error.

A few seconds here; ``make fuzz`` runs for ten minutes (``make fuzz MINUTES=60``). Errors found have
a test of their own in the parser's test file.
"""

from pathlib import Path

import numpy as np
import wfdb
from hypothesis import strategies as st

from ecglib.beats.prepared import read_ecg
from ecglib.recordings.wfdb import read_recording
from fuzzing import NUMBER, damaged, fuzz, watched

FILE = st.sampled_from("r.dat r.dat r.dat ~ r ../r.dat r.hea http://x/y .".split())
FORMAT = st.sampled_from(
    "8 16 24 32 61 80 160 212 310 311 508 516 524 0 999 16x2 16x999999 212:99999 16+999".split()
)


@st.composite
def headers(draw) -> str:
    """WFDB headers with one oddity or many."""
    count = draw(st.integers(0, 4))
    promised = draw(st.just(str(count)) | NUMBER)
    name = draw(st.sampled_from(["r", "r/2", "r/999999999", "other"]))
    lines = [f"{name} {promised} {draw(st.just('360') | NUMBER)} {draw(st.just('500') | NUMBER)}"]
    if "/" in name and draw(st.booleans()):
        lines += [f"{draw(st.sampled_from('r s ~'.split()))} {draw(NUMBER)}" for _ in range(count)]
    else:
        for _ in range(count):
            gain = draw(st.sampled_from(["200", "0", "-1", "1e999", "200(0)/mV", "200(1e9)"]))
            rest = " ".join(draw(st.lists(NUMBER, max_size=6)))
            lines.append(f"{draw(FILE)} {draw(st.just('16') | FORMAT)} {gain} {rest}")
    return "\n".join(lines) + draw(st.sampled_from(["\n", "", "\n# 9 M\n", "\n\0"]))


def recording(folder: Path) -> tuple[bytes, bytes, bytes]:
    """The three files of a small good recording."""
    signal = (np.sin(np.arange(1000) / 20) * 200).astype(int)[:, None].repeat(2, axis=1)
    wfdb.wrsamp(
        "r", 360, ["mV", "mV"], ["I", "II"], d_signal=signal, fmt=["16", "16"],
        adc_gain=[200, 200], baseline=[0, 0], write_dir=str(folder),
    )  # fmt: skip
    marks = np.arange(50, 950, 100)
    wfdb.wrann("r", "atr", marks, ["N"] * 9, aux_note=["(N"] + [""] * 8, write_dir=str(folder))
    return tuple((folder / f"r.{suffix}").read_bytes() for suffix in ("hea", "dat", "atr"))


def test_recordings(tmp_path):
    hea, dat, atr = recording(tmp_path)
    read_recording(tmp_path / "r")  # everything it needs is loaded now

    def target(example) -> None:
        header, samples, marks = example
        for suffix, content in (("hea", header), ("dat", samples), ("atr", marks)):
            (tmp_path / f"r.{suffix}").write_bytes(content)
        for reader in (read_recording, read_ecg):
            with watched(ValueError):
                reader(tmp_path / "r.hea")

    odd = headers().map(str.encode)
    fuzz(
        st.tuples(odd | damaged(hea), st.just(dat) | damaged(dat), st.just(atr))
        | st.tuples(st.just(hea), st.just(dat) | damaged(dat), damaged(atr) | st.binary()),
        target,
    )
