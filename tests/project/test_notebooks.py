"""The notebooks keep their rules, and the rules find what they are there to find."""

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebook_rules as rules
from ecglib.batch import parameters
from ecglib.paths import ROOT

COMMON = {"run_dir": "outputs/lab", "source": "auto", "root": "", "protocol": "kaggle", "seed": 0}
FOLDER = ROOT / "notebooks"


@pytest.fixture(scope="module")
def notebooks() -> dict[str, NotebookNode]:
    """All notebooks by name, read once."""
    found = sorted(FOLDER.glob("*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=nbformat.NO_CONVERT) for path in found}


def test_there_are_the_five_notebooks(notebooks: dict[str, NotebookNode]) -> None:
    assert tuple(notebooks) == rules.NAMES


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", rules.NAMES)
def test_notebook(name: str, rule: rules.Rule, notebooks: dict[str, NotebookNode]) -> None:
    if name not in notebooks:
        pytest.fail(f"notebooks/{name}.ipynb is missing")
    assert list(rule(notebooks[name])) == []


@pytest.mark.parametrize("name", rules.NAMES)
def test_parameters_can_be_read_and_the_common_ones_are_there(name: str) -> None:
    found = parameters.inspect(FOLDER / f"{name}.ipynb")
    assert {key: found[key].default for key in COMMON} == COMMON


# --- the rules themselves ------------------------------------------------------------------------

PARAMETERS = (
    'run_dir: str = "outputs/lab"  # where results go\nseed: int = 0  # of all that is random'
)

KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
    "language_info": {"name": "python"},
}
OPENING = "# A title\n\n" + "\n".join(f"**{words}.** Something." for words in rules.OPENING)


def good() -> NotebookNode:
    """A small notebook that keeps all rules."""
    return new_notebook(
        cells=[
            new_markdown_cell(OPENING),
            new_code_cell("import numpy as np\n\nimport ecglib"),
            new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            new_code_cell('figure_name = f"{run_dir}/figures/paced"\nnp.ones(seed), "/", sorted'),
            new_code_cell('sorted("ab", key=lambda name: name[-1])  # a lambda without a name'),
            new_markdown_cell("## 4. Limits\n\nOne lead."),
            new_markdown_cell("## References\n\nMoody and Mark 2001."),
        ],
        metadata=KERNEL,
    )


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_keeps_each_rule(rule: rules.Rule) -> None:
    assert list(rule(good())) == []


def _with_code(source: str) -> NotebookNode:
    notebook = good()
    notebook.cells.insert(4, new_code_cell(source))
    return notebook


def _with(index: int | None = None, /, **changes: object) -> NotebookNode:
    notebook = good()
    (notebook if index is None else notebook.cells[index]).update(changes)
    return notebook


def _without(index: int) -> NotebookNode:
    notebook = good()
    del notebook.cells[index]
    return notebook


BAD = [
    (rules.is_valid, _with(1, surprise=1)),
    (rules.is_valid, _with(nbformat_minor=4)),
    (rules.has_python3_kernel, _with(metadata={})),
    (rules.has_python3_kernel, _with(metadata=KERNEL | {"kernelspec": {"name": "ecg"}})),
    (rules.has_python3_kernel, _with(metadata=KERNEL | {"language_info": {}})),
    (rules.has_no_outputs, _with(1, execution_count=1)),
    (rules.has_no_outputs, _with(1, outputs=[new_output("stream", text="hello")])),
    (rules.has_no_outputs, _with(1, metadata={"papermill": {}})),
    (rules.has_no_outputs, _with(0, attachments={"a.png": {}})),
    (rules.has_no_outputs, _with(metadata={"widgets": {}})),
    (rules.is_plain_python, _with_code("%matplotlib inline")),
    (rules.is_plain_python, _with_code("!pip install wfdb")),
    (rules.is_plain_python, _with_code("  \n")),
    (rules.is_plain_python, _with_code("import sys\nsys.exit()")),
    (rules.is_plain_python, _with_code("if seed:\n    get_ipython().system('ls')")),
    (rules.has_no_definitions, _with_code("def cut(signal):\n    return signal")),
    (rules.has_no_definitions, _with_code("async def cut(signal):\n    return signal")),
    (rules.has_no_definitions, _with_code("if seed:\n    class Beat:\n        pass")),
    (rules.has_no_definitions, _with_code("cut = lambda signal: signal[:187]")),
    (rules.has_short_cells, _with_code("\n".join(["seed"] * 26))),
    (rules.has_no_paths_of_its_own, _with_code("open('../data/100.dat')")),
    (rules.has_no_paths_of_its_own, _with_code(r"open('..\\data\\100.dat')")),
    (rules.has_no_paths_of_its_own, _with_code("open('/home' '/ann/100.dat')")),
    (rules.has_no_paths_of_its_own, _with_code("open('~/mitdb/100.dat')")),
    (rules.has_no_paths_of_its_own, _with_code("open(f'/data/{seed}.dat')")),
    (rules.has_no_paths_of_its_own, _with_code(r"open('C:\\mitdb\\100.dat')")),
    (rules.has_no_paths_of_its_own, _with(5, source="See [the readme](../README.md).")),
    (rules.has_parameters_before_their_use, _with(1, source="print(seed)")),
    (rules.opens_with_what_it_is_for, _without(0)),
    (rules.opens_with_what_it_is_for, _with(cells=[])),
    (rules.opens_with_what_it_is_for, _with(0, source=OPENING.replace("Cost", "Time"))),
    (rules.opens_with_what_it_is_for, _with(0, source=OPENING.replace("# A", "A"))),
    (rules.closes_with_limits_and_references, _without(5)),
    (rules.closes_with_limits_and_references, _without(6)),
    (rules.closes_with_limits_and_references, _with(5, source="## Limits")),
]


@pytest.mark.parametrize(
    ("rule", "bad"), BAD, ids=[f"{number}-{rule.__name__}" for number, (rule, _) in enumerate(BAD)]
)
def test_a_bad_notebook_is_found(rule: rules.Rule, bad: NotebookNode) -> None:
    assert list(rule(bad)) != []


def test_every_rule_is_tested_with_a_bad_notebook() -> None:
    assert {rule for rule, _ in BAD} == set(rules.RULES)
