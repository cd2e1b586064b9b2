"""Downloads from a server on this machine that truncates, corrupts, stalls and refuses."""

import hashlib
import os
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from types import SimpleNamespace

import pooch
import pytest

from ecglib.datasets import physionet
from ecglib.labels import MITDB_RECORDS

CONTENT = {f"{n}.dat": bytes([n]) * 200_000 + b"end" for n in range(1, 7)}
REGISTRY = physionet.registry  # the real one


class Server:
    """Serves `files` by name, with the next fault of `faults[name]`, if any."""

    def __init__(self, files):
        self.files, self.faults, self.asked = files, {}, Counter()
        self.gone = threading.Event()
        methods = {"do_GET": lambda request: self.answer(request), "log_message": lambda *_: None}
        handler = type("Handler", (BaseHTTPRequestHandler,), methods)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def answer(self, request):
        name = request.path.lstrip("/")
        self.asked[name] += 1
        fault, content = next(self.faults.get(name, repeat("ok"))), self.files.get(name)
        if fault.isdecimal() or content is None:
            request.send_error(int(fault) if fault.isdecimal() else 404)
            return
        if fault == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        half = len(content) // 2
        request.send_response(200)
        request.send_header("Content-Length", str(half if fault == "short" else len(content)))
        request.end_headers()
        request.wfile.write(content[:half] if fault in ("truncate", "short", "stall") else content)
        if fault == "stall":
            request.wfile.flush()
            self.gone.wait(30)

    def close(self):
        self.gone.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch, cache):
    server = Server(CONTENT)
    registry = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(physionet, "registry", lambda: registry)
    monkeypatch.setattr(physionet, "BASE_URL", server.url)
    monkeypatch.setattr(physionet, "RETRIES", 2)
    monkeypatch.setattr(physionet, "READ_SECONDS", 0.5)
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(physionet, "cache_folder", lambda: tmp_path / "mitdb")
    return tmp_path / "mitdb"


@pytest.fixture
def pauses(monkeypatch):
    """The pauses between tries, noted instead of waited for."""
    noted = []
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=noted.append))
    return noted


def names_of_whole_files(folder):
    """Names of all files, after a check that each is whole and none is temporary."""
    assert all(path.read_bytes() == CONTENT[path.name] for path in folder.iterdir())
    return {path.name for path in folder.iterdir()}


def test_registry_names_the_146_files_of_the_database():
    files = physionet.registry()
    expected = {f"{r}.{suffix}" for r in MITDB_RECORDS for suffix in ("hea", "dat", "atr")}
    assert set(files) == expected | {"RECORDS", "ANNOTATORS"}
    assert all(len(digest) == 64 and int(digest, 16) for digest in files.values())


def test_everything_arrives_without_a_word(server, cache, capsys):
    assert physionet.cached() is None
    assert physionet.download() == cache == physionet.cached()
    assert names_of_whole_files(cache) == set(CONTENT)
    assert set(server.asked.values()) == {1}
    assert capsys.readouterr() == ("", "")  # a bar is for terminals only


def test_keeps_whole_files_and_replaces_damaged_ones(server, cache):
    physionet.download()
    (cache / "3.dat").write_bytes(CONTENT["3.dat"][:-1] + b"?")
    (cache / "5.dat").write_bytes(CONTENT["5.dat"][:100])
    (cache / "6.dat").unlink()
    assert physionet.missing(cache) == ["3.dat", "5.dat", "6.dat"]
    server.asked.clear()
    physionet.download()
    assert server.asked == {"3.dat": 1, "5.dat": 1, "6.dat": 1}
    assert names_of_whole_files(cache) == set(CONTENT)
    server.close()
    assert physionet.download() == cache  # nothing is missing, so the server is not needed


@pytest.mark.parametrize("fault", ["503", "truncate", "short", "corrupt", "stall"])
def test_a_passing_fault_is_survived(server, cache, pauses, fault):
    server.faults = {"2.dat": iter([fault, fault, "ok"]), "4.dat": iter([fault, "ok"])}
    physionet.download()
    assert server.asked["2.dat"] == 3 and server.asked["4.dat"] == 2 and server.asked["1.dat"] == 1
    assert sorted(pauses) == [1, 1, 2]  # seconds, longer before each further try
    assert names_of_whole_files(cache) == set(CONTENT)


@pytest.mark.parametrize(
    ("fault", "words", "tries"),
    [
        ("404", "answered 404", 1),  # will not pass: no second try
        ("503", "answered 503", 3),
        ("truncate", "connection failed or broke off", 3),
        ("short", "SHA-256 differs", 3),
        ("corrupt", "SHA-256 differs", 3),
        ("stall", "stopped answering", 3),
    ],
)
def test_a_lasting_fault_is_explained(server, cache, pauses, fault, words, tries):
    server.faults = {"2.dat": repeat(fault)}
    with pytest.raises(physionet.DownloadError, match=words) as caught:
        physionet.download()
    assert "2.dat" in str(caught.value) and "data/mitdb/" in str(caught.value)
    assert server.asked["2.dat"] == tries
    there = names_of_whole_files(cache)
    server.faults, server.asked = {}, Counter()
    physionet.download()  # goes on where it stopped
    assert set(server.asked) == set(CONTENT) - there >= {"2.dat"}


def test_remains_of_a_killed_download_go(server, cache):
    cache.mkdir()
    old, new, mine = (cache / name for name in ("tmpab3_de9f", "tmpcd3_de9f", "tmp.txt"))
    for path in (old, new, mine):
        path.touch()
    os.utime(old, (1, 1))
    os.utime(mine, (1, 1))
    physionet.download()
    assert not old.exists() and new.exists() and mine.exists()


def test_a_slow_server_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(physionet, "FILE_SECONDS", -1)
    with pytest.raises(physionet.DownloadError, match="took more than"):
        physionet.download()
    assert list(cache.iterdir()) == []


def test_no_server_and_no_folder(server, cache, pauses):
    server.close()
    with pytest.raises(physionet.DownloadError, match="connection failed"):
        physionet.download()
    cache.rmdir()
    cache.touch()
    with pytest.raises(physionet.DownloadError, match="Error"):
        physionet.download()


def test_probe_wants_the_published_file(server, monkeypatch):
    monkeypatch.setattr(physionet, "registry", REGISTRY)
    server.files = {"RECORDS": "".join(f"{name}\n" for name in MITDB_RECORDS).encode()}
    physionet.probe()
    server.files = {"RECORDS": b"<html>Please log in to the guest network</html>"}
    with pytest.raises(physionet.DownloadError, match="another server answers"):
        physionet.probe()
    server.files = {}
    with pytest.raises(physionet.DownloadError, match="404"):
        physionet.probe()


@pytest.mark.data
def test_hashes_are_those_of_the_real_files(mitdb):
    assert physionet.missing(mitdb) == []
