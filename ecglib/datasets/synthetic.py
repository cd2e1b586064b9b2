"""Generated ECG recordings, with which everything runs where no real ones are in reach.

Each recording is one invented patient in the format of MIT-BIH (WFDB format 212, 360 Hz, two leads,
``.atr`` annotations), and is read and cut like a real one. Waves are sums of Gaussians. They look
like an ECG and can be learnt; results on them say nothing about hearts.
"""

import atexit
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np

from ecglib.labels import CLASSES
from ecglib.paths import folder_beside, scratch

VERSION = 1  # part of the cache folder's name: raise it whenever the generated samples change
FS = 360  # Hz
GAIN, BASELINE = 200, 1024  # ADC units per mV and ADC value of 0 mV, as in MIT-BIH
REACH = int(0.3 * FS)  # samples of a wave on each side of its centre
N, S, V, F, Q = range(len(CLASSES))

# Waves of a beat, one a row: P, Q, R, S, T and the pacemaker's spike.
# Columns: amplitude in mV, centre in s after the R peak, width (standard deviation) in s.
# fmt: off
NORMAL = np.array([[0.15, -0.170, 0.022], [-0.12, -0.030, 0.009], [1.20, 0.000, 0.011],
                   [-0.28, 0.030, 0.011], [0.32, 0.270, 0.045], [0.00, -0.075, 0.003]])
RIGHT_BLOCK = np.array([[0.15, -0.170, 0.022], [-0.10, -0.030, 0.009], [1.00, 0.000, 0.012],
                        [-0.50, 0.060, 0.026], [0.30, 0.280, 0.045], [0.00, -0.075, 0.003]])
LEFT_BLOCK = np.array([[0.15, -0.190, 0.022], [0.50, -0.040, 0.018], [0.95, 0.000, 0.022],
                       [-0.10, 0.060, 0.020], [-0.25, 0.280, 0.055], [0.00, -0.075, 0.003]])
VENTRICULAR = np.array([[0.00, -0.170, 0.022], [0.60, -0.050, 0.024], [1.50, 0.000, 0.030],
                        [-0.60, 0.095, 0.034], [-0.55, 0.280, 0.065], [0.00, -0.075, 0.003]])
PACED = np.array([[0.00, -0.170, 0.022], [0.35, -0.035, 0.018], [0.90, 0.000, 0.022],
                  [-1.00, 0.075, 0.032], [0.60, 0.300, 0.065], [0.80, -0.075, 0.003]])
# fmt: on
# Amplitude of each wave in the second lead; wide beats spread in another direction.
SECOND_LEAD = np.array([0.6, 1.2, 0.6, 1.8, 0.8, 0.7])
SECOND_LEAD_WIDE = np.array([0.6, -0.4, -0.7, -1.0, -0.7, 0.7])

# Share of N, S, V, F and Q by patient. Records 2k-1 and 2k use one line, so that training and test
# of the protocol "patients" have the same mix; every patient has some beats of every class.
MIX = (
    (0.82, 0.05, 0.06, 0.04, 0.03),
    (0.14, 0.03, 0.04, 0.03, 0.76),
    (0.74, 0.06, 0.12, 0.05, 0.03),
    (0.67, 0.23, 0.04, 0.03, 0.03),
    (0.69, 0.05, 0.08, 0.15, 0.03),
    (0.68, 0.04, 0.21, 0.04, 0.03),
)
CONDUCTION = ("N", "N", "R", "N", "L", "N")  # bundle branch blocks belong to class N


def cached(seed: int = 0) -> Path:
    """Folder of the generated recordings in the user's cache, made at the first call."""
    import pooch

    name = f"synthetic-v{VERSION}-seed{seed}"
    try:
        return write_recordings(Path(pooch.os_cache("ecg-arrhythmia-notebooks")) / name, seed)
    except OSError:  # the cache can't be written to
        return write_recordings(_until_exit() / name, seed)


