"""The library's shape: which module may know of which, and what importing it does."""

import ast
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import ecglib
from modules import imports, modules

ROOT = Path(__file__).resolve().parents[2]


# In the order in which data flows: a module imports only from those before it.
ORDER = """
    labels paths wfdb_headers recordings leads beats published rpeaks rhythm context shape
    quality readers.beats readers.files readers.wfdb readers.text_tables readers.text
    readers.unpacking readers blocks events
    physionet kaggle_csv synthetic sources splits leak knn
    confusion
    model augment recipes sampling checkpoint steps training distillation ensemble modelfile serving
    classifier trees patientwise_features patientwise patientwise_training
    calibration uncertainty tables results evaluation
    ec57 finishing mistakes explain noise stress transfer
    figures plots.beats plots.curves plots.scores plots.protocols plots.verdicts plots.mistakes
    plots.reasons plots.noise plots report_page report
    samples demo.uploads
    demo.reading demo.state demo.recording demo.results demo.jobs demo.guard demo.session demo.start
    demo.html demo.about demo.controls demo.files demo.own demo.traces demo.strip demo.view
    demo demo.page
    parameters profiles guards manifest runner verify doctor
    archive.files archive.results archive.worker archive archive.__main__
    api.settings api.models api.http api.work api.files api.service api.app api api.__main__
""".split()
# `load_beats` is the front door to the sources, opened when it is called.
LAZY_EXCEPTIONS = {("beats", "kaggle_csv"), ("beats", "sources")}

# Who may know of what, so that the first lessons need no network and training no widgets
# (* as in file names).
USERS = {
    "torch": {"model", "augment", "recipes", "sampling", "checkpoint", "steps", "training"}
    | {"distillation", "ensemble", "modelfile", "serving", "classifier", "explain", "manifest"},
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
