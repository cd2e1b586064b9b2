"""ISHNE Holter files, read in blocks.

No maintained library reads the format (Badilini, The ISHNE Holter standard output file format,
Ann. Noninvasive Electrocardiol. 3, 1998).
"""

from pathlib import Path

import numpy as np

from ecglib.recordings.recording import Ecg, EcgFileError

ISHNE_LEADS = (
    "unknown", "generic", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3",
    "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip
# The fixed header from byte 10 on; fields that are not needed begin with an underscore.
ISHNE_HEADER = np.dtype(
    [
        ("_skipped", "<i4"), ("n_samples", "<i4"), ("_skipped_at", "<i4"), ("ecg_at", "<i4"),
        ("_person", "S130"), ("n_leads", "<i2"), ("lead", "<i2", 12), ("_quality", "<i2", 12),
        ("nanovolt", "<i2", 12), ("_pacemaker", "<i2"), ("_recorder", "S40"), ("fs", "<i2"),
    ]
)  # fmt: skip


def open_ishne(path: Path) -> Ecg:
    """Open an ISHNE Holter file: a fixed header, then interleaved 16-bit samples."""
    with path.open("rb") as file:
        content = file.read(10 + ISHNE_HEADER.itemsize)[10:]
    size = path.stat().st_size
    header = np.frombuffer(content.ljust(ISHNE_HEADER.itemsize, b"\0"), dtype=ISHNE_HEADER)[0]
    n_leads, at = int(header["n_leads"]), int(header["ecg_at"])
    if not (1 <= n_leads <= 12 and 1 <= header["fs"] <= 10_000 and 522 <= at < size):
        raise EcgFileError(f"The ISHNE file {path.name} has an impossible header: it is damaged.")
    n_samples = (size - at) // 2 // n_leads
    # The standard counts samples of one lead; some recorders count those of all leads together.
    if int(header["n_samples"]) not in (n_samples, n_samples * n_leads):
        if int(header["n_samples"]) > n_samples * n_leads:
            raise EcgFileError(f"The ISHNE file {path.name} is truncated; copy it again.")
        n_samples = min(n_samples, int(header["n_samples"]))
    samples = np.memmap(path, "<i2", "r", at, (n_samples, n_leads))
    step = header["nanovolt"][:n_leads] * 1e-6
    names = [ISHNE_LEADS[k] if 0 <= k < len(ISHNE_LEADS) else "" for k in header["lead"]]

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        return samples[start:stop, lead].astype(np.float32) * np.float32(step[lead] or 1)

    units = tuple("mV" if value > 0 else "" for value in step)
    return Ecg(path.stem, float(header["fs"]), tuple(names[:n_leads]), units, n_samples, read)