@cache
def _until_exit() -> Path:
    """A temporary folder of this process."""
    opened = ExitStack()
    atexit.register(opened.close)
    return opened.enter_context(scratch())


def write_recordings(
    folder: str | Path, seed: int = 0, n_records: int = 12, minutes: float = 5.0
) -> Path:
    """Write WFDB recordings ``s01``, ``s02``, ... unless the folder has some; return the folder."""
    import wfdb

    if not 1 <= n_records <= 99 or minutes < 1:
        raise ValueError(
            "Synthetic recordings need 1 to 99 records of at least one minute each, not "
            f"{n_records} of {minutes:g}: shorter ones cannot hold every class."
        )
    folder = Path(folder)
    if any(folder.glob("*.hea")):
        return folder
    with folder_beside(folder) as work:
        for number in range(n_records):
            rng = np.random.default_rng([seed, number])
            adc, marks, symbols, notes = _patient(rng, number, round(minutes * 60 * FS))
            name = f"s{number + 1:02d}"
            wfdb.wrsamp(
                name,
                fs=FS,
                units=["mV", "mV"],
                sig_name=["MLII", "V5"],
                d_signal=adc,
                fmt=["212", "212"],
                adc_gain=[GAIN, GAIN],
                baseline=[BASELINE, BASELINE],
                comments=["SYNTHETIC: generated, not recorded from a person"],
                write_dir=str(work),
            )
            wfdb.wrann(name, "atr", marks, symbols, aux_note=notes, write_dir=str(work))
        work.chmod(0o755)  # only its maker may read a temporary folder
        try:
            work.rename(folder)
        except OSError:
            if not any(folder.glob("*.hea")):  # else another process was faster
                raise
    return folder


