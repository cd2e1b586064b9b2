"""Another Python process with this project's library."""

import os
import subprocess
import sys

from ecglib.paths import ROOT

HELPERS = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])


def start_python(*arguments: object, cwd=ROOT, **environment: str) -> subprocess.Popen:
    """Start it; what it prints is text, its input a pipe."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, env=env, text=True, **pipes)


def run_python(*arguments: object, cwd=ROOT, **environment: str) -> tuple[int, str, str]:
    """Its exit status, and what it has printed to standard output and error."""
    process = start_python(*arguments, cwd=cwd, **environment)
    out, err = process.communicate(timeout=500)
    return process.returncode, out, err
