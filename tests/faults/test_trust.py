"""What the project must not do: run code that it loads, reveal secrets, or assume one platform."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nbformat
import pytest
from packaging.specifiers import SpecifierSet

from ecglib.batch import parameters
from ecglib.datasets import kaggle
from repository import ROOT, tracked_texts


def sources() -> Iterator[tuple[str, ast.AST]]:
    """Our code: library, programs and the notebooks' cells. (Tests make bad files on purpose.)"""
    for files in ("ecglib/**/*.py", "scripts/*.py", "benchmarks/*.py", "*.py"):
        for path in ROOT.glob(files):
            yield path.name, ast.parse(path.read_text(encoding="utf-8"))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path.name, ast.parse(cell.source)


def calls() -> Iterator[tuple[str, ast.Call, str, dict[str, ast.expr]]]:
    """Where, the call, what is called as it is written, and its keywords."""
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                keywords = {k.arg: k.value for k in node.keywords if k.arg}
                yield f"{name}, line {node.lineno}", node, ast.unparse(node.func), keywords


def value(node: ast.expr | None) -> object:
    return getattr(node, "value", None)


# --- loading executes nothing --------------------------------------------------------------------


def test_nothing_is_pickled() -> None:
    pickles = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    found = [
        f"{name}: {imported}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if imported and imported.split(".")[0] in pickles
    ]
    assert found == []


def test_what_could_unpickle_is_told_not_to() -> None:
    seen = 0
    for where, _, called, keywords in calls():
        if called == "torch.load":
            assert value(keywords.get("weights_only")) is True, where
            seen += 1
        if called == "np.load":
            assert value(keywords.get("allow_pickle")) is False, where
            seen += 1
        assert not called.endswith("read_pickle") and not called.endswith("to_pickle"), where
    assert seen >= 3


def test_no_text_becomes_code_or_a_command() -> None:
    for where, _, called, keywords in calls():
        assert called not in {"eval", "exec", "os.system", "os.popen", "__import__"}, where
        assert value(keywords.get("shell")) is not True, where
        if called == "yaml.load":
            assert ast.unparse(keywords["Loader"]) == "_Loader", where


# --- secrets -------------------------------------------------------------------------------------

SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token": r"\b(?:gh[pousr]_|github_pat_|hf_|KGAT_|xox[bap]-|AKIA|sk-)[A-Za-z0-9_]{16,}",
    "a Kaggle key": r"[\"']?(?:KAGGLE_KEY|key)[\"']?\s*[:=]\s*[\"'][0-9a-f]{32}[\"']",
    "an address with a password": r"\w+://[^/\s:@\"'{}<>]+:[^/\s@\"'{}<>]+@\w",
}


@pytest.mark.parametrize("what", SECRETS)
def test_no_file_holds(what: str) -> None:
    """The executed notebooks and their outputs are among these files."""
    pattern = re.compile(SECRETS[what])
    found = [name for name, text in tracked_texts() if pattern.search(text)]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", "-----BEGIN RSA PRIVATE" + " KEY-----"),
        ("a token", "hf_" + "a1" * 12),
        ("a Kaggle key", '{"username":"ann","key":"' + "0a" * 16 + '"}'),
        ("an address with a password", "https://ann:" + "pw@example.org/simple"),
    ],
)
def test_the_search_for_secrets_finds(what: str, text: str) -> None:
    assert re.search(SECRETS[what], text)