def _patient(
    rng: np.random.Generator, number: int, n_samples: int
) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Samples (n_samples, 2) in ADC units; the annotations' samples, symbols and notes."""
    which = number // 2 % len(MIX)  # line of MIX
    kind, rr = _rhythm(rng, MIX[which], n_samples / FS)
    peak = np.rint(np.cumsum(rr) * FS).astype(np.int64)

    symbol = np.array([CONDUCTION[which], "A", "V", "F", "/"])[kind]
    symbol[(kind == Q) & (rng.random(len(kind)) < 0.12)] = "f"
    noise_at = int((peak[len(peak) // 2] + peak[len(peak) // 2 + 1]) / 2)
    signal = _waves(rng, symbol, rr, peak, n_samples) + _disturbances(rng, noise_at, n_samples)
    adc = np.clip(np.rint(signal * GAIN) + BASELINE, 0, 2047).astype(np.int64)

    # Besides the beats: the rhythm mark at the start of MIT-BIH's records, and one mark of noise.
    peak = peak + rng.integers(-1, 2, len(peak))  # annotators miss a peak by a sample
    marks = np.concatenate([[18], peak, [noise_at]])
    order = np.argsort(marks)
    symbols = np.concatenate([["+"], symbol, ["~"]])[order].tolist()
    notes = [""] * len(marks)
    notes[0] = "(P" if (kind == Q).mean() > 0.5 else "(N"
    return adc, marks[order], symbols, notes


def _rhythm(
    rng: np.random.Generator, mix: tuple[float, ...], seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Class of each beat and the RR interval before it in seconds."""
    usual = rng.uniform(0.70, 0.92)
    n = int((seconds - 2) / usual)
    count = np.maximum(np.rint(np.array(mix) * n).astype(int), 2)
    kind = np.full(n, N)
    # Premature beats only at every second place, so that each has a pause of its own.
    early = rng.permutation(np.arange(4, n - 2, 2))[: count[S] + count[V]]
    kind[early] = np.repeat([S, V], count[[S, V]])[: len(early)]
    free = rng.permutation(np.setdiff1d(np.arange(3, n), early))[: count[F] + count[Q]]
    kind[free] = np.repeat([F, Q], count[[F, Q]])[: len(free)]

    breathing = np.sin(np.arange(n) * usual * 2 * np.pi / rng.uniform(3.0, 5.0))
    rr = usual * (1 + 0.03 * breathing + 0.015 * rng.standard_normal(n))
    rr[kind == Q] = usual
    rr[kind == F] *= 0.95
    ventricular = kind[early] == V
    rr[early] *= rng.uniform(np.where(ventricular, 0.52, 0.60), np.where(ventricular, 0.76, 0.82))
    # A ventricular beat does not reset the sinus node: its interval and its pause are two usual
    # intervals. A supraventricular one resets it, and the pause is shorter.
    rr[early + 1] = np.where(ventricular, 2 * usual - rr[early], 1.06 * usual)
    rr[0] = 0.5
    return kind, rr * (seconds - 1.5) / rr.sum()


def _waves(
    rng: np.random.Generator, symbol: np.ndarray, rr: np.ndarray, peak: np.ndarray, n_samples: int
) -> np.ndarray:
    """The beats of one patient without noise, (n_samples, 2) in mV."""
    own = {"N": NORMAL, "R": RIGHT_BLOCK, "L": LEFT_BLOCK, "V": VENTRICULAR, "/": PACED}
    for name, waves in own.items():  # every patient's waves differ from the textbook's
        own[name] = waves * rng.uniform([0.8, 0.95, 0.88], [1.2, 1.05, 1.12], waves.shape)
    sinus = own[next((s for s in "RL" if s in symbol), "N")]
    own["A"] = sinus * [1, 1, 1]
    own["A"][0] = [-0.6, 0.75, 1] * sinus[0]  # the atria are excited from another place
    blend = rng.uniform(0.35, 0.65, (len(symbol), 1, 1))
    fused = {"F": own["V"], "f": own["/"]}
    beats = np.stack([own.get(s, sinus) for s in symbol])
    for name, wide in fused.items():
        beats = np.where((symbol == name)[:, None, None], blend * wide + (1 - blend) * sinus, beats)
    beats *= 1 + [0.05, 0.02, 0.04] * rng.standard_normal(beats.shape)
    beats[:, 4, 1] *= np.sqrt(np.append(rr[1:], 0.8) / 0.8)  # T comes sooner at a fast rate

    amplitude, centre, width = np.moveaxis(beats, 2, 0)  # each (n_beats, 6)
    time = peak[:, None] / FS + centre
    first = np.rint(time * FS).astype(np.int64)[:, :, None] + np.arange(-REACH, REACH + 1)
    shape = np.exp(-0.5 * ((first / FS - time[:, :, None]) / width[:, :, None]) ** 2)
    wide = np.isin(symbol, ["V", "/", "f", "F"])[:, None]
    second = amplitude * np.where(wide, SECOND_LEAD_WIDE, SECOND_LEAD)
    where = np.clip(first + REACH, 0, n_samples + 2 * REACH - 1).ravel()  # with a margin
    leads = [
        np.bincount(where, (height[:, :, None] * shape).ravel(), n_samples + 2 * REACH)
        for height in (amplitude, second)
    ]
    return np.stack(leads, axis=1)[REACH:-REACH]


def _disturbances(rng: np.random.Generator, noise_at: int, n_samples: int) -> np.ndarray:
    """Baseline wander, mains hum, white noise and one burst of muscle noise, in mV."""
    time = np.arange(n_samples)[:, None] / FS
    signal = rng.uniform(0.008, 0.02) * rng.standard_normal((n_samples, 2))
    for frequency in rng.uniform(0.05, 0.35, 3):
        signal += rng.uniform(0.02, 0.12, 2) * np.sin(
            2 * np.pi * (frequency * time + rng.uniform(0, 1, 2))
        )
    signal += 0.006 * np.sin(2 * np.pi * 60 * time)
    burst = slice(noise_at, noise_at + 3 * FS)
    signal[burst] += 0.06 * rng.standard_normal(signal[burst].shape)
    return signal
