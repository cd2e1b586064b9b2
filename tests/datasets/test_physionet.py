"""Downloads from a server on this machine that truncates, corrupts, stalls and refuses."""

import hashlib
import os
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pooch
import pytest

from ecglib.datasets import physionet
from ecglib.labels import MITDB_RECORDS

CONTENT = {f"{n}.dat": bytes([n]) * 200_000 + b"end" for n in range(1, 7)}
REGISTRY = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


class Server:
    """Serves `files` (bytes, or paths to read) and misbehaves as told in `faults`.

    `faults[name]` is a list with a fault for each request in turn; after the last, or with an
    "ok", the file is served properly. `faults[name] = [..., "always"]` repeats the one before.
    """

    def __init__(self, files):
        self.files, self.faults, self.asked = files, {}, Counter()
        self.gone = threading.Event()
        self.lock = threading.Lock()
        self.active = self.most_active = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with server.lock:
                    server.active += 1
                    server.most_active = max(server.most_active, server.active)
                try:
                    server.answer(self, self.path.lstrip("/"))
                finally:
                    with server.lock:
                        server.active -= 1

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def next_fault(self, name):
        with self.lock:
            turn = self.asked[name]
            self.asked[name] += 1
        faults = self.faults.get(name, [])
        if faults[-1:] == ["always"]:
            return faults[min(turn, len(faults) - 2)]
        return faults[turn] if turn < len(faults) else "ok"

    def answer(self, request, name):
        fault = self.next_fault(name)
        content = self.files.get(name)
        if fault in ("404", "503") or content is None:
            request.send_error(int(fault) if fault.isdecimal() else 404)
            return
        if not isinstance(content, bytes):
            content = content.read_bytes()
        length = len(content)
        if fault == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fault == "short":
            length //= 2
        request.send_response(200)
        request.send_header("Content-Length", str(length))
        request.end_headers()
        half = fault in ("truncate", "short", "stall")
        request.wfile.write(content[: len(content) // 2] if half else content)
        if fault == "stall":
            request.wfile.flush()
            self.gone.wait(30)

    def close(self):
        self.gone.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server():
    server = Server(CONTENT)
    yield server
    server.close()


@pytest.fixture
def pauses(monkeypatch):
    """The pauses between tries, noted instead of waited for."""
    noted = []
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=noted.append))
    return noted


def fetch(server, folder, **options):
    options = {"files": REGISTRY, "retries": 2, "read_seconds": 0.5} | options
    return physionet.fetch(folder, server.url, **options)


def assert_nothing_torn(folder):
    """Under their final names there are whole files only, and nothing temporary is left."""
    for path in folder.iterdir():
        assert path.read_bytes() == CONTENT[path.name]


def test_registry_names_the_146_files_of_the_database():
    files = physionet.registry()
    expected = {f"{r}.{suffix}" for r in MITDB_RECORDS for suffix in ("hea", "dat", "atr")}
    assert set(files) == expected | {"RECORDS", "ANNOTATORS"}
    assert len(files) == 146
    assert all(len(digest) == 64 and int(digest, 16) for digest in files.values())


@pytest.mark.data
def test_hashes_are_those_of_the_real_files(mitdb):
    assert physionet.missing(mitdb) == []


def test_fetches_everything_four_at_a_time(server, tmp_path):
    folder = fetch(server, tmp_path / "new" / "mitdb")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == CONTENT
    assert server.most_active <= physionet.PARALLEL == 4
    assert set(server.asked.values()) == {1}


def test_keeps_whole_files_and_replaces_damaged_ones(server, tmp_path):
    fetch(server, tmp_path)
    (tmp_path / "3.dat").write_bytes(CONTENT["3.dat"][:-1] + b"?")
    (tmp_path / "5.dat").write_bytes(CONTENT["5.dat"][:100])
    (tmp_path / "6.dat").unlink()
    assert physionet.missing(tmp_path, REGISTRY) == ["3.dat", "5.dat", "6.dat"]
    server.asked.clear()
    fetch(server, tmp_path)
    assert server.asked == {"3.dat": 1, "5.dat": 1, "6.dat": 1}
    assert_nothing_torn(tmp_path)


def test_asks_nobody_when_nothing_is_missing(server, tmp_path):
    fetch(server, tmp_path)
    server.close()
    assert fetch(server, tmp_path) == tmp_path


@pytest.mark.parametrize("fault", ["503", "truncate", "short", "corrupt", "stall"])
def test_a_fault_that_passes_is_survived(server, tmp_path, pauses, fault):
    server.faults = {"2.dat": [fault, fault], "4.dat": [fault]}
    fetch(server, tmp_path)
    assert server.asked["2.dat"] == 3 and server.asked["4.dat"] == 2 and server.asked["1.dat"] == 1
    assert sorted(pauses) == [1, 1, 2]  # seconds, longer before each further try
    assert len(list(tmp_path.iterdir())) == len(CONTENT)
    assert_nothing_torn(tmp_path)


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
def test_a_fault_that_stays_is_explained(server, tmp_path, pauses, fault, words, tries):
    server.faults = {"2.dat": [fault, "always"]}
    with pytest.raises(physionet.DownloadError, match=words) as caught:
        fetch(server, tmp_path)
    assert "2.dat" in str(caught.value) and "data/mitdb/" in str(caught.value)
    assert server.asked["2.dat"] == tries
    assert not (tmp_path / "2.dat").exists()
    assert_nothing_torn(tmp_path)


def test_goes_on_where_it_stopped(server, tmp_path, pauses):
    server.faults = {"6.dat": ["404", "always"]}
    with pytest.raises(physionet.DownloadError):
        fetch(server, tmp_path)
    there = {p.name for p in tmp_path.iterdir()}
    server.faults, server.asked = {}, Counter()
    fetch(server, tmp_path)
    assert set(server.asked) == set(CONTENT) - there


def test_what_a_killed_download_has_left_goes(server, tmp_path):
    old, new, mine = (tmp_path / name for name in ("tmpab3_de9f", "tmpcd3_de9f", "tmp.txt"))
    for path in (old, new, mine):
        path.touch()
    os.utime(old, (1, 1))
    os.utime(mine, (1, 1))
    fetch(server, tmp_path)
    assert not old.exists() and new.exists() and mine.exists()


def test_a_dripping_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(physionet, "FILE_SECONDS", -1)
    with pytest.raises(physionet.DownloadError, match="took more than"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_server_at_all(server, tmp_path, pauses):
    server.close()
    with pytest.raises(physionet.DownloadError, match="connection failed"):
        fetch(server, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(physionet.DownloadError, match="Error"):
        fetch(server, tmp_path / "file" / "mitdb")


def test_bar_only_on_a_terminal(server, tmp_path, capsys):
    fetch(server, tmp_path)
    assert capsys.readouterr() == ("", "")


def test_probe_wants_the_published_file(server):
    server.files = {"RECORDS": "".join(f"{name}\n" for name in MITDB_RECORDS).encode()}
    physionet.probe(server.url)
    server.files = {"RECORDS": b"<html>Please log in to the guest network</html>"}
    with pytest.raises(physionet.DownloadError, match="something else answers"):
        physionet.probe(server.url)
    server.files = {}
    with pytest.raises(physionet.DownloadError, match="404"):
        physionet.probe(server.url)


@pytest.mark.data
def test_the_whole_database(mitdb, tmp_path, capsys):
    server = Server({name: mitdb / name for name in physionet.registry()})
    try:
        folder = physionet.fetch(tmp_path / "mitdb", server.url)
    finally:
        server.close()
    assert physionet.missing(folder) == []
    assert len(list(folder.iterdir())) == 146
