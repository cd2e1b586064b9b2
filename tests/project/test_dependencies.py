"""What the project depends on: declared, pinned and locked, once for pip and once for conda."""

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions

import nbformat
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ecglib.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHON = SpecifierSet(PROJECT["requires-python"])


def requirements(lines: list[str]) -> dict[str, SpecifierSet]:
    """Names and version bounds of lines such as ``torch>=2.10``."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each.specifier for each in parsed}


def lines(name: str) -> list[str]:
    """The lines of a file of the project, without comments and hashes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if re.match(r"[\w-]", line)]


DEPENDENCIES = requirements(PROJECT["dependencies"])
EXTRAS = requirements(sum(PROJECT["optional-dependencies"].values(), []))
PINS = requirements(lines("constraints.txt"))
PINNED = {name: next(iter(bounds)).version for name, bounds in PINS.items()}


def test_every_dependency_has_a_lower_bound_and_a_pin_within_its_bounds() -> None:
    for name, bounds in (EXTRAS | DEPENDENCIES).items():
        assert [bound for bound in bounds if bound.operator == ">="], f"{name} has no lower bound"
        assert name in PINNED and PINNED[name] in bounds, f"{name}: run `make lock`"


def test_constraints_hold_on_every_machine() -> None:
    """Exact releases only: no local builds (``+cpu``), files or addresses."""
    for name, bounds in PINS.items():
        assert re.fullmatch(r"==[\w.!]+", str(bounds)), f"{name}{bounds}"


def test_every_pinned_package_is_locked_to_its_files() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entry = re.compile(r"^([\w.-]+)==([\w.!+]+).*\n((?: +--hash=sha256:[0-9a-f]{64}.*\n)+)", re.M)
    locked = {canonicalize_name(name): version for name, version, _ in entry.findall(text)}
    assert len(locked) == len(lines("requirements.lock")), "an entry has no hash"
    assert {name: locked.get(name) for name in PINNED} == PINNED, "run `make hashes`"


def test_every_pinned_version_runs_on_the_lowest_python() -> None:
    """The same bounds stand in the Makefile and, in words, in its messages and in the README."""
    lowest, below = (next(b.version for b in PYTHON if b.operator == o) for o in (">=", "<"))
    for name, version in PINNED.items():
        try:
            found = metadata(name)
        except PackageNotFoundError:  # an extra that is not installed here
            continue
        if found["Version"].partition("+")[0] == version:
            wanted = SpecifierSet(found.get("Requires-Python") or "")
            assert lowest in wanted, f"{name} {version} wants Python {wanted}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    as_tuples = [f"({', '.join(number.split('.'))})" for number in (lowest, below)]
    assert f"{as_tuples[0]} <= sys.version_info < {as_tuples[1]}" in makefile
    assert f"--python-version {lowest}" in makefile
    newest = f"3.{Version(below).minor - 1}"
    for text in (makefile, (ROOT / "README.md").read_text(encoding="utf-8")):
        assert f"Python {lowest} to {newest}" in text


def test_conda_environment_lists_the_same_and_says_why() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text)["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert by_pip.pop() == "-e ."
    conda = requirements([e for e in listed if isinstance(e, str)] + by_pip)
    assert conda.pop("python") == PYTHON
    assert conda.pop("pip") == SpecifierSet()
    conda["torch"] = conda.pop("pytorch")
    assert conda == DEPENDENCIES
    entries = [line for line in text.splitlines() if line.lstrip().startswith("- ")]
    assert [line for line in entries if "pip:" not in line and " # " not in line] == []


def test_every_import_is_declared() -> None:
    """A dependency of library, scripts or notebooks is not left to another's dependencies."""
    files = [
        path for place in ("*.py", "scripts/*.py", "ecglib/**/*.py") for path in ROOT.glob(place)
    ]
    sources = [path.read_text(encoding="utf-8") for path in files]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        sources += [cell.source for cell in cells if cell.cell_type == "code"]
    used = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            used |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add(node.module.split(".")[0])
    distributions = packages_distributions()
    for module in used - sys.stdlib_module_names - {"ecglib", "setuptools"}:
        offered = {canonicalize_name(name) for name in distributions.get(module, [module])}
        assert offered & (DEPENDENCIES | EXTRAS).keys(), f"{module} is not in pyproject.toml"
