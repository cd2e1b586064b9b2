"""The rhythm around a beat, which its 187 samples show only half of.

A supraventricular beat often looks normal and gives itself away by coming early. When is early?
Against the intervals around it and against the recording's own average, so ratios are used, as
logarithms, in which twice as long and half as long are equally far from the usual.
"""

import numpy as np
import pandas as pd

RHYTHM = (
    "before / average",
    "after / average",
    "second before / average",
    "second after / average",
    "before / around",
    "average",
)
LOCAL_RR = 17  # RR intervals whose median is the local rhythm, half of them before the beat


def rhythm_features(
    rr_before: np.ndarray, rr_after: np.ndarray, record: np.ndarray | None = None
) -> np.ndarray:
    """Features in the order of ``RHYTHM``, shape (n, 6), float32: logarithms, NaN where unknown.

    ``rr_before`` and ``rr_after``, shape (n,), are RR intervals in seconds of all beats of each
    recording, in time order; ``record`` names each beat's recording, by default a single one.
    """
    table = pd.DataFrame({"before": rr_before, "after": rr_after}, dtype=np.float64)
    table = table.where(table > 0)  # two marks on one sample have no interval
    record = np.zeros(len(table)) if record is None else record
    own = table.groupby(record, sort=False)
    average = own.before.transform("mean")
    around = own.before.transform(
        lambda rr: rr.rolling(LOCAL_RR, center=True, min_periods=3).median()
    )
    columns = [
        table.before / average,
        table.after / average,
        own.before.shift(1) / average,
        own.after.shift(-1) / average,
        table.before / around,
        average,
    ]
    return np.log(np.stack(columns, axis=1)).astype(np.float32)


def rhythm_between(rr: np.ndarray) -> np.ndarray:
    """Rhythm features of all beats of a recording but its last, from the interval after each."""
    return rhythm_features(np.append(np.nan, rr)[: len(rr)], rr)
