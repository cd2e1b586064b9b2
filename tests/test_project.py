"""The project holds together: imports, dependencies, locks, and what must not be in its files."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
import yaml

import ecglib

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# In the order in which data flows: a module imports only from those before it.
ORDER = """
    labels paths wfdb_headers recordings leads beats published rpeaks rhythm context shape
    quality readers.beats readers.files readers.wfdb readers.text_tables readers.text
    readers.unpacking readers blocks events
    physionet kaggle_csv synthetic sources splits leak knn
    model augment recipes sampling checkpoint steps training distillation modelfile serving
    classifier trees patientwise_features patientwise patientwise_training
    confusion calibration uncertainty tables results evaluation
    ec57 finishing mistakes explain noise stress transfer
    figures plots.beats plots.curves plots.scores plots.protocols plots.verdicts plots.mistakes
    plots.reasons plots.noise plots report_page report
    samples demo.uploads
    demo.reading demo.state demo.recording demo.results demo.jobs demo.guard demo.session demo.start
    demo.html demo.about demo.controls demo.files demo.own demo.traces demo.strip demo.view
    demo demo.page
    parameters profiles guards manifest runner verify doctor
    archive.files archive.results archive.worker archive archive.__main__
    api.settings api.models api.http api.work api.service api.app api api.__main__
""".split()
# `load_beats` is the front door to the sources, opened when it is called.
LAZY_EXCEPTIONS = {("beats", "kaggle_csv"), ("beats", "sources")}

# Who may know of what, so that the first lessons need no network and training no widgets
# (* as in file names).
USERS = {
    "torch": {"model", "augment", "recipes", "sampling", "checkpoint", "steps", "training"}
    | {"distillation", "modelfile", "serving", "classifier", "explain", "manifest"},
    "accelerate": {"training", "steps", "sampling", "checkpoint"},
    "captum": {"explain"},
    "onnxruntime": {"serving"},
    "openvino": {"serving"},
    "matplotlib": {"figures", "plots*", "report_page"},
    "seaborn": {"figures", "plots*"},
    "anywidget": {"demo.files"},
    "ipywidgets": {"demo.controls", "demo.own", "demo.traces", "demo.view"},
    "bqplot": {"demo.strip", "demo.traces"},
    "wfdb": {"recordings", "readers.wfdb", "rpeaks", "synthetic", "demo.results"},
    "edfio": {"readers.files"},
    "sleepecg": {"rpeaks"},
    "kaggle": {"kaggle_csv"},
    "kagglehub": {"kaggle_csv"},
    "papermill": {"runner", "parameters"},
    "distributed": {"archive*"},
    "dask": {"archive"},
    "fsspec": {"archive*"},
    "pyarrow": {"archive.results"},
    "fastapi": {"api*"},
    "starlette": {"api*"},
    "uvicorn": {"api"},
}


def modules() -> dict[str, ast.Module]:
    """The syntax trees of the library's modules, by their names without ``ecglib.``."""
    trees = {}
    for path in (ROOT / "ecglib").rglob("*.py"):
        name = ".".join(path.relative_to(ROOT / "ecglib").with_suffix("").parts)
        trees[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    del trees["__init__"]
    return trees


def imports(tree: ast.AST) -> Iterator[str]:
    """All that is imported anywhere in the tree, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import: write ecglib.NAME, as everywhere"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_siblings(tree: ast.AST) -> set[str]:
    """The modules of the library that a module of the library imports."""
    found = set()
    for name in imports(tree):
        package, *parts = name.split(".")
        for length in range(len(parts), 0, -1):  # parts may end in what is imported from a module
            if package == "ecglib" and (module := ".".join(parts[:length])) in ORDER:
                found.add(module)
                break
    return found


# --- the library's shape -------------------------------------------------------------------------


def test_tests_run_on_this_checkout() -> None:
    assert Path(ecglib.__file__).resolve().is_relative_to(ROOT)


def test_import_is_light_and_leaves_no_trace(tmp_path: Path) -> None:
    """`import ecglib` prints nothing, makes nothing, and loads none of the big libraries."""
    heavy = sorted({"numpy", "pandas", "scipy", "sklearn"} | USERS.keys())
    code = f"import sys, ecglib; sys.exit(' '.join(m for m in {heavy} if m in sys.modules))"
    places = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=tmp_path,
        env=os.environ | dict.fromkeys(places, str(tmp_path)) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr.strip()) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_every_module_has_its_place_in_the_order() -> None:
    assert set(modules()) <= set(ORDER), "give new modules their place in ORDER"
    assert len(ORDER) == len(set(ORDER))


def test_no_module_imports_what_comes_after_it() -> None:
    upwards = {
        (name, other)
        for name, tree in modules().items()
        for other in imported_siblings(tree)
        if {name, other} <= set(ORDER) and ORDER.index(other) >= ORDER.index(name)
    }
    assert upwards == LAZY_EXCEPTIONS


def test_the_exceptions_import_inside_a_function() -> None:
    trees = modules()
    for name, other in LAZY_EXCEPTIONS:
        top = ast.Module(
            [n for n in trees[name].body if isinstance(n, ast.Import | ast.ImportFrom)]
        )
        assert other not in imported_siblings(top)


@pytest.mark.parametrize("library", USERS)
def test_a_library_is_used_only_where_it_belongs(library: str) -> None:
    users = {
        name
        for name, tree in modules().items()
        if library in {imported.split(".")[0] for imported in imports(tree)}
    }
    allowed = USERS[library]
    assert [u for u in users if not any(fnmatch(u, pattern) for pattern in allowed)] == []


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


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Names and contents of the project's text files: those that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # binary, or removed but not yet committed


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
