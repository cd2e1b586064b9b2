"""Look up known security holes of the pinned versions with pip-audit: ``make audit``.

Exit status: 0 nothing found; 1 something was. When no advisories can be reached, the script says so
and exits with 0. Our own code is checked by ruff's security rules: ``make lint``.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Advisories that do not concern us: number, and why not.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", "constraints.txt", "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    audited, found = judge(packages)
    if not audited:
        print("pip-audit: NOT DONE, no advisories can be reached")
        return 0
    print(f"pip-audit: {audited} of {len(packages)} packages audited, {len(found)} advisories")
    print(*found, sep="\n")
    return int(bool(found))


def judge(packages: list[dict]) -> tuple[int, list[str]]:
    """The number of audited packages, and the advisories that nobody has accepted.

    Without a source of advisories pip-audit skips every package and reports success.
    """
    known = [package for package in packages if "skip_reason" not in package]
    found = [
        f"  {package['name']} {package['version']}: {hole['id']}, fixed in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in known
        for hole in package["vulns"]
        if not {hole["id"], *hole.get("aliases", [])} & ACCEPTED.keys()
    ]
    return len(known), found


if __name__ == "__main__":
    sys.exit(main())
