"""``run.json``: code, data, software, machine and parameters behind the results of a run folder.

It is for readers on another machine, so it holds no absolute path and no name of a user or machine.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from safetensors import safe_open

from ecglib.batch.doctor import installed, requirements
from ecglib.paths import ROOT, atomic_write, home

SCHEMA = 1
CODE = ("ecglib", "notebooks", "run_all.py")  # all that changes results
# Instructions by which numerical libraries choose how to compute, and so how to round.
FEATURES = ("fma", "avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")


def describe(profile: str, source: str, checksum: str) -> dict:
    """All that is known of a run before its first notebook starts."""
    from ecglib.models.engines import threads  # not above: `run_all.py --list` needs no NumPy

    processor, features = _processor()
    packages = {each.name: installed(each.name) or "not installed" for each in requirements()}
    return {
        "schema": SCHEMA,
        "profile": profile,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {"source": source, "sha256": checksum},
        "project": _project(),
        "software": {"python": platform.python_version(), **packages},
        "machine": {
            "platform": f"{platform.system()} {platform.machine()}",
            "processor": processor,
            "features": features,
            "cores": os.cpu_count(),
            "threads": threads(),
        },
    }


def record(folder: Path, description: dict, stage: str, entry: dict) -> None:
    """Write one finished notebook into ``run.json``; other notebooks' entries stay."""
    notebooks = {**read(folder).get("notebooks", {}), stage: entry}
    content = description | {
        "peak_memory_mb": peak_memory_mb(),
        "metrics": headline(folder),
        "notebooks": dict(sorted(notebooks.items())),
    }
    with atomic_write(folder / "run.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict:
    """The folder's ``run.json``; empty if there is none of this schema."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else {}


def headline(folder: Path) -> dict:
    """The flat mapping of headline metrics that the evaluation notebook wrote, or nothing."""
    path = folder / "metrics" / "headline.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def describe_model(path: Path) -> dict[str, str | None]:
    """A model's precision, and the SHA-256 of its weights without the card and its durations."""
    with safe_open(path, framework="numpy") as stored:
        card = json.loads(next(iter((stored.metadata() or {}).values()), "{}"))
    with path.open("rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))  # past the header
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"weights_sha256": digest, "precision": card.get("training", {}).get("precision")}


def peak_memory_mb() -> int | None:
    """Memory of the largest process among the kernels that have ended, in MiB (POSIX only)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))  # bytes there, KiB here


def without_private_paths(content, root: str = ""):
    """A copy of JSON-like content without this machine's folders; of ``root`` the name stays."""
    public = {str(ROOT): ".", str(ROOT.parent): "..", str(home()): "~", sys.prefix: "PYTHON"}
    if root:
        public[root] = Path(root).name
    folders = sorted((f for f in public if len(f) > 1), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, folders))})(?![\w-])")

    def clean(value):
        if isinstance(value, str):
            return pattern.sub(lambda match: public[match[0]], value)
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, dict):  # an image's base64 text could hold a folder's name by chance
            return {k: v if k.startswith("image/") else clean(v) for k, v in value.items()}
        return value

    return clean(content)


def code(commit: str | None) -> str | None:
    """Git's checksums of a commit's library and notebooks; None if git or the commit is unknown."""
    if not re.fullmatch("[0-9a-f]{7,64}", commit or ""):
        return None
    try:
        return _git("rev-parse", *(f"{commit}:{part}" for part in CODE))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    # No optional locks: a run killed just then would leave the repository locked.
    command = ["git", "--no-optional-locks", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def _project() -> dict:
    """The commit, and whether sources differ from it; a run writes results, so those may differ."""
    try:
        commit = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--", ".", ":!outputs", ":!models")
    except (OSError, subprocess.CalledProcessError):  # no git, or a copy without its history
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(changes)}


def _processor() -> tuple[str, list[str]]:
    """The processor's name and which of ``FEATURES`` it has; none are known without /proc."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    name = fields.get("model name") or platform.processor() or platform.machine()
    flags = fields.get("flags", fields.get("Features", "")).split()
    return name, [feature for feature in FEATURES if feature in flags]
