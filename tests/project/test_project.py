"""The project as a whole: its import, its wheel, its tools, and what its files must not hold."""

import re
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import ecglib
from ecglib.paths import ROOT
from own_python import run_python
from repository import tracked_texts


def test_import_is_light_and_leaves_no_trace(tmp_path: Path) -> None:
    """`import ecglib` prints and writes nothing, and loads no big library."""
    heavy = ["matplotlib", "numpy", "pandas", "scipy", "sklearn", "torch", "wfdb"]
    code = f"import sys, ecglib; sys.exit(' '.join(m for m in {heavy} if m in sys.modules) or 0)"
    places = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    there = dict.fromkeys(places, str(tmp_path))
    assert run_python("-B", "-c", code, cwd=tmp_path, **there) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
    assert Path(ecglib.__file__).resolve().is_relative_to(ROOT), "tests run on another checkout"


# --- the wheel -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, built from a copy of the sources and unpacked as pip would."""
    pytest.importorskip("setuptools", minversion="77")
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("ecglib", "models"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--no-build-isolation", "."], cwd=source, check=True)
    with zipfile.ZipFile(next(source.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


@pytest.mark.slow
def test_wheel_carries_the_default_models_and_the_commands(site: Path) -> None:
    models = {"compact.safetensors", "compact.onnx", "patients.safetensors"}
    assert {path.name for path in (site / "ecglib" / "_models").iterdir()} == models
    here = {path.relative_to(ROOT) for path in (ROOT / "ecglib").rglob("*")}
    kept = {path for path in here if path.suffix in {".py", ".npz", ".sha256", ".css", ".js"}}
    assert [path for path in kept if not (site / path).is_file()] == []
    entries = next(site.glob("*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    commands = dict(re.findall(r"^([\w-]+) = (.+)$", entries, re.MULTILINE))
    assert set(commands) == {"ecg-report", "ecg-api", "ecg-archive"}
    for target in commands.values():
        module, name = target.split(":")
        assert callable(getattr(import_module(module), name))


@pytest.mark.slow
def test_installed_report_works_from_any_folder(site: Path, recordings: Path, tmp_path) -> None:
    before = sorted(site.rglob("*"))
    file = str(next(recordings.glob("*.hea")))
    call = ("-B", "-m", "ecglib.report", file, "--out", "night.json")
    status, _, error = run_python(*call, cwd=tmp_path, PYTHONPATH=str(site))
    assert status == 0, error
    assert '"beats"' in (tmp_path / "night.json").read_text(encoding="utf-8")
    assert sorted(site.rglob("*")) == before


# --- one version, one tool set -------------------------------------------------------------------


def test_citation_and_changelog_name_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == ecglib.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(ecglib.__version__)}\]", changes, re.MULTILINE)


@pytest.mark.parametrize("hook", ["ruff", "nbstripout"])
def test_hooks_use_the_tested_versions(hook: str) -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    revisions = [r["rev"].removeprefix("v") for r in repos if hook in r["repo"].rpartition("/")[2]]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [f"{hook}=={revision}" for revision in revisions] == [
        line for line in pins if line.startswith(f"{hook}==")
    ]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_its_commands() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^  make (\w+)", done.stdout, re.MULTILINE) == targets
    assert {"run", "test", "lab", "app", "full", "smoke", "lint", "lock"} <= set(targets)


def test_workflow_runs_what_a_change_has_to_pass() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    steps = [
        step.get("run", "")
        for job in yaml.safe_load(workflow)["jobs"].values()
        for step in job["steps"]
    ]
    assert "bash .ci/run" in steps and "make test" in steps


# --- what must not be in the files ---------------------------------------------------------------

FORBIDDEN = {
    "a path of somebody's machine": (
        r"(?<![\w.:-])/(?:home|Users|root|work|tmp|var/folders)/\w",
        "saved to /" + "home/ann/ecg",
    ),
    "a package registry": (
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|download\.pytorch\.org",
        "https://pypi." + "org/simple",
    ),
    "a private key": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE" + " KEY-----",
    ),
    "a token": (
        r"\b(?:gh[pousr]_|github_pat_|hf_|KGAT_|xox[bap]-|AKIA|sk-)[A-Za-z0-9_]{16,}",
        "hf_" + "a1" * 12,
    ),
    "a Kaggle key": (
        r"[\"']?(?:KAGGLE_KEY|key)[\"']?\s*[:=]\s*[\"'][0-9a-f]{32}[\"']",
        '{"username":"ann","key":"' + "0a" * 16 + '"}',
    ),
    "an address with a password": (
        r"\w+://[^/\s:@\"'{}<>]+:[^/\s@\"'{}<>]+@\w",
        "https://ann:" + "pw@example.org/simple",
    ),
    "a conflict marker": (r"^(?:<{7}|>{7}) ", "a\n" + "<" * 7 + " HEAD\n"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_files_are_free_of(what: str) -> None:
    """The executed notebooks and their outputs are among these files."""
    expression, example = FORBIDDEN[what]
    pattern = re.compile(expression, re.MULTILINE)
    assert pattern.search(example)
    texts = dict(tracked_texts())
    assert "pyproject.toml" in texts
    assert [name for name, text in texts.items() if pattern.search(text)] == []


def test_file_names_suit_every_system() -> None:
    names = [name for name, _ in tracked_texts()]
    assert len({name.lower() for name in names}) == len(names), "names that differ only in case"
    reserved = re.compile(r"(?i)(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)|[ .](/|$)")
    for name in names:
        assert not re.search(r'[<>:"|?*\\]', name) and len(name) < 120, name
        assert not reserved.search(name), name
