"""Real servers and a real browser, for tests of the demo."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from demo_fakes import csv
from ecglib import load_beats
from ecglib.paths import ROOT

PATIENCE_S = 300  # for actions that take seconds on an idle machine
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

FAULT = "demo.session.tests.jump = lambda: 1 / 0"  # an unexpected one, of the button "Random"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def demo_notebook(folder: Path, after: str = "", source: str = "synthetic") -> Path:
    """A copy of notebook 05 with other beats, and some code after the demo's cell."""
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
    """A notebook that starts quickly."""
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
    command = ["jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
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


@contextmanager
def browser() -> Iterator["object"]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, Chromium starts only without its sandbox; it opens our own pages only.
        running = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        yield running
        running.close()


def new_page(running: "object", **options) -> "object":
    """A page that waits for a busy machine."""
    page = running.new_page(viewport={"width": 1240, "height": 1000}, **options)
    page.set_default_timeout(PATIENCE_S * 1000)
    return page


def own_settings(folder: Path) -> dict[str, str]:
    """Environment of a JupyterLab with its own settings, which does not fetch news."""
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    return {"JUPYTERLAB_SETTINGS_DIR": f"{folder / 'settings'}", "JUPYTER_CONFIG_DIR": str(folder)}


def choose(page, *files: Path | dict) -> None:
    """Choose files, as a person does."""
    page.locator("input[type=file]").set_input_files(list(files))


def file(name: str, content: bytes) -> dict:
    """A file in memory."""
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def beats_csv(n: int = 30) -> bytes:
    """Synthetic beats with their labels."""
    return csv(load_beats("synthetic")[:n])
