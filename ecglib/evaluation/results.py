"""What a run writes down: metrics as JSON, tables as CSV, predictions as NPZ, all without pickle.

Every file says in ``data`` whether it comes from the MIT-BIH recordings or from synthetic beats.
"""

import json
import math
import zlib
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from filelock import FileLock

from ecglib.beats.beats import Beats
from ecglib.paths import ROOT, Run, atomic_write, show

DATA_NAME = {False: "MIT-BIH", True: "SYNTHETIC"}
STORED = ("record", "sample", "label", "proba", "data")  # arrays of a file of predictions


def save_metrics(run: Run, name: str, values: dict, synthetic: bool) -> None:
    """Write ``metrics/NAME.json``: the values, and ``data``, which says what they come from.

    Parameters
    ----------
    run : Run
    name : str
        Such as ``"02_knn"``.
    values : dict
        Numbers, strings, lists, arrays, dicts and tables (as lists of rows), nested at will.
        Numbers are rounded to 6 digits; NaN and infinity, which JSON does not know, become null.
    synthetic : bool
        Whether the beats were synthetic.
    """
    if "data" in values:
        raise ValueError("'data' is written by save_metrics itself; give the value another name.")
    content = {"data": DATA_NAME[bool(synthetic)]} | _plain(values)
    with atomic_write(run.metrics / f"{name}.json") as path:
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def save_table(run: Run, name: str, frame: pd.DataFrame, synthetic: bool) -> pd.DataFrame:
    """Write ``metrics/NAME.csv``, one observation a row, and return the table as it was given.

    A named index becomes a column. The last column, ``data``, says what the numbers come from;
    ``pandas.read_csv`` reads the file without options.
    """
    named = any(level is not None for level in frame.index.names)
    table = (frame.reset_index() if named else frame).assign(data=DATA_NAME[bool(synthetic)])
    with atomic_write(run.metrics / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format=lambda x: repr(_rounded(x)), encoding="utf-8")
    return frame


def save_predictions(
    run: Run, model: str, part: str, beats: Beats, index: np.ndarray, proba: np.ndarray
) -> None:
    """Write ``predictions/MODEL_PART.npz``: which beats, their true class, the probabilities.

    Parameters
    ----------
    run : Run
    model, part : str
        Such as ``"compact"`` and ``"test"``.
    beats : Beats
        All beats.
    index : ndarray, shape (n,)
        Positions in `beats` of the predicted ones.
    proba : ndarray, shape (n, 5)
        In the order of `index`; kept as float32.
    """
    predicted = beats[index]
    if len(proba) != len(predicted):
        raise ValueError(f"There are {len(proba)} predictions for {len(predicted)} beats.")
    with atomic_write(run.predictions / f"{model}_{part}.npz") as path, path.open("wb") as file:
        np.savez_compressed(
            file,
            record=predicted.record.astype(str),  # never object arrays, which are pickled
            sample=predicted.sample,
            label=predicted.label,
            proba=np.asarray(proba, dtype=np.float32),
            data=np.array(DATA_NAME[beats.synthetic]),
        )


def load_predictions(
    run: Run,
    model: str,
    part: str,
    beats: Beats | None = None,
    index: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Read what `save_predictions` wrote.

    Parameters
    ----------
    run, model, part
        As they were saved.
    beats, index : optional
        Given, the stored predictions must be those of ``beats[index]``, in that order.

    Returns
    -------
    dict of ndarray
        ``record``, ``sample``, ``label``, ``proba``, ``data``.

    Raises
    ------
    FileNotFoundError
        Nothing was saved.
    ValueError
        The file is damaged, or of other beats: another protocol, seed or source.
    """
    path = run.predictions / f"{model}_{part}.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"There are no predictions of {model} for the {part} beats in {show(path.parent)}. "
            "Run notebooks 02 and 03 with the same run_dir first, or `python run_all.py`."
        )
    try:
        # NumPy would not close a file that it finds damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values = {name: stored[name] for name in STORED}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{show(path)} is damaged ({type(error).__name__}). Run notebooks 02 and 03 again."
        ) from error
    if beats is not None:
        expected = beats[index] if index is not None else beats
        if not (
            np.array_equal(values["sample"], expected.sample)
            and np.array_equal(values["record"], expected.record)
        ):
            raise ValueError(
                f"{show(path)} holds predictions for other beats than these: it was made with "
                "another protocol, seed or source. Run notebooks 02 and 03 again."
            )
    return values


def find_predictions(
    run: Run, part: str, beats: Beats, index: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """The stored predictions of every model that was asked about these very beats.

    Parameters
    ----------
    run, part, beats, index
        As in `load_predictions`.

    Returns
    -------
    dict
        What `load_predictions` returns, by the model's name; predictions of other beats, such as
        those of a sample or of another protocol, are passed over.
    """
    found = {}
    for path in sorted(run.predictions.glob(f"*_{part}.npz")):
        model = path.stem.removesuffix(f"_{part}")
        try:
            found[model] = load_predictions(run, model, part, beats, index)
        except ValueError:
            continue
    return found


def read_benchmark(name: str) -> pd.DataFrame | None:
    """``benchmarks/results/NAME.csv``, or None where it has not been made."""
    path = ROOT / "benchmarks" / "results" / f"{name}.csv"
    return pd.read_csv(path) if path.is_file() else None


def keep_benchmark(name: str, table: pd.DataFrame, key: list[str] | None = None) -> pd.DataFrame:
    """Write ``benchmarks/results/NAME.csv``, or add lines to it in place of those they repeat.

    Parameters
    ----------
    name : str
    table : DataFrame
        The new lines.
    key : list of str, optional
        Columns that tell lines apart; they come first, and lines are sorted by them. Without them
        the new lines are all there is.

    Returns
    -------
    DataFrame
        All lines.
    """
    path = ROOT / "benchmarks" / "results" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # several may be measuring side by side
        if key:
            table = pd.concat([read_benchmark(name), table])
            table = table.drop_duplicates(key, keep="last").sort_values(key)
            table = table[[*key, *table.columns.difference(key, sort=False)]]
        with atomic_write(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def ladder_of(protocol: str) -> tuple[pd.DataFrame | None, str]:
    """What earlier runs and benchmarks found under a protocol, as `ec57.headline` counts.

    Looked for are the ladder of the run of that protocol (``outputs/patients``), or else the lines
    of ``benchmarks/results/leak.csv``; ``benchmarks/results/PROTOCOL.csv`` adds its models to both.

    Parameters
    ----------
    protocol : str
        ``"kaggle"`` or ``"patients"``.

    Returns
    -------
    table : DataFrame or None
        One row a model: ``model``, ``macro_f1`` and its intervals; None where nothing is there.
    origin : str
        Which files it comes from, or how to make them.
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
        return None, f"no file yet: {commands} makes one"
    table = pd.concat(tables.values()).drop_duplicates("model", keep="last")
    return table.sort_values("macro_f1", ignore_index=True), " and ".join(tables)


def _rounded(value: float) -> float:
    """Six digits: after the point for large numbers, significant ones for small."""
    value = float(value)  # a NumPy number would be written as np.float64(...)
    return round(value, 6) if abs(value) >= 1 else float(f"{value:.6g}")


def _plain(value):
    """Values as JSON knows them."""
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
