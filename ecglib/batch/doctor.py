"""``run_all.py --check``: five lines about this machine, each fault with a command that mends it.

It must run where packages are missing and be readable by an old Python, so other modules are
imported inside functions, and whatever may crash is tried in a new process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALL = f"{Path(sys.executable).name} -m pip install -c constraints.txt -e ."
CHILD_SECONDS = 120

OK, NOTE, WRONG = "ok", "note", "WRONG"


def check() -> int:
    """Print one line per check; 0 if the notebooks can run here, 2 if not."""
    status = 0
    for look in CHECKS:
        try:
            state, text, mend = look()
        except Exception as error:  # of a half-broken environment; the other lines still help
            state, text, mend = WRONG, f"{type(error).__name__}: {error}", INSTALL
        print(f"{state:<6} {look.__name__[1:]:<10} {text}", flush=True)
        if state != OK and mend:
            print(f"{'':<17} mend: {mend}", flush=True)
        status = 2 if state == WRONG else status
    print("The notebooks cannot run here yet." if status else "The notebooks can run here.")
    return status


def requirements() -> list:
    """The packages that pyproject.toml depends on, as ``packaging`` reads them."""
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def installed(name: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _python() -> tuple[str, str, str]:
    text = f"{sys.version.split()[0]} ({sys.executable})".replace(os.path.expanduser("~"), "~")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r'requires-python = "(.+?)"', project)[1]
    lowest, below = map(_numbers, re.findall(r"[\d.]+", wanted))
    if lowest <= tuple(sys.version_info[:3]) < below:
        return OK, text, ""
    return WRONG, f"{text}, but {wanted} is needed", "make PYTHON=python3.12 run"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _packages() -> tuple[str, str, str]:
    """The installed versions, compared with pyproject.toml and with the tested ones."""
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", pins, re.MULTILINE))
    tested = {canonicalize_name(name): pin for name, pin in tested.items()}
    wrong, other = [], []
    for requirement in requirements():
        name = requirement.name
        if (found := installed(name)) is None:
            wrong.append(f"{name} is missing")
            continue
        pin = tested.get(canonicalize_name(name))
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{name} {found} (needs {requirement.specifier})")
        elif Version(found).public != pin:
            other.append(f"{name} {found} ({pin} was tested)")
    if wrong:
        return WRONG, ", ".join(wrong), INSTALL
    if other:
        return NOTE, ", ".join(other), INSTALL
    return OK, "all installed, in the tested versions", ""


def _ecglib() -> tuple[str, str, str]:
    """Which ecglib JupyterLab imports: PyPI has another package of that name."""
    code = "import importlib.util as u; s = u.find_spec('ecglib'); print(s and s.origin or '')"
    status, found = _child(code, ROOT / "notebooks")
    if status == 0 and found and Path(found).resolve() == ROOT / "ecglib" / "__init__.py":
        return OK, "the one of this project", ""
    if status == 0 and not found:  # a batch run brings its own
        return NOTE, "not installed: notebooks opened in JupyterLab will not find it", INSTALL
    remove = INSTALL.replace("install -c constraints.txt -e .", "uninstall -y ecglib")
    return WRONG, f"another package of this name is installed: {found}", f"{remove} && {INSTALL}"


def _kernel() -> tuple[str, str, str]:
    code = (
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel(startup_timeout=60)\n"
        "print(manager.kernel_spec.argv[0])\n"
        "client.stop_channels()\n"
        "manager.shutdown_kernel(now=True)"
    )
    status, answer = _child(code, ROOT)
    if status != 0:
        return WRONG, f"no kernel starts: {answer}", INSTALL
    if Path(answer).name != answer and os.path.normcase(answer) != os.path.normcase(sys.executable):
        mend = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
        return NOTE, f"JupyterLab starts another Python: {answer}", mend
    return OK, "starts, with this Python", ""


def _data() -> tuple[str, str, str]:
    from ecglib.datasets import kaggle, physionet, sources

    with suppress(sources.DataSourceError):
        return OK, sources.locate("folder").describe(), ""
    if not physionet.missing(physionet.cache_folder()) or kaggle.cached():
        return OK, "in your cache, from an earlier download", ""
    try:
        physionet.probe()
    except physionet.DownloadError:
        text = "no recordings, and PhysioNet cannot be reached, so beats would be SYNTHETIC"
        return NOTE, text, "put the files of mitdb 1.0.0 into data/mitdb/, or set ECG_DATA"
    return OK, "no recordings yet; the first run downloads them from PhysioNet (92 MB)", ""


def _child(code: str, folder: Path) -> tuple[int, str]:
    """Run code in a new Python; its exit status and the last line that it printed."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=CHILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer in {CHILD_SECONDS} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode != 0 and not lines:  # killed by the system
        lines = [f"it ended with status {done.returncode}"]
    return done.returncode, lines[-1] if lines else ""


CHECKS = (_python, _packages, _ecglib, _kernel, _data)
