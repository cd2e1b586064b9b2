"""Look for known holes: in our own code (bandit) and in the pinned versions (pip-audit).

    python scripts/audit.py        what `make audit` runs

Exit status: 0 nothing found; 1 something was. When the source of advisories is out of reach, that
is said and is no failure. What bandit need not report is in pyproject.toml, with the reason.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("ecglib", "scripts", "benchmarks", "run_all.py")
PINS = "constraints.txt"
# Advisories that do not concern us: number, and why not.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    bandit = [sys.executable, "-m", "bandit", "--quiet", "--configfile", "pyproject.toml"]
    status = subprocess.run([*bandit, "--recursive", *CODE], cwd=ROOT).returncode
    print(f"bandit: {'nothing found' if status == 0 else 'see above'}", flush=True)

    command = [sys.executable, "-m", "pip_audit", "--requirement", PINS, "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    audited, found = judge(packages)
    if not audited:
        print(
            "pip-audit: NOT DONE, since the source of advisories knows no package or is not there"
        )
        return int(status != 0)
    print(f"pip-audit: {audited} of {len(packages)} packages audited, {len(found)} advisories")
    print(*found, sep="\n")
    return int(status != 0 or bool(found))


def judge(packages: list[dict]) -> tuple[int, list[str]]:
    """How many packages have been audited, and the advisories that nobody has accepted.

    Where there is no advisory source pip-audit calls every package unknown and is content.
    """
    known = [package for package in packages if "skip_reason" not in package]
    found = [
        f"  {package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in known
        for hole in package["vulns"]
        if not {hole["id"], *hole.get("aliases", [])} & ACCEPTED.keys()
    ]
    return len(known), found


if __name__ == "__main__":
    sys.exit(main())
