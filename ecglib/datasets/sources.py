"""Where the beats come from: the ladder from a local folder to PhysioNet, Kaggle and synthetic.

``auto`` takes the first rung that holds; a source named explicitly never falls back to another.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecglib.datasets import kaggle, physionet, synthetic
from ecglib.labels import MITDB_RECORDS
from ecglib.paths import ROOT, given, sha256

SOURCES = ("auto", "folder", "physionet", "kaggle", "synthetic")
SUFFIXES = (".hea", ".dat", ".atr")
PROBE_SECONDS = 6  # PhysioNet and Kaggle each get this long to show that they are in reach

WAYS_OUT = (
    "Ways to the real data: connect to the internet and run again (PhysioNet needs no account); "
    "or put the files of https://physionet.org/content/mitdb/1.0.0/ into data/mitdb/; "
    "or set ECG_DATA to a folder that holds mitdb/."
)


class DataSourceError(RuntimeError):
    """The data asked for is not in reach; the message says what was tried and the ways out."""


@dataclass(frozen=True)
class Located:
    """A source that holds what it promises.

    Attributes
    ----------
    source : {"folder", "physionet", "kaggle", "synthetic"}
    folder : Path
        Of the WFDB records, or of ``mitbih_train.csv`` and ``mitbih_test.csv`` for ``kaggle``.
    where : str
        The folder in words that name neither the user nor the machine.
    skipped : tuple of str
        Why each rung before this one was passed over, where there was something to say.
    """

    source: str
    folder: Path
    where: str
    skipped: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people: what the data is, where it lies, and what was passed over."""
        if self.source == "synthetic":
            tried = f" ({'; '.join(self.skipped)})" if self.skipped else ""
            line = f"SYNTHETIC beats from {self.where}, not recorded from people{tried}."
            return f"{line} {WAYS_OUT}"
        if self.source == "kaggle":
            line = f"Kaggle's heartbeat rows from {self.where}."
        else:
            names = {path.stem for path in self.folder.glob("*.atr")}
            if set(MITDB_RECORDS) <= names:
                what = "MIT-BIH Arrhythmia Database, 48 records,"
            elif names <= set(MITDB_RECORDS):
                what = f"Only {len(names)} of the 48 records of the MIT-BIH Arrhythmia Database"
            else:
                what = f"{len(names)} annotated record{'s' * (len(names) != 1)} of your own"
            line = f"{what} from {self.where}."
        return " ".join([line, *(f"Passed over: {reason}." for reason in self.skipped)])

    def checksum(self) -> str:
        """SHA-256 over the names and contents of the data files: equal data, equal digest."""
        if self.source == "kaggle":
            files = [self.folder / name for name in kaggle.FILES]
        else:
            files = sorted(p for p in self.folder.iterdir() if p.suffix in SUFFIXES)
        total = hashlib.sha256()
        for path in files:
            total.update(f"{sha256(path)}  {path.name}\n".encode())
        return total.hexdigest()


def locate(source: str = "auto", root: str | Path | None = None) -> Located:
    """Find the data of a source.

    Parameters
    ----------
    source : {"auto", "folder", "physionet", "kaggle", "synthetic"}
        ``auto`` looks at ``root``, ``$ECG_DATA``, ``data/`` and ``../shared`` of the project, the
        user's cache, PhysioNet, Kaggle, and at last makes synthetic records. ``folder`` looks at
        the first four only, ``kaggle`` at the CSV files there and then at Kaggle.
    root : str or Path, optional
        A folder of annotated WFDB records, which need not be MIT-BIH's; or one that holds them as
        ``mitdb/``; or one with Kaggle's two CSV files. If it is given, nothing else will do.

    Returns
    -------
    Located

    Raises
    ------
    DataSourceError
        What was asked for is not in reach.
    ValueError
        There is no such source, or it has no use for a root.
    """
    if source not in SOURCES:
        raise ValueError(f"There is no source '{source}'. Choose from {', '.join(SOURCES)}.")
    if root and source in ("physionet", "synthetic"):
        raise ValueError(
            f"source='{source}' takes its files from elsewhere and would ignore the root given. "
            "Use source='folder' with it, or leave it out."
        )
    skipped: list[str] = []
    if source in ("auto", "folder", "kaggle"):
        if found := _local(source, root, skipped):
            return found
        if root or source == "folder":
            raise DataSourceError(
                f"No usable data: {'; '.join(skipped)}. What is needed are annotated WFDB records "
                "(.hea, .dat and .atr of each) or, for Kaggle's rows, "
                f"{' and '.join(kaggle.FILES)}. {WAYS_OUT}"
            )
    if source in ("auto", "physionet", "kaggle") and (found := _cached(source, skipped)):
        return found
    rungs = {"physionet": _physionet, "kaggle": _kaggle}
    for name in rungs if source == "auto" else {source} & rungs.keys():
        try:
            return rungs[name](source == "auto", skipped)
        except (physionet.DownloadError, kaggle.KaggleError) as error:
            if source != "auto":
                raise DataSourceError("; ".join([*skipped, str(error)])) from error
            skipped.append(str(error).split(". ")[0])
    where = "a generator with seed 0"
    return Located("synthetic", synthetic.cached(seed=0), where, tuple(skipped))


