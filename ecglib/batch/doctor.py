"""Whether this machine has what the project needs: ten lines, and how to mend what is wrong.

It has to work where little else does, so it imports the rest of the project only inside functions
and is written for older Pythons, too. What may crash is tried in a process of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALL = f"{Path(sys.executable).name} -m pip install -c constraints.txt -e ."
DISK_GB = 1.0  # a run writes 0.1 GB, the recordings take 0.1 GB, and a cache grows
MEMORY_GB = 2.0  # the largest kernel of the quick profile takes 1.2 GiB, see outputs/quick/run.json
CHILD_SECONDS = 120
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PORTS = {3000: "the web app", 8000: "the HTTP API"}

OK, NOTE, WRONG = "ok", "note", "WRONG"


def check() -> int:
    """Print one line a matter, with a command that mends it below.

    Returns
    -------
    int
        0 if everything needed is there, 2 if not. Optional things are only noted.
    """
    worst = 0
    for name, look in CHECKS.items():
        try:
            state, text, mend = look()
        except Exception as error:  # of a half-broken environment; the other lines still help
            state, text, mend = WRONG, f"{type(error).__name__}: {error}", INSTALL
        print(f"{state:<6} {name:<10} {text}", flush=True)
        if state != OK and mend:
            print(f"{'':<17} mend: {mend}", flush=True)
        worst = max(worst, 2 * (state == WRONG))
    print("Something needed is missing." if worst else "Everything needed is here.")
    return worst


def _python() -> tuple[str, str, str]:
    text = f"{sys.version.split()[0]} ({sys.executable})".replace(os.path.expanduser("~"), "~")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lowest, below = re.search(r'requires-python = ">=([\d.]+),<([\d.]+)"', project).groups()
    if _numbers(lowest) <= tuple(sys.version_info[:3]) < _numbers(below):
        return OK, text, ""
    text = f"{text}; {lowest} or newer is needed, and older than {below}"
    return WRONG, text, "make PYTHON=python3.12 run"


def _packages() -> tuple[str, str, str]:
    """What pyproject.toml needs against what is installed and what was tested."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = {_canonical(n): v for n, v in re.findall(r"^([\w.-]+)==(\S+)$", pins, re.MULTILINE)}
    missing, old, other = [], [], []
    for name, lowest in re.findall(r'"([\w.-]+)>=([\w.]+)"', listed):
        try:
            found = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if _numbers(found) < _numbers(lowest):
            old.append(f"{name} {found} (needs {lowest})")
        elif found.partition("+")[0] != tested.get(_canonical(name)):
            other.append(f"{name} {found} ({tested.get(_canonical(name))} was tested)")
    if missing or old:
        lacking = {"missing": missing, "too old": old}
        text = "; ".join(f"{what}: {', '.join(names)}" for what, names in lacking.items() if names)
        return WRONG, text, INSTALL
    if other:
        return NOTE, ", ".join(other), INSTALL
    return OK, "all needed ones, in the versions that were tested", ""


def _ecglib() -> tuple[str, str, str]:
    """Which ecglib the notebooks find in JupyterLab: a registry has another package of that name.

    (A batch run hands its kernels this checkout's, whatever is installed.)
    """
    code = "import importlib.util as u; s = u.find_spec('ecglib'); print(s and s.origin or '')"
    status, found = _child(code, ROOT / "notebooks")
    if status == 0 and found and Path(found).resolve() == Path(__file__).with_name("__init__.py"):
        return OK, "this checkout's", ""
    if status == 0 and not found:
        return NOTE, "not installed: notebooks opened in JupyterLab will not find it", INSTALL
    first = INSTALL.replace("install -c constraints.txt -e .", "uninstall -y ecglib")
    return WRONG, f"another one is in the way: {found}", f"{first} && {INSTALL}"


def _kernel() -> tuple[str, str, str]:
    code = (
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel(startup_timeout=60)\n"
        "print(manager.kernel_spec.argv[0])\n"
        "client.stop_channels()\n"
        "manager.shutdown_kernel(now=True)"
    )
    status, said = _child(code, ROOT)
    if status != 0:
        return WRONG, f"no kernel starts: {said}", INSTALL
    if Path(said).name != said and os.path.normcase(said) != os.path.normcase(sys.executable):
        mend = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix"
        return NOTE, f"JupyterLab starts another Python: {said}", mend
    return OK, "starts, with this Python", ""


