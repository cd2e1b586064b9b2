"""Kaggle's two heartbeat files: download, reading, and the beat of each row.

``shayanfazeli/heartbeat`` holds rows without patient or time; `published` knows both.
"""

import contextlib
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pooch

from ecglib.beats.beats import BEAT_SAMPLES, Beats
from ecglib.beats.rhythm import rhythm_features
from ecglib.datasets import published
from ecglib.paths import folder_beside, home

NAME = "Kaggle"
DATASET = "shayanfazeli/heartbeat"
CONTENT = f"{DATASET} (about 100 MB)"
FILES = ("mitbih_train.csv", "mitbih_test.csv")
API = "https://api.kaggle.com/"

WAYS_OUT = (
    "Three ways out: get an API token at https://www.kaggle.com/settings and save it as "
    "~/.kaggle/access_token; or download the data set by hand from "
    f"https://www.kaggle.com/datasets/{DATASET} and put {FILES[0]} and {FILES[1]} into data/; or "
    "use source='physionet', which gives the same beats without an account."
)


class KaggleError(RuntimeError):
    """Kaggle did not serve the data set; the message ends with the ways out."""


def cached() -> Path | None:
    """Folder of the files that an earlier run has downloaded completely, or None."""
    hub = Path(os.environ.get("KAGGLEHUB_CACHE") or home() / ".cache" / "kagglehub")
    hub = hub / "datasets" / DATASET
    for folder, complete in (
        (hub / "versions" / "1", hub / "1.complete"),  # kagglehub's mark of a complete download
        (_own_cache(), _own_cache()),
    ):
        if complete.exists() and all((folder / name).is_file() for name in FILES):
            return folder
    return None


def probe() -> None:
    """Check that Kaggle answers at all; raise `KaggleError` otherwise."""
    import requests

    try:
        requests.head(API, timeout=4)
    except requests.RequestException as error:
        raise KaggleError(f"Kaggle could not be reached. {WAYS_OUT}") from error


def download() -> Path:
    """Download the data set with ``kagglehub``, which needs no account, or else with ``kaggle``."""
    faults = []
    for client in (_with_kagglehub, _with_kaggle):
        # Without credentials, kaggle prints a page of help and exits when it is imported.
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                folder = client()
        except (Exception, SystemExit) as error:
            reason = _without_keys((str(error).strip().splitlines() or [""])[0])[:120]
            faults.append(f"{client.__name__[6:]}: {type(error).__name__} {reason}".strip())
            continue
        if all((folder / name).is_file() for name in FILES):
            return folder
        faults.append(f"{client.__name__[6:]}: no {FILES[0]} in its download")
    raise KaggleError(f"Kaggle did not serve {DATASET} ({'; '.join(faults)}). {WAYS_OUT}")


def _without_keys(text: str) -> str:
    """A message of Kaggle's clients without the account's keys."""
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR") or home() / ".kaggle")
    stored = [os.environ.get(name, "") for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN")]
    for name in ("kaggle.json", "access_token"):
        with contextlib.suppress(OSError, ValueError):
            stored += (folder / name).read_text(encoding="utf-8").split('"')
    for key in map(str.strip, stored):
        if len(key) >= 16:  # shorter parts are names
            text = text.replace(key, "***")
    return text


def _with_kagglehub() -> Path:
    import kagglehub

    return Path(kagglehub.dataset_download(f"{DATASET}/versions/1"))


def _with_kaggle() -> Path:
    import kaggle

    folder = _own_cache()
    with folder_beside(folder) as work:
        kaggle.api.dataset_download_files(DATASET, path=str(work), unzip=True)
        for name in FILES:
            if not (work / name).is_file():
                raise FileNotFoundError(f"no {name} in its download")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    return folder


def _own_cache() -> Path:
    return Path(pooch.os_cache("ecg-arrhythmia-notebooks")) / "heartbeat"


def load(folder: str | Path) -> Beats:
    """The two files, or some of their rows, as beats in the order of the recordings."""
    signal, label, _ = read_rows(folder)
    position = published.identify(signal, label)
    order = np.argsort(position)
    position = position[order]
    index = published.load_index()
    before, after = published.rr_intervals(index)
    return Beats(
        signal=signal[order],
        label=label[order],
        record=index["record"][position],
        sample=index["sample"][position],
        rr_before=before[position],
        rr_after=after[position],
        source="kaggle",
        rhythm=rhythm_features(before, after, index["record"])[position],
    )


def read_rows(folder: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (n, 187), labels and membership in ``mitbih_test.csv`` of both files, checked."""
    tables = [_read_table(Path(folder) / name) for name in FILES]
    signal = np.concatenate([table[:, :BEAT_SAMPLES] for table in tables])
    label = np.concatenate([table[:, BEAT_SAMPLES] for table in tables]).astype(np.int64)
    return signal, label, np.repeat([False, True], [len(table) for table in tables])


def _read_table(path: Path) -> np.ndarray:
    """One file as (n, 188) float32, checked."""
    import pandas as pd

    try:
        table = pd.read_csv(path, header=None, dtype=np.float32).to_numpy()
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        reason = (str(error).splitlines() or ["unreadable"])[0][:120]
        raise ValueError(f"{path.name} can't be read: {reason}. {_EXPECTED}") from error
    if table.shape[1] != BEAT_SAMPLES + 1:
        raise ValueError(f"{path.name} has {table.shape[1]} columns instead of 188. {_EXPECTED}")
    values, label = table[:, :BEAT_SAMPLES], table[:, BEAT_SAMPLES]
    for bad, fault in (
        (~np.isfinite(table).all(axis=1), "a value that is missing or not finite"),
        (~np.isin(label, range(5)), "a label that is not 0, 1, 2, 3 or 4"),
        (((values < -1e-6) | (values > 1 + 1e-6)).any(axis=1), "a value outside 0 to 1"),
    ):
        if bad.any():
            raise ValueError(
                f"{path.name} has {fault} in {int(bad.sum())} of {len(table)} rows, the first in "
                f"line {int(np.argmax(bad)) + 1}. {_EXPECTED}"
            )
    return table


_EXPECTED = (
    "The file must have rows of 188 numbers without a header, 187 samples from 0 to 1 and a label "
    f"from 0 to 4, as in https://www.kaggle.com/datasets/{DATASET}; download the file again."
)
