"""The rules that the notebooks keep: each takes a notebook and yields what is wrong with it."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache

import nbformat
from nbformat import NotebookNode

import run_all

NAMES = tuple(stage.name for stage in run_all.STAGES)
LONGEST_CELL = 25  # lines
OPENING = ("What you will learn", "Needs", "Makes", "Cost")
CLOSING = ("Limits", "References")

Rule = Callable[[NotebookNode], Iterator[str]]


@cache
def _parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell; None where it is not plain Python (`is_plain_python` says so)."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _code(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode, ast.Module]]:
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            yield number, cell, _parse(cell.source) or ast.Module([], [])


def _is_parameters(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])


def is_valid(notebook: NotebookNode) -> Iterator[str]:
    """The notebook is valid in its format."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield str(error).splitlines()[0]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "older than format 4.5: cells have no ids"


def has_python3_kernel(notebook: NotebookNode) -> Iterator[str]:
    """The kernel is `python3`, which every installation has."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name!r}, not 'python3'"
    if notebook.metadata.get("language_info", {}).get("name") != "python":
        yield "the metadata does not say language_info: {name: python}, which papermill asks for"


def has_no_outputs(notebook: NotebookNode) -> Iterator[str]:
    """Nothing of an execution is left."""
    for number, cell, _ in _code(notebook):
        if cell.outputs or cell.execution_count is not None:
            yield f"cell {number} has outputs or an execution count: run `make format`"
    for number, cell in enumerate(notebook.cells, 1):
        if cell.get("attachments") or "papermill" in cell.metadata:
            yield f"cell {number} has attachments or traces of papermill"
    for key in {"papermill", "widgets"} & set(notebook.metadata):
        yield f"the notebook's metadata has '{key}'"


def is_plain_python(notebook: NotebookNode) -> Iterator[str]:
    """Code cells are Python that does something: no shell commands, no magics, no exits."""
    for number, cell, tree in _code(notebook):
        if not cell.source.strip():
            yield f"cell {number} is empty"
        elif _parse(cell.source) is None:
            yield f"cell {number} is not plain Python (a magic, a shell command or an error)"
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("get_ipython", "exit", "quit", "sys.exit", "os._exit"):
                yield f"cell {number} calls {called}(): raise an exception or leave it out"


def has_no_definitions(notebook: NotebookNode) -> Iterator[str]:
    """Functions and classes are in the library."""
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for number, _, tree in _code(notebook):
        for node in ast.walk(tree):
            if isinstance(node, defining):
                yield f"cell {number} defines {node.name}: move it to ecglib"
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and isinstance(
                node.value, ast.Lambda
            ):
                yield f"cell {number} gives a lambda a name: move it to ecglib"


def has_short_cells(notebook: NotebookNode) -> Iterator[str]:
    """A code cell fits on a screen."""
    for number, cell, _ in _code(notebook):
        if (lines := len(cell.source.splitlines())) > LONGEST_CELL:
            yield f"cell {number} has {lines} lines, more than {LONGEST_CELL}"


def has_no_paths_of_its_own(notebook: NotebookNode) -> Iterator[str]:
    """Paths come from the library: none goes up, none is absolute."""
    absolute = re.compile(r"~?/\w[\w.-]*/|~/|[A-Za-z]:[\\/]|/(home|Users|root|tmp|mnt|content)\b")
    for number, cell in enumerate(notebook.cells, 1):
        if "../" in cell.source or "..\\" in cell.source:
            yield f"cell {number} has a path that goes up ('..')"
    for number, _, tree in _code(notebook):
        inside = {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values[1:]  # f"{folder}/figures/…" is not absolute
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if node not in inside and absolute.match(node.value):
                yield f"cell {number} has an absolute path: {node.value!r}"


def has_parameters_before_their_use(notebook: NotebookNode) -> Iterator[str]:
    """papermill puts its values behind the parameters cell: nothing before it would see them."""
    cells = [tree for _, cell, tree in _code(notebook) if _is_parameters(cell)]
    names = {line.target.id for tree in cells for line in tree.body}
    for number, cell, tree in _code(notebook):
        if _is_parameters(cell):
            return
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & names
        if used:
            yield f"cell {number} uses {sorted(used)} before the parameters cell"


def opens_with_what_it_is_for(notebook: NotebookNode) -> Iterator[str]:
    """The first cell has the title, and says what is learnt, needed, made and spent."""
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is not a title (# ...)"
        return
    for words in OPENING:
        if f"**{words}" not in first.source:
            yield f"the first cell does not say **{words}**"


def closes_with_limits_and_references(notebook: NotebookNode) -> Iterator[str]:
    """Every lesson says where it ends and whom it owes."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for words in CLOSING:
        if not re.search(rf"^##+ +([\d.]+ +)?{words}\b.*\n+[^#\s]", text, re.MULTILINE):
            yield f"there is no section '## {words}' with a text"


RULES: tuple[Rule, ...] = (
    is_valid,
    has_python3_kernel,
    has_no_outputs,
    is_plain_python,
    has_no_definitions,
    has_short_cells,
    has_no_paths_of_its_own,
    has_parameters_before_their_use,
    opens_with_what_it_is_for,
    closes_with_limits_and_references,
)