def _local(source: str, root: str | Path | None, skipped: list[str]) -> Located | None:
    """The first local folder that holds records or, for auto and kaggle, the two CSV files."""
    data = os.environ.get("ECG_DATA")
    if root:
        places = {_name(given(root)): given(root)}
    else:
        places = {"$ECG_DATA": given(data)} if data else {}
        places |= {"data": ROOT / "data", "../shared": ROOT.parent / "shared"}
    for name, place in places.items():
        if not place.is_dir():
            if root or name == "$ECG_DATA":
                skipped.append(f"{name} is not a folder")
            continue
        before = len(skipped)
        for kind, sub, look in (
            ("folder", "mitdb", _records),
            ("folder", "", _records),
            ("kaggle", "", _csv_files),
            ("kaggle", "kaggle", _csv_files),
        ):
            folder = place / sub
            if source not in ("auto", kind) or not folder.is_dir():
                continue
            where = f"{name}/{sub}".rstrip("/")
            problem = look(folder, own=bool(root))
            if problem is None:
                return Located(kind, folder, where, tuple(skipped))
            if problem:
                skipped.append(f"{where} {problem}")
        if len(skipped) == before and (root or name == "$ECG_DATA"):
            skipped.append(f"{name} holds none")
    if not skipped and source != "auto":
        skipped.append(f"{', '.join(places)} hold none")
    return None


def _records(folder: Path, own: bool) -> str | None:
    """What is wrong with the records in a folder: None if nothing, "" if there are none.

    Folders found along the way must hold the whole of MIT-BIH; one that the user named may hold
    any annotated records, but no half ones.
    """
    files = {path.name for path in folder.iterdir() if path.suffix in SUFFIXES}
    stems = {Path(name).stem for name in files}
    annotated = sorted(s for s in stems if f"{s}.hea" in files and f"{s}.atr" in files)
    known = stems.intersection(MITDB_RECORDS)
    lacking = [s + suffix for s in sorted(known) for suffix in SUFFIXES if s + suffix not in files]
    if lacking:
        return f"is incomplete ({len(lacking)} files are missing, {lacking[0]} for one)"
    if own:
        return None if annotated else "has records without annotations (.atr)" if stems else ""
    if known and len(known) < len(MITDB_RECORDS):
        return f"is incomplete ({len(known)} of the {len(MITDB_RECORDS)} MIT-BIH records are there)"
    return None if known else ""


def _csv_files(folder: Path, own: bool) -> str | None:
    """As ``_records``, for Kaggle's two files; whose folder it is makes no difference."""
    absent = [name for name in kaggle.FILES if not (folder / name).is_file()]
    if len(absent) == 1:
        return f"is incomplete ({absent[0]} is missing)"
    return "" if absent else None


def _cached(source: str, skipped: list[str]) -> Located | None:
    """What earlier runs have downloaded, whole and unchanged."""
    if source in ("auto", "physionet") and not physionet.missing(physionet.cache_folder()):
        return Located("physionet", physionet.cache_folder(), "your cache", tuple(skipped))
    if source in ("auto", "kaggle") and (folder := kaggle.cached()):
        return Located("kaggle", folder, "your cache", tuple(skipped))
    return None


def _physionet(unsure: bool, skipped: list[str]) -> Located:
    if unsure:
        _within(PROBE_SECONDS, physionet.probe, physionet.DownloadError("PhysioNet doesn't answer"))
    print("Downloading the MIT-BIH Arrhythmia Database (92 MB) from PhysioNet to your cache ...")
    return Located("physionet", physionet.fetch(), "PhysioNet, now in your cache", tuple(skipped))


def _kaggle(unsure: bool, skipped: list[str]) -> Located:
    if unsure:
        _within(PROBE_SECONDS, kaggle.probe, kaggle.KaggleError("Kaggle doesn't answer"))
    print("Downloading shayanfazeli/heartbeat (about 100 MB) from Kaggle to your cache ...")
    return Located("kaggle", kaggle.download(), "Kaggle, now in your cache", tuple(skipped))


def _within(seconds: float, probe: Callable[[], None], late: Exception) -> None:
    """Run a probe, but wait no longer than this: looking up a name can outlast every timeout."""
    outcome: list[Exception | None] = []

    def run() -> None:
        try:
            probe()
            outcome.append(None)
        except Exception as error:  # handed to the thread that waits
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise late
    if outcome[0] is not None:
        raise outcome[0]


def _name(folder: Path) -> str:
    """A folder in words that name neither the user nor the machine."""
    for base, prefix in ((ROOT, ""), (ROOT.parent, "../")):
        if folder.absolute().is_relative_to(base):
            return prefix + folder.absolute().relative_to(base).as_posix()
    return f"the folder given ({folder.name})"
