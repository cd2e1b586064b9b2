"""The source of the beats: a local folder, the cache, PhysioNet, Kaggle or synthetic recordings.

``auto`` takes the first that has data; a source named explicitly never falls back to another.
"""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ecglib.datasets import kaggle, physionet, synthetic
from ecglib.labels import MITDB_RECORDS
from ecglib.paths import ROOT, given, sha256

SOURCES = ("auto", "folder", "physionet", "kaggle", "synthetic")
DOWNLOADS = {"physionet": physionet, "kaggle": kaggle}
SUFFIXES = (".hea", ".dat", ".atr")
PROBE_SECONDS = 6  # for each of PhysioNet and Kaggle to answer

WAYS_OUT = (
    "Ways to the real data: connect to the internet and run again (PhysioNet needs no account); "
    "or put the files of https://physionet.org/content/mitdb/1.0.0/ into data/mitdb/; "
    "or set ECG_DATA to a folder that holds mitdb/."
)


class DataSourceError(RuntimeError):
    """The data are not in reach; the message lists the places tried and the ways out."""


@dataclass(frozen=True)
class Located:
    """A source whose data are complete."""

    source: str  # "folder", "physionet", "kaggle" or "synthetic"
    folder: Path  # of the WFDB records, or of Kaggle's two CSV files
    where: str  # the folder in words that name neither the user nor the machine
    skipped: tuple[str, ...] = ()  # why earlier places were passed over

    def describe(self) -> str:
        """One line about the data, their place, and the places that were passed over."""
        if self.source == "synthetic":
            tried = f" ({'; '.join(self.skipped)})" if self.skipped else ""
            line = f"SYNTHETIC beats from {self.where}, not recorded from people{tried}."
            return f"{line} {WAYS_OUT}"
        names = {path.stem for path in self.folder.glob("*.atr")}
        if self.source == "kaggle":
            data = "Kaggle's heartbeat rows"
        elif set(MITDB_RECORDS) <= names:
            data = "MIT-BIH Arrhythmia Database, 48 records,"
        elif names <= set(MITDB_RECORDS):
            data = f"Only {len(names)} of the 48 records of the MIT-BIH Arrhythmia Database"
        else:
            data = f"{len(names)} annotated record{'s' * (len(names) != 1)} of your own"
        reasons = (f"Passed over: {reason}." for reason in self.skipped)
        return " ".join([f"{data} from {self.where}.", *reasons])

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
    """Find the data of a source, as `load_beats` describes; raise `DataSourceError` without."""
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
                f"No usable data: {'; '.join(skipped)}. Needed are annotated WFDB records "
                "(.hea, .dat and .atr of each) or, for Kaggle's rows, "
                f"{' and '.join(kaggle.FILES)}. {WAYS_OUT}"
            )
    downloads = {name: DOWNLOADS[name] for name in DOWNLOADS if source in ("auto", name)}
    for name, site in downloads.items():
        if folder := site.cached():
            return Located(name, folder, "your cache", tuple(skipped))
    for name, site in downloads.items():
        try:
            if source == "auto":
                _probe(site)
            print(f"Downloading {site.CONTENT} from {site.NAME} to your cache ...")
            where = f"{site.NAME}, now in your cache"
            return Located(name, site.download(), where, tuple(skipped))
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
        before = len(skipped)
        for kind, sub, check in (
            ("folder", "mitdb", _records),
            ("folder", "", _records),
            ("kaggle", "", _csv_files),
            ("kaggle", "kaggle", _csv_files),
        ):
            folder, where = place / sub, f"{name}/{sub}".rstrip("/")
            if source in ("auto", kind) and folder.is_dir():
                problem = check(folder, own=bool(root))
                if problem is None:
                    return Located(kind, folder, where, tuple(skipped))
                if problem:
                    skipped.append(f"{where} {problem}")
        if len(skipped) == before and (root or name == "$ECG_DATA"):
            skipped.append(f"{name} {'holds no data' if place.is_dir() else 'is not a folder'}")
    if not skipped and source != "auto":
        skipped.append(f"{', '.join(places)} hold no data")
    return None


def _records(folder: Path, own: bool) -> str | None:
    """The fault of the records in a folder: None for a usable folder, "" without any records."""
    # A folder that the user named may hold any annotated records, others must hold all of MIT-BIH.
    files = {path.name for path in folder.iterdir() if path.suffix in SUFFIXES}
    stems = {Path(name).stem for name in files}
    annotated = any(f"{s}.hea" in files and f"{s}.atr" in files for s in stems)
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
    """The same of Kaggle's two files, in any folder."""
    absent = [name for name in kaggle.FILES if not (folder / name).is_file()]
    if len(absent) == 1:
        return f"is incomplete ({absent[0]} is missing)"
    return "" if absent else None


def _probe(site: ModuleType) -> None:
    """Probe a site, but only for a limited time: a name lookup can outlast every timeout."""
    outcome: list[Exception | None] = []

    def run() -> None:
        try:
            site.probe()
            outcome.append(None)
        except Exception as error:  # handed to the waiting thread
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    late = physionet.DownloadError(f"{site.NAME} doesn't answer")
    if error := outcome[0] if outcome else late:
        raise error


def _name(folder: Path) -> str:
    """A folder in words that name neither the user nor the machine."""
    for base, prefix in ((ROOT, ""), (ROOT.parent, "../")):
        if folder.absolute().is_relative_to(base):
            return prefix + folder.absolute().relative_to(base).as_posix()
    return f"the folder given ({folder.name})"
