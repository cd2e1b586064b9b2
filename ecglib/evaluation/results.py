"""Saving and loading a run's results: metrics as JSON, tables as CSV, predictions as NPZ.

Nothing is pickled. ``data`` in every file tells MIT-BIH from synthetic beats.
"""

import json
import math
import zlib
from contextlib import suppress
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from filelock import FileLock

from ecglib.beats.beats import Beats
from ecglib.paths import ROOT, Run, atomic_write, show

DATA_NAME = {False: "MIT-BIH", True: "SYNTHETIC"}
STORED = ("record", "sample", "label", "proba", "data")  # arrays of a predictions file


def save_metrics(run: Run, name: str, values: dict) -> None:
    """Write ``metrics/NAME.json``: the values and ``data``, the origin of the beats.

    Parameters
    ----------
    run : Run
    name : str
        Such as ``"02_knn"``.
    values : dict
        Numbers, strings, lists, arrays, dicts and tables (as lists of rows), nested freely.
        Numbers are rounded to 6 digits; NaN and infinity, which JSON lacks, become null.
    """
    if "data" in values:
        raise ValueError("save_metrics writes 'data' itself; give the value another name.")
    content = {"data": DATA_NAME[run.synthetic]} | _plain(values)
    with atomic_write(run.metrics / f"{name}.json") as path:
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def save_table(run: Run, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Write ``metrics/NAME.csv``, one observation per row, and return the table unchanged.

    A named index becomes a column. The last column, ``data``, is the origin of the beats.
    ``pandas.read_csv`` reads the file without options.
    """
    named = any(level is not None for level in frame.index.names)
    table = (frame.reset_index() if named else frame).assign(data=DATA_NAME[run.synthetic])
    with atomic_write(run.metrics / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format=lambda x: repr(_rounded(x)), encoding="utf-8")
    return frame


def save_predictions(run: Run, model: str, set_name: str, beats: Beats, proba: np.ndarray) -> None:
    """Write ``predictions/MODEL_SET.npz``: the beats, their true classes, the probabilities.

    Parameters
    ----------
    run : Run
    model, set_name : str
        Such as ``"compact"`` and ``"test"``.
    beats : Beats
        The predicted ones.
    proba : ndarray, shape (n, 5)
        In the order of `beats`; stored as float32.
    """
    if len(proba) != len(beats):
        raise ValueError(f"There are {len(proba)} predictions for {len(beats)} beats.")
    with atomic_write(run.predictions / f"{model}_{set_name}.npz") as path, path.open("wb") as file:
        np.savez_compressed(
            file,
            record=beats.record.astype(str),  # never object arrays, which are pickled
            sample=beats.sample,
            label=beats.label,
            proba=np.asarray(proba, dtype=np.float32),
            data=np.array(DATA_NAME[beats.synthetic]),
        )


def load_predictions(run: Run, model: str, set_name: str, beats: Beats) -> dict[str, np.ndarray]:
    """Read the predictions that `save_predictions` wrote for these beats.

    Returns
    -------
    dict of ndarray
        ``record``, ``sample``, ``label``, ``proba``, ``data``.

    Raises
    ------
    FileNotFoundError
        Nothing was saved.
    ValueError
        The file is damaged, or holds other beats: another protocol, seed or source.
    """
    path = run.predictions / f"{model}_{set_name}.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"There are no predictions of {model} for the {set_name} beats in {show(path.parent)}. "
            "Run notebooks 02 and 03 with the same run_dir first, or `python run_all.py`."
        )
    try:
        # NumPy would leave a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values = {name: stored[name] for name in STORED}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{show(path)} is damaged ({type(error).__name__}). Run notebooks 02 and 03 again."
        ) from error
    if not all(np.array_equal(values[n], getattr(beats, n)) for n in ("sample", "record")):
        raise ValueError(
            f"{show(path)} holds predictions for other beats: it was made with another "
            "protocol, seed or source. Run notebooks 02 and 03 again."
        )
    return values


def find_predictions(run: Run, set_name: str, beats: Beats) -> dict[str, dict[str, np.ndarray]]:
    """The stored predictions of every model for exactly these beats.

    Returns
    -------
    dict
        The arrays of `load_predictions` by the model's name. Predictions for other beats, such as
        a sample or another protocol, are skipped.
    """
    found = {}
    for path in sorted(run.predictions.glob(f"*_{set_name}.npz")):
        model = path.stem.removesuffix(f"_{set_name}")
        with suppress(ValueError):
            found[model] = load_predictions(run, model, set_name, beats)
    return found


def read_benchmark(name: str) -> pd.DataFrame | None:
    """``benchmarks/results/NAME.csv``, or None where it does not exist."""
    path = ROOT / "benchmarks" / "results" / f"{name}.csv"
    return pd.read_csv(path) if path.is_file() else None


def keep_benchmark(name: str, table: pd.DataFrame, key: list[str] | None = None) -> pd.DataFrame:
    """Write ``benchmarks/results/NAME.csv`` and return its content.

    With ``key``, columns that identify a row, the file keeps its other rows and is sorted by them.
    """
    path = ROOT / "benchmarks" / "results" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # several benchmarks may run at once
        if key:
            table = pd.concat([read_benchmark(name), table])
            table = table.drop_duplicates(key, keep="last").sort_values(key)
            table = table[[*key, *table.columns.difference(key, sort=False)]]
        with atomic_write(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def model_comparison(protocol: str) -> tuple[pd.DataFrame | None, str]:
    """Scores of all models under a protocol, from earlier runs and benchmarks.

    They come from the run of that protocol (such as ``outputs/patients``), or else from
    ``benchmarks/results/leak.csv``; ``benchmarks/results/PROTOCOL.csv`` adds its models to both.

    Parameters
    ----------
    protocol : str
        ``"kaggle"`` or ``"patients"``.

    Returns
    -------
    table : DataFrame or None
        One row per model: ``model``, ``macro_f1`` and its intervals, as `ec57.headline` computes
        them; None where nothing was found.
    origin : str
        The files that it comes from, or the commands that make them.
    """
    profile = {"kaggle": "quick"}.get(protocol, protocol)
    run, leak, more = Run(f"outputs/{profile}"), read_benchmark("leak"), read_benchmark(protocol)
    tables = {}
    if (own := run.metrics / "04_ladder.csv").is_file():
        tables[show(own)] = pd.read_csv(own)
    elif leak is not None:
        leak = leak[(leak["protocol"] == protocol) & (leak["beats_asked"] == "all")]
        tables["benchmarks/results/leak.csv"] = leak[leak["seed"] == leak["seed"].min()]
    if more is not None and {"model", "macro_f1"} <= set(more):
        tables[f"benchmarks/results/{protocol}.csv"] = more
    tables = {name: table for name, table in tables.items() if len(table)}
    if not tables:
        commands = f"`python run_all.py --profile {profile}` or `python benchmarks/leak.py`"
        return None, f"no results yet; {commands} makes them"
    table = pd.concat(tables.values()).drop_duplicates("model", keep="last")
    return table.sort_values("macro_f1", ignore_index=True), " and ".join(tables)


def _rounded(value: float) -> float:
    """Round to six digits: after the point for large numbers, significant ones for small."""
    value = float(value)  # a NumPy number would be written as np.float64(...)
    return round(value, 6) if abs(value) >= 1 else float(f"{value:.6g}")


def _plain(value):
    """Values in the types of JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, pd.DataFrame):
        return _plain(value.to_dict("records"))
    if isinstance(value, (np.ndarray, np.generic, pd.Series)):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return _rounded(float(value)) if math.isfinite(value) else None
    return value  # str, int, bool, None; json refuses anything else
