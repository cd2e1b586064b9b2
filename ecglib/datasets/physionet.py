"""The MIT-BIH Arrhythmia Database from PhysioNet, every file checked against its SHA-256.

The project ships the hashes of all 146 files of version 1.0.0, so that a download is either the
whole database or an error. Moody & Mark 2001; Goldberger et al. 2000; licence: Open Data Commons
Attribution 1.0.
"""

import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import pooch
import requests

from ecglib.paths import remove_left

NAME = "PhysioNet"
CONTENT = "the MIT-BIH Arrhythmia Database (92 MB)"
BASE_URL = "https://physionet.org/files/mitdb/1.0.0/"
PROBE_FILE = "RECORDS"  # 192 bytes that show whether the server is there and is PhysioNet
PARALLEL = 4
RETRIES = 3  # after the first try; pooch waits 1, 2, 3 s before them
CONNECT_SECONDS, READ_SECONDS = 5, 20  # without a connection, without a byte
PROBE_SECONDS = 4  # the same for the probe
FILE_SECONDS = 180  # for one file of at most 2 MB, however slowly its bytes arrive
LEFT_SECONDS = 3600  # age from which a temporary file belongs to a killed download

WAYS_OUT = (
    "Run it again later (files that have arrived are kept), or download the database by hand from "
    "https://physionet.org/content/mitdb/1.0.0/ and put its files into data/mitdb/."
)


class DownloadError(RuntimeError):
    """PhysioNet could not be reached or did not serve the published files."""


def registry() -> dict[str, str]:
    """SHA-256 of each of the 146 files by name."""
    lines = Path(__file__).with_name("mitdb.sha256").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def cache_folder() -> Path:
    """Folder of the downloads in the user's cache, one copy for every checkout."""
    return Path(pooch.os_cache("ecg-arrhythmia-notebooks")) / "mitdb-1.0.0"


def cached() -> Path | None:
    """Folder of an earlier, complete download, or None."""
    return None if missing(cache_folder()) else cache_folder()


def missing(folder: Path) -> list[str]:
    """Names of the files that a folder, which need not exist, lacks or holds damaged."""
    files = registry()

    def damaged(name: str) -> bool:
        path = folder / name
        return not path.is_file() or pooch.file_hash(str(path)) != files[name]

    with ThreadPoolExecutor(PARALLEL) as pool:
        return [name for name, bad in zip(files, pool.map(damaged, files), strict=True) if bad]


def download() -> Path:
    """Download the missing and damaged files to the cache; raise `DownloadError` if one fails.

    A file gets its name only after its hash was checked. The first file that fails after all
    retries ends the download; the files that have arrived stay for the next attempt.
    """
    folder = cache_folder()
    wanted = missing(folder)
    if not wanted:
        return folder
    remove_left(folder.glob("tmp????????"), LEFT_SECONDS)  # pooch's, of a killed download
    pooch.get_logger().setLevel("ERROR")  # it would write a line for each of the files
    store = pooch.create(folder, BASE_URL, registry=registry(), retry_if_failed=RETRIES)
    stop, session = Event(), requests.Session()

    def stream(url: str, target: str, _: pooch.Pooch) -> None:
        _stream(session, url, target, stop)

    from tqdm.auto import tqdm

    bar = tqdm(total=len(wanted), unit="file", desc="MIT-BIH", disable=not sys.stderr.isatty())
    with session, bar, ThreadPoolExecutor(PARALLEL) as pool:
        running = {pool.submit(store.fetch, name, downloader=stream): name for name in wanted}
        try:
            for future in as_completed(running):
                if error := future.exception():
                    raise DownloadError(
                        f"{running[future]} of the MIT-BIH database could not be downloaded: "
                        f"{_fault(error, RETRIES + 1)}. {WAYS_OUT}"
                    ) from error
                bar.update()
        finally:  # also after Ctrl-C: no file is started, running ones stop at their next chunk
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return folder


def probe() -> None:
    """Check that PhysioNet answers with the published file; raise `DownloadError` otherwise."""
    try:
        with requests.get(BASE_URL + PROBE_FILE, timeout=PROBE_SECONDS) as answer:
            answer.raise_for_status()
            served = hashlib.sha256(answer.content).hexdigest()
    except requests.RequestException as error:
        raise DownloadError(f"PhysioNet is not in reach: {_fault(error, 1)}. {WAYS_OUT}") from error
    if served != registry()[PROBE_FILE]:  # the login page of a guest network, for example
        raise DownloadError(
            f"PhysioNet is not in reach: another server answers in its place. {WAYS_OUT}"
        )


def _stream(session: requests.Session, url: str, target: str, stop: Event) -> None:
    """Stream one file to its temporary name, which pooch checks and renames."""
    # pooch tries again after errors of requests, but not after a DownloadError.
    if stop.is_set():  # another file has failed while pooch waited to try this one again
        raise DownloadError("the download was stopped")
    deadline = time.monotonic() + FILE_SECONDS
    with session.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
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
    """The cause of a failure, in words."""
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
        return f"the file that arrived is not the published one, its SHA-256 differs{times}"
    return f"{type(error).__name__}: {error}"  # a full disk, a folder that can't be written to