def _processor() -> tuple[str, str, str]:
    code = (
        "import torch; from ecglib.models.training import pick_precision\n"
        "print(torch.get_num_threads(), pick_precision(), torch.cuda.is_available())"
    )
    status, said = _child(code, ROOT)
    if status != 0:
        return WRONG, f"torch does not work here: {said}", INSTALL
    threads, precision, gpu = said.split()
    text = f"{os.cpu_count()} cores, {threads} thread{'s' * (threads != '1')}, "
    text += "bf16 in hardware" if precision == "bf16" else "no bf16, so training takes longer"
    text += ", with a GPU" if gpu == "True" else ""
    if int(threads) > (os.cpu_count() or 1):
        return NOTE, f"{text}; more threads than cores slow it down", "unset OMP_NUM_THREADS"
    return OK, text, ""


def _disk() -> tuple[str, str, str]:
    free = shutil.disk_usage(ROOT).free / 1e9
    text = f"{free:.1f} GB free"
    if free < DISK_GB:
        return WRONG, f"{text}, {DISK_GB:g} GB are needed", "make room, or move the project"
    for folder in (ROOT / "outputs", ROOT / "models"):
        try:
            with tempfile.TemporaryFile(dir=folder if folder.is_dir() else ROOT):
                pass
        except OSError as error:
            mend = f"make {folder.name}/ writable for you"
            return WRONG, f"{folder.name}/ can't be written to ({error.strerror})", mend
    return OK, f"{text}, outputs/ and models/ can be written to", ""


def _memory() -> tuple[str, str, str]:
    free = available_memory()
    if free is None:
        return OK, f"not known on this system; {MEMORY_GB:g} GB should be free", ""
    text = f"{free / 1e9:.1f} GB available"
    if free < MEMORY_GB * 1e9:
        return WRONG, f"{text}, {MEMORY_GB:g} GB are needed", "close other programs"
    return OK, text, ""


def available_memory() -> int | None:
    """Bytes that can still be taken, or None where the system does not tell (Windows)."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        free = 1024 * int(re.search(r"^MemAvailable:\s+(\d+)", text, re.MULTILINE)[1])
    except (OSError, TypeError):
        try:
            free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return None
    try:  # a container may have less than its machine
        group = Path("/sys/fs/cgroup")
        limit, used = (
            int((group / f"memory.{name}").read_text(encoding="ascii"))
            for name in ("max", "current")
        )
        kept = (group / "memory.stat").read_text(encoding="ascii")
    except (OSError, ValueError):  # none, or "max"
        return free
    cached = re.search(r"^inactive_file (\d+)", kept, re.MULTILINE)  # files, let go when needed
    return min(free, limit - used + int(cached[1] if cached else 0))


def _data() -> tuple[str, str, str]:
    from ecglib.datasets import kaggle, physionet, sources

    try:
        return OK, sources.locate("folder").describe(), ""
    except sources.DataSourceError as error:
        nearby = str(error).partition(". ")[0]
    if not physionet.missing(physionet.cache_folder()):
        return OK, "MIT-BIH Arrhythmia Database, from your cache.", ""
    if kaggle.cached():
        return OK, "Kaggle's heartbeat rows, from your cache.", ""
    try:
        physionet.probe()
    except physionet.DownloadError:
        text = f"{nearby}; PhysioNet is out of reach, so beats would be SYNTHETIC"
        return NOTE, text, "put the files of mitdb 1.0.0 into data/mitdb/, or set ECG_DATA"
    return OK, "not here yet; PhysioNet is in reach and serves 92 MB at the first run", ""


def _chromium() -> tuple[str, str, str]:
    names = (*BROWSERS, "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        return OK, f"{found} (only for the browser tests)", ""
    mend = "apt install chromium, or brew install chromium"
    return NOTE, "none, so the browser tests are skipped", mend


def _ports() -> tuple[str, str, str]:
    busy = []
    for port, user in PORTS.items():
        with socket.socket() as probe:
            if os.name == "posix":  # elsewhere it would let two programs share the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                busy.append(f"{port} ({user})")
    if busy:
        text = f"in use by another program: {', '.join(busy)}"
        return NOTE, text, "end that program, or give ours another port"
    return OK, f"{' and '.join(map(str, PORTS))} are free", ""


def _child(code: str, folder: Path) -> tuple[int, str]:
    """Run code in a Python of its own; its exit status and the last line that it said."""
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
    said = lines[-1] if lines else ""
    if done.returncode != 0 and not said:  # killed: processors without AVX end like this
        said = f"it ended with status {done.returncode}"
    return done.returncode, said


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0]))


CHECKS = {
    "Python": _python,
    "packages": _packages,
    "ecglib": _ecglib,
    "kernel": _kernel,
    "processor": _processor,
    "disk": _disk,
    "memory": _memory,
    "data": _data,
    "Chromium": _chromium,
    "ports": _ports,
}
