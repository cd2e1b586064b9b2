"""EDF, EDF+ and BDF files, read in blocks.

The header is checked against the size of the file before a library parses it.
"""

import re
from pathlib import Path

import numpy as np

from ecglib.recordings.recording import SHOWN, Ecg, EcgFileError


def open_edf(path: Path) -> Ecg:
    """Open an EDF, EDF+ or BDF file: its ECG leads, or else the leads that may be ECG."""
    import edfio

    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            head = file.read(256)
            n_signals = int(head[252:256])
            if not 1 <= n_signals <= 512 or int(head[184:192]) != 256 * (n_signals + 1):
                raise ValueError("the number of signals is impossible")
            labels = file.read(256 * n_signals)
        per_record = [int(labels[216 * n_signals + 8 * k :][:8]) for k in range(n_signals)]
        sample_bytes = 3 if head[0] == 0xFF else 2
        needed = 256 * (n_signals + 1) + int(head[236:244]) * sum(per_record) * sample_bytes
        if min(per_record) < 1 or needed > size + 1 or int(head[236:244]) < 1:
            raise ValueError("it is shorter than its header says")
        if head[192:197] == b"EDF+D":
            raise ValueError("it has gaps (EDF+D), which are not supported")
        edf = edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")
        signals = [s for s in edf.signals if 1 <= s.sampling_frequency <= 10_000]
        named = [s for s in signals if re.search(r"ecg|ekg", s.label, re.IGNORECASE)]
        electric = [s for s in signals if s.physical_dimension.lower() in {"mv", "uv", "µv", "v"}]
        chosen = named or electric or signals
        chosen = [s for s in chosen if s.sampling_frequency == chosen[0].sampling_frequency]
        if not chosen:
            raise ValueError("no signal has a usable sampling rate")
        if any(s.digital_max <= s.digital_min for s in chosen):
            raise ValueError("a digital range is empty")
        fs = float(chosen[0].sampling_frequency)
        n_samples = edf.num_data_records * chosen[0].samples_per_data_record
        leads, units = zip(*((s.label, s.physical_dimension) for s in chosen), strict=True)
    except Exception as error:  # edfio raises whatever its parsers run into
        reason = error if isinstance(error, ValueError) else type(error).__name__
        raise EcgFileError(
            f"The EDF file {path.name} can't be read: {str(reason)[:100]}. Export it again."
        ) from error
    assumed = () if named else (f"No lead is called ECG; read as ECG: {', '.join(leads[:SHOWN])}.",)

    def read(start: int, stop: int, lead: int) -> np.ndarray:
        s = chosen[lead]
        # Between two samples, so that rounding inside edfio can't fall short.
        digital = s.get_digital_slice((start + 0.25) / fs, (stop + 0.25) / fs)[: stop - start]
        step = (s.physical_max - s.physical_min) / (s.digital_max - s.digital_min)
        return (s.physical_min + (digital.astype(float) - s.digital_min) * step).astype(np.float32)

    return Ecg(path.stem, fs, leads, units, n_samples, read, assumed=assumed)
