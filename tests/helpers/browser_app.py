"""Real servers and a real browser, for the tests of the demo as people meet it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from demo_fakes import csv
from ecglib import load_beats

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300  # for what takes seconds on a machine that has nothing else to do
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

# A fault that nobody expects, behind the button "Random".
FAULT = """
demo.session.tests.jump = lambda: 1 / 0
"""

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def demo_notebook(folder: Path, after: str = "", source: str = "synthetic") -> Path:
    """A copy of notebook 05 that uses other beats, and has some code behind the demo's cell."""
    notebook = nbformat.read(ROOT / "notebooks" / "05_classifier_demo.ipynb", as_version=4)
    for number, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source += f'\nrun_dir, source = "{folder / "run"}", "{source}"'
        if "demo.view" in cell.source and cell.cell_type == "code":
            where = number + 1
    notebook.cells.insert(where, new_code_cell(after))
    path = folder / "05_classifier_demo.ipynb"
    nbformat.write(notebook, path)
    return path


def small_notebook(folder: Path) -> Path:
    """A notebook that starts at once."""
    notebook = new_notebook(cells=[new_code_cell("print('a page', 6 * 7)")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "small.ipynb")
    return folder / "small.ipynb"


@contextmanager
def voila(notebook: Path, *arguments: str, **environment: str) -> Iterator[tuple[str, int]]:
    """The web app's address and its process id, with the settings that `make app` uses."""
    command = ["voila", str(notebook), f"--Voila.config_file_paths={ROOT / 'app'}"]
    with _server([*command, *arguments], "--Voila.port", notebook.parent, environment) as served:
        yield served


@contextmanager
def jupyterlab(folder: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """JupyterLab's address, without a token, and its process id."""
    command = [
        "jupyterlab",
        "--no-browser",
        "--IdentityProvider.token=",
        f"--notebook-dir={folder}",
    ]
    command += ["--allow-root"]
    with _server(command, "--ServerApp.port", folder, environment) as served:
        yield served


@contextmanager
def _server(
    command: list[str], port_option: str, folder: Path, environment: dict[str, str]
) -> Iterator[tuple[str, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, f"{port_option}={port}"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The server does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def status(address: str) -> int:
    """HTTP status of an address."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def final(address: str) -> str:
    """Where an address leads to."""
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        return answer.url


def children(pid: int) -> list[int]:
    """Processes that a process has started and that still run (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # gone meanwhile
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


@contextmanager
def browser() -> Iterator["object"]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, as in a container, Chromium starts only without its sandbox; the pages are ours.
        running = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        yield running
        running.close()


def new_page(running: "object", **options) -> "object":
    """A page that waits for a busy machine."""
    page = running.new_page(viewport={"width": 1240, "height": 1000}, **options)
    page.set_default_timeout(PATIENCE_S * 1000)
    return page


def dark_settings(folder: Path) -> dict[str, str]:
    """Environment of a JupyterLab with its dark theme and settings of its own."""
    settings = folder / "settings"
    themes = settings / "@jupyterlab" / "apputils-extension"
    themes.mkdir(parents=True)
    (themes / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}')
    (themes / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    return {"JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTER_CONFIG_DIR": str(folder)}


def run_demo_notebook(running: "object", address: str) -> "object":
    """A page of JupyterLab on which all cells of the demo notebook were told to run."""
    page = new_page(running)
    page.goto(f"{address}/lab/tree/05_classifier_demo.ipynb")
    page.get_by_text("Python 3").first.wait_for()
    page.get_by_role("menuitem", name="Run").click()
    page.get_by_text("Run All Cells", exact=True).click()
    return page


def hand_in(page, *files: Path | dict) -> None:
    """Choose files, as a person does."""
    page.locator("input[type=file]").set_input_files(list(files))


def file(name: str, content: bytes) -> dict:
    """A file that is on no disk."""
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def beats_csv(n: int = 30) -> bytes:
    """Synthetic beats with their labels."""
    return csv(load_beats("synthetic")[:n])
