"""Dependencies, versions, and what must not be in the files."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import nbformat
import pytest
import yaml

import ecglib
from modules import imports, modules
from repository import ROOT, tracked_texts

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# --- dependencies --------------------------------------------------------------------------------


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(lines: list[str]) -> dict[str, str]:
    """Name and version bounds of lines such as ``torch>=2.10``."""
    parts = [re.fullmatch(r"([A-Za-z0-9._-]+)([<>=!~].*)?", line.strip()) for line in lines]
    assert all(parts), f"not of the form name>=version: {lines}"
    return {canonical(part[1]): part[2] or "" for part in parts}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return requirements([line for line in lines if line and not line.startswith("#")])


DEPENDENCIES = requirements(PYPROJECT["project"]["dependencies"])
EXTRAS = {
    extra: requirements(lines)
    for extra, lines in PYPROJECT["project"]["optional-dependencies"].items()
}


def test_every_dependency_has_a_lower_bound() -> None:
    for name, bounds in (
        DEPENDENCIES | {k: v for e in EXTRAS.values() for k, v in e.items()}
    ).items():
        assert bounds.startswith(">="), name


def test_constraints_pin_every_dependency_within_its_bounds() -> None:
    def numbers(version: str) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", version))

    pinned = pins()
    for wanted in (DEPENDENCIES, *EXTRAS.values()):
        for name, bounds in wanted.items():
            assert name in pinned, f"{name} is not pinned: run `make lock`"
            lowest = bounds.removeprefix(">=").partition(",")[0]
            assert numbers(pinned[name]) >= numbers(lowest), name


def test_constraints_hold_on_every_machine() -> None:
    """Exact releases only: no local builds (``+cpu``), files or addresses."""
    assert all(re.fullmatch(r"==[\w.!]+", version) for version in pins().values())


def test_conda_environment_asks_for_the_same() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert by_pip.pop() == "-e ."
    conda = requirements([e for e in listed if isinstance(e, str)] + by_pip)
    assert conda.pop("python") == PYPROJECT["project"]["requires-python"]
    assert conda.pop("pip") == ""
    conda["torch"] = conda.pop("pytorch")
    assert conda == DEPENDENCIES


def test_every_line_of_the_conda_environment_says_why() -> None:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.lstrip().startswith("- ") and "pip:" not in line]
    assert entries and all(" # " in line for line in entries)


def test_every_import_is_declared() -> None:
    """What library, scripts and notebooks import is a dependency of its own, not of another's."""
    scripts = [ROOT / "run_all.py", *(ROOT / "scripts").glob("*.py")]
    trees = [*modules().values(), *(ast.parse(f.read_text(encoding="utf-8")) for f in scripts)]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        trees += [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    used = {name.split(".")[0] for tree in trees for name in imports(tree)}
    used -= sys.stdlib_module_names | {"ecglib"}
    distributions = packages_distributions()
    declared = set(DEPENDENCIES).union(*EXTRAS.values())
    for module in used:
        offered = {canonical(name) for name in distributions.get(module, [module])}
        assert offered & declared, f"{module} is imported but not in pyproject.toml"


# --- one version, one tool set -------------------------------------------------------------------


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == ecglib.__version__
    assert citation["license"] == PYPROJECT["project"]["license"]


@pytest.mark.parametrize(("hook", "package"), [("ruff", "ruff"), ("nbstripout", "nbstripout")])
def test_hooks_use_the_tested_versions(hook: str, package: str) -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    revisions = [r["rev"].removeprefix("v") for r in repos if hook in r["repo"].rpartition("/")[2]]
    assert [f"=={rev}" for rev in revisions] == [pins()[package]]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_its_commands() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make (\w+)", done.stdout, re.MULTILINE)) == targets
    assert {
        "run",
        "test",
        "lab",
        "app",
        "full",
        "smoke",
        "lint",
        "format",
        "lock",
        "clean",
    } <= targets


# --- what must not be in the files ---------------------------------------------------------------

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.:-])/(?:home|Users|root|work|tmp|var/folders)/\w",
    "a package registry": r"pypi\.org|pythonhosted\.org|registry\.npmjs|download\.pytorch\.org",
    "a conflict marker": r"^(?:<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_are_free_of(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    texts = dict(tracked_texts())
    assert "pyproject.toml" in texts
    found = [
        f"{name}: {match[0]}" for name, text in texts.items() for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of somebody's machine", "saved to /" + "home/ann/ecg"),
        ("a path of somebody's machine", "file:///" + "Users/ann"),
        ("a package registry", "https://pypi." + "org/simple"),
        ("a conflict marker", "a\n" + "<" * 7 + " HEAD\n"),
    ],
)
def test_the_search_finds(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text, re.MULTILINE)
