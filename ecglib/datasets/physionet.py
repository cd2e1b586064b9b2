"""The MIT-BIH Arrhythmia Database from PhysioNet, every file checked against its SHA-256.

The project ships the hashes of all 146 files of version 1.0.0, so that what arrives is either the
database or an error. Moody & Mark 2001; Goldberger et al. 2000; Open Data Commons Attribution 1.0.
"""

import hashlib
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import pooch
import requests

from ecglib.paths import remove_left

BASE_URL = "https://physionet.org/files/mitdb/1.0.0/"
PROBE_FILE = "RECORDS"  # 192 bytes that tell whether the server is there and is the right one
PARALLEL = 4
RETRIES = 3  # after the first try; pooch waits 1, 2, 3 s before them
CONNECT_SECONDS, READ_SECONDS = 5, 20  # without a connection, without a byte
PROBE_SECONDS = 4  # the same for the probe
FILE_SECONDS = 180  # for one file of at most 2 MB, however steadily it drips
LEFT_SECONDS = 3600  # after which a temporary file belongs to nobody any more

WAYS_OUT = (
    "Run it again later (what has arrived is kept), or download the database by hand from "
    "https://physionet.org/content/mitdb/1.0.0/ and put its files into data/mitdb/."
)


class DownloadError(RuntimeError):
    """PhysioNet could not be reached or did not serve the published files."""


def registry() -> dict[str, str]:
    """SHA-256 of each of the 146 files by name."""
    lines = Path(__file__).with_name("mitdb.sha256").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def cache_folder() -> Path:
    """Where downloads are kept: in the user's cache, one copy for every checkout."""
    return Path(pooch.os_cache("ecg-arrhythmia-notebooks")) / "mitdb-1.0.0"


def missing(folder: str | Path, files: Mapping[str, str] | None = None) -> list[str]:
    """Names of the files that a folder lacks or holds damaged.

    Parameters
    ----------
    folder : str or Path
        Need not exist.
    files : mapping of str to str, optional
        SHA-256 by file name; the whole database by default.
    """
    folder = Path(folder)
    files = registry() if files is None else files

    def damaged(name: str) -> bool:
        path = folder / name
        return not path.is_file() or pooch.file_hash(str(path)) != files[name]

    with ThreadPoolExecutor(PARALLEL) as pool:
        return [name for name, bad in zip(files, pool.map(damaged, files), strict=True) if bad]


def fetch(
    folder: str | Path | None = None,
    base_url: str | None = None,
    files: Mapping[str, str] | None = None,
    retries: int = RETRIES,
    read_seconds: float = READ_SECONDS,
) -> Path:
    """Download what is missing or damaged in a folder; whole files are kept as they are.

    A file gets its name only after its hash was checked. The first file that can't be had after
    all retries ends the download; what has arrived by then stays for the next attempt.

    Parameters
    ----------
    folder : str or Path, optional
        The user's cache by default.
    base_url : str, optional
        Ends in ``/``; PhysioNet by default.
    files : mapping of str to str, optional
        SHA-256 by file name; the whole database by default.
    retries : int
        Further tries for a file after a fault that may pass, with growing pauses between.
    read_seconds : float
        How long the server may send nothing.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DownloadError
        Names the file, the fault and what to do.
    """
    folder = cache_folder() if folder is None else Path(folder)
    files = registry() if files is None else dict(files)
    wanted = missing(folder, files)
    if not wanted:
        return folder
    remove_left(folder.glob("tmp????????"), LEFT_SECONDS)  # pooch's, of a killed download
    pooch.get_logger().setLevel("ERROR")  # it would write a line for each of the files
    store = pooch.create(
        folder, base_url=base_url or BASE_URL, registry=files, retry_if_failed=retries
    )
    stop, session = Event(), requests.Session()

    def download(url: str, target: str, _: pooch.Pooch) -> None:
        _download(session, url, target, read_seconds, stop)

    from tqdm.auto import tqdm

    bar = tqdm(total=len(wanted), unit="file", desc="MIT-BIH", disable=not sys.stderr.isatty())
    with session, bar, ThreadPoolExecutor(PARALLEL) as pool:
        running = {pool.submit(store.fetch, name, downloader=download): name for name in wanted}
        try:
            for future in as_completed(running):
                if error := future.exception():
                    raise DownloadError(
                        f"{running[future]} of the MIT-BIH database could not be downloaded: "
                        f"{_fault(error, retries + 1)}. {WAYS_OUT}"
                    ) from error
                bar.update()
        finally:  # after Ctrl-C too: nothing new starts, what is running stops at its next chunk
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return folder


def probe(base_url: str | None = None) -> None:
    """Check that PhysioNet answers, and that it is PhysioNet; nothing is written.

    Raises
    ------
    DownloadError
        No answer, or another one than the published file: a login page of a guest network, say.
    """
    url = (base_url or BASE_URL) + PROBE_FILE
    try:
        with requests.get(url, timeout=PROBE_SECONDS) as answer:
            answer.raise_for_status()
            served = hashlib.sha256(answer.content).hexdigest()
    except requests.RequestException as error:
        raise DownloadError(f"PhysioNet is not in reach: {_fault(error, 1)}. {WAYS_OUT}") from error
    if served != registry()[PROBE_FILE]:
        raise DownloadError(f"PhysioNet is not in reach: something else answers there. {WAYS_OUT}")


def _download(
    session: requests.Session, url: str, target: str, read_seconds: float, stop: Event
) -> None:
    """Stream one file to its temporary name; pooch checks it, renames it, and tries again after
    requests' own errors, but not after a ``DownloadError``."""
    if stop.is_set():  # another file has failed while pooch waited to try this one again
        raise DownloadError("the download was stopped")
    deadline = time.monotonic() + FILE_SECONDS
    with session.get(url, stream=True, timeout=(CONNECT_SECONDS, read_seconds)) as answer:
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            raise DownloadError(f"the server answered {answer.status_code} {answer.reason}")
        answer.raise_for_status()
        with open(target, "wb") as file:
            for chunk in answer.iter_content(1 << 16):
                if stop.is_set():
                    raise DownloadError("the download was stopped")
                if time.monotonic() > deadline:
                    raise DownloadError(f"it took more than {FILE_SECONDS} s")
                file.write(chunk)


def _fault(error: BaseException, tries: int) -> str:
    """What went wrong, in words."""
    times = f" ({tries} tries)" if tries > 1 else ""
    if isinstance(error, DownloadError):
        return str(error)
    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code} {error.response.reason}{times}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"the server stopped answering{times}"
    if isinstance(error, requests.RequestException):
        return f"the connection failed or broke off{times}"
    if isinstance(error, ValueError):  # pooch: the hash does not match
        return f"what arrived is not the published file, its SHA-256 differs{times}"
    return f"{type(error).__name__}: {error}"  # a full disk, a folder that can't be written to