def test_no_parameter_asks_for_a_secret() -> None:
    """Parameters are printed, and kept in run.json and in the executed notebooks."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for name in parameters.inspect(path):
            assert not re.search(r"token|secret|password|credential|api_?key|user", name), path


@pytest.mark.parametrize("place", ["KAGGLE_KEY", "KAGGLE_API_TOKEN", "kaggle.json", "access_token"])
def test_kaggles_keys_are_not_in_messages(tmp_path, monkeypatch, capsys, place) -> None:
    secret = "0123456789abcdef" * 2
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    if place.isupper():
        monkeypatch.setenv(place, secret)
    elif place == "kaggle.json":
        content = {"username": "ann", "key": secret}
        (tmp_path / place).write_text(json.dumps(content), encoding="utf-8")
    else:
        (tmp_path / place).write_text(secret + "\n", encoding="utf-8")

    def refused() -> Path:
        print(f"using {secret}")
        raise RuntimeError(f"401 for Authorization: Bearer {secret}")

    monkeypatch.setattr(kaggle, "_with_kagglehub", refused)
    monkeypatch.setattr(kaggle, "_with_kaggle", refused)
    with pytest.raises(kaggle.KaggleError, match="401 for") as error:
        kaggle.download()
    assert secret not in str(error.value) + "".join(capsys.readouterr())


# --- platforms -----------------------------------------------------------------------------------


def test_text_has_an_encoding() -> None:
    """Windows would take another one than that of the files."""
    for where, node, called, keywords in calls():
        method = called.rpartition(".")[2]
        if method in ("read_text", "write_text") and "." in called:  # a path's
            assert "encoding" in keywords, where
        if called == "open" or called.endswith("path.open"):
            modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
            modes.append(value(keywords.get("mode")))
            binary = any("b" in mode for mode in modes if isinstance(mode, str) and len(mode) < 4)
            assert binary or "encoding" in keywords, where
        if called.startswith("subprocess.") and value(keywords.get("text")):
            assert "encoding" in keywords, where


def test_no_module_needs_posix() -> None:
    """What only POSIX has is asked for inside a function that can do without."""
    modules = {"fcntl", "grp", "posix", "pwd", "resource", "termios"}
    functions = re.compile(
        r"\bos\.(fork|forkpty|getuid|geteuid|setsid|killpg|mkfifo|uname)\b"
        r"|\bsignal\.(SIGKILL|SIGALRM|SIGHUP|SIGQUIT|SIGUSR1|setitimer|pause)\b"
    )
    library = [
        (p.name, ast.parse(p.read_text(encoding="utf-8"))) for p in (ROOT / "ecglib").rglob("*.py")
    ]
    for name, tree in library:
        for node in tree.body:
            if isinstance(node, ast.Import):
                assert not modules & {alias.name for alias in node.names}, name
        assert not (found := functions.search(ast.unparse(tree))), f"{name}: {found[0]}"


def test_file_names_suit_every_system() -> None:
    names = [name for name, _ in tracked_texts()]
    assert len({name.lower() for name in names}) == len(names), "names that differ only in case"
    reserved = re.compile(r"(?i)(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)|[ .](/|$)")
    for name in names:
        assert not re.search(r'[<>:"|?*\\]', name) and len(name) < 120, name
        assert not reserved.search(name), name


# --- the locked files ----------------------------------------------------------------------------


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_pinned_package_is_locked_to_its_files() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entry = re.compile(r"^([\w.-]+)==([\w.!+]+).*\n((?: +--hash=sha256:[0-9a-f]{64}.*\n)+)", re.M)
    locked = {canonical(name): version for name, version, _ in entry.findall(text)}
    assert len(locked) == len(re.findall("^[a-zA-Z]", text, re.M)), "an entry has no hash"
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", pins, re.M):
        assert locked.get(canonical(name)) == version, f"{name}: run `make hashes`"


def test_one_lowest_python_that_every_pinned_version_runs_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest, below = re.fullmatch(r">=([\d.]+),<([\d.]+)", project["requires-python"]).groups()
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for name, pinned in re.findall(r"^([\w.-]+)==(\S+)$", pins, re.M):
        try:
            found = metadata(name)
        except PackageNotFoundError:  # an extra that is not installed here
            continue
        if found["Version"].partition("+")[0] == pinned:
            wanted = SpecifierSet(found.get("Requires-Python") or "")
            assert lowest in wanted, f"{name} {pinned} wants Python {wanted}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    as_tuples = [f"({', '.join(number.split('.'))})" for number in (lowest, below)]
    assert f"{as_tuples[0]} <= sys.version_info < {as_tuples[1]}" in makefile
    assert f"--python-version {lowest}" in makefile
    newest = f"3.{int(below.split('.')[1]) - 1}"
    for text in (makefile, (ROOT / "README.md").read_text(encoding="utf-8")):
        assert f"Python {lowest} to {newest}" in text


# --- the audit -----------------------------------------------------------------------------------


def test_the_audit_tells_a_clean_answer_from_none() -> None:
    spec = spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    audit = module_from_spec(spec)
    spec.loader.exec_module(audit)
    hole = {"id": "PYSEC-1", "aliases": ["CVE-2"], "fix_versions": ["2.0"]}
    clean = {"name": "a", "version": "1.0", "vulns": []}
    assert audit.judge([{"name": "a", "skip_reason": "not found on the index"}]) == (0, [])
    assert audit.judge([clean]) == (1, [])
    assert audit.judge([clean, clean | {"vulns": [hole]}]) == (
        2,
        ["  a 1.0: PYSEC-1, mended in 2.0"],
    )
    audit.ACCEPTED["CVE-2"] = "the function is not called"
    assert audit.judge([clean | {"vulns": [hole]}]) == (1, [])
    assert all(len(reason) > 10 for reason in audit.ACCEPTED.values())
