"""Two small notebooks, run as run_all runs the real ones; in a process of its own as a script."""

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import run_all
from ecglib.batch.runner import Stage
from ecglib.datasets import sources
from notebook_cells import notebook

COMMON = """\
run_dir: str = "outputs/lab"  # where results go
source: str = "auto"  # where beats come from
root: str = ""  # folder with recordings
"""
WRITE = """\
from pathlib import Path
made = Path(run_dir) / "metrics" / "{name}.json"
made.parent.mkdir(parents=True, exist_ok=True)
made.write_text("{{}}")
"""
STAGES = tuple(
    Stage(name, f"Does {name} run?", (f"metrics/{name}.json",))
    for name in ("01_first", "02_second")
)


class Project:
    """Two small notebooks, a profile and an output folder; those in the folder are kept."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output = folder / "outputs" / "quick"
        self.executed = self.output / "notebooks"
        self.profile = folder / "notebooks" / "profiles" / "quick.yml"
        if not self.profile.exists():
            self.profile.parent.mkdir(parents=True)
            self.profile.touch()
            for stage in STAGES:
                self.write(stage.name, WRITE.format(name=stage.name))

    def write(self, name: str, *cells: str, parameters: str = COMMON, tags: tuple = ()) -> None:
        tagged = [(parameters, ["parameters"]), *((source, tags) for source in cells)]
        notebook(self.folder / "notebooks" / f"{name}.ipynb", *tagged)

    def run(self, *arguments: str, stages=STAGES) -> int:
        return run_all.main(
            arguments,
            stages=stages,
            notebooks=self.folder / "notebooks",
            outputs=str(self.folder / "outputs"),
        )

    def start(self, **options) -> subprocess.Popen:
        """Run it in a process of its own, which has a temporary folder of its own."""
        (self.folder / "temporary").mkdir(exist_ok=True)
        path = os.pathsep.join([str(run_all.ROOT), str(Path(__file__).parent)])
        env = os.environ | {"PYTHONPATH": path, "TMPDIR": str(self.folder / "temporary")}
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        command = [sys.executable, __file__, str(self.folder)]
        return subprocess.Popen(command, env=env, **streams, **options)

    def leftovers(self) -> list[str]:
        """Hidden files in the output folder, except the lock, and folders of kernels."""
        hidden = [p.name for p in self.output.rglob(".*") if p.name != ".lock"]
        return hidden + [p.name for p in self.folder.glob("temporary/k*-*")]

    def manifest(self) -> dict:
        return json.loads((self.output / "run.json").read_text(encoding="utf-8"))


def located(source="auto", root=None):
    """Stands for sources.locate."""
    return SimpleNamespace(source="synthetic", describe=lambda: "some data", checksum=lambda: "c0")


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


if __name__ == "__main__":
    sources.locate = located
    warnings.simplefilter("ignore")
    sys.exit(Project(Path(sys.argv[1])).run())
