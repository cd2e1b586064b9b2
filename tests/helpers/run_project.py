"""Two small notebooks, run as run_all runs the real ones: what the tests of runs share."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat

import run_all
from ecglib.batch.runner import Stage

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
    Stage(name, f"Does {name} run?", "nothing", (f"metrics/{name}.json",))
    for name in ("01_first", "02_second")
)


class Project:
    """Two small notebooks, a profile and an output folder, run as run_all runs the real ones."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output = folder / "outputs" / "quick"
        self.executed = self.output / "notebooks"
        (folder / "notebooks").mkdir()
        (folder / "profiles").mkdir()
        (folder / "profiles" / "quick.yml").write_text("", encoding="utf-8")
        for stage in STAGES:
            self.write(stage.name, WRITE.format(name=stage.name))

    def write(self, name: str, *cells: str, parameters: str = COMMON, tags: tuple = ()) -> None:
        notebook = nbformat.v4.new_notebook()
        new = nbformat.v4.new_code_cell
        notebook.cells = [
            nbformat.v4.new_markdown_cell("# A notebook"),
            new(parameters, metadata={"tags": ["parameters"]}),
            *(new(source, metadata={"tags": list(tags)}) for source in cells),
        ]
        nbformat.write(notebook, self.folder / "notebooks" / f"{name}.ipynb")

    def run(self, *arguments: str, stages=STAGES) -> int:
        return run_all.main(
            arguments,
            stages=stages,
            notebooks=self.folder / "notebooks",
            profile_files=self.folder / "profiles",
            outputs=str(self.folder / "outputs"),
        )

    def leftovers(self) -> list[str]:
        """Hidden files in the output folder, but for the lock itself."""
        return [p.name for p in self.output.rglob(".*") if p.name != ".lock"]

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
