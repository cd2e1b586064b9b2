"""The notebooks' parameters, read from their cells without running them.

Each line of a parameters cell reads ``name: type = value  # help``. The help may state the allowed
values: ``(1 to 200)`` for a number, ``(kaggle | patients | random)`` for a text.
"""

import ast
import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill

Value = bool | int | float | str
TYPES = {"bool": bool, "int": int, "float": float, "str": str}
_LIMITS = re.compile(r"\(([-+.\de]+) to ([-+.\de]+)\)")
_CHOICES = re.compile(r"\(([^()|]+(?:\|[^()|]+)+)\)")

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # its warnings are errors here


class ParameterError(ValueError):
    """All the ``problems`` of a notebook's parameters, or of a call's."""

    def __init__(self, problems: Iterable[str]):
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    type: type
    default: Value
    help: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    def accept(self, value: object) -> Value:
        """The value in this parameter's type; ValueError if it is of another, or not allowed."""
        if self.type is float and type(value) is int:
            value = float(value)
        if type(value) is not self.type:  # not isinstance: True must not pass as an int
            wanted, found = self.type.__name__, type(value).__name__
            raise ValueError(f"must be of type {wanted}, but {value!r} is of type {found}")
        if self.type is float and not math.isfinite(value):
            raise ValueError(f"must be a finite number, not {value!r}")
        if self.limits and not self.limits[0] <= value <= self.limits[1]:
            low, high = self.limits
            raise ValueError(f"must lie between {low:g} and {high:g}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}, not {value!r}")
        return value

    def from_text(self, text: str) -> Value:
        """The value of a text from the command line: '007' stays '007' for a str."""
        if self.type is bool:
            value = {"true": True, "false": False}.get(text.lower(), text)
        else:
            try:
                value = self.type(text)
            except ValueError:
                value = text  # refused by its type
        return self.accept(value)


def papermill_path(path: Path) -> str:
    """A path for papermill, which fills in {} as str.format does."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def inspect(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, in the cell's order; ParameterError lists every fault."""
    where = notebook.name
    try:
        cells = nbformat.read(notebook, as_version=4).cells
        tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        statements = ast.parse("\n".join(cell.source for cell in tagged)).body
        lines = papermill.inspect_notebook(papermill_path(notebook))
    except FileNotFoundError:
        raise ParameterError([f"{where} does not exist in {notebook.parent.name}/"]) from None
    except SyntaxError as error:
        raise ParameterError([f"{where}: the parameters cell is not Python: {error}"]) from error
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise ParameterError([f"{where} cannot be read: {' '.join(str(error).split())}"]) from error
    if len(tagged) != 1:
        raise ParameterError([f"{where} has {len(tagged)} cells tagged 'parameters', not one"])
    # papermill skips what it cannot parse; here every statement has to be a parameter.
    found, problems = {}, []
    for statement in statements:
        try:
            name = ast.unparse(statement.target) if isinstance(statement, ast.AnnAssign) else ""
            if name in found:
                raise ValueError(f"'{name}' appears twice")
            found[name] = _parameter(lines.get(name, {}))
        except (ValueError, OverflowError) as error:
            problems.append(f"{where}: parameters cell, line {statement.lineno}: {error}")
    if problems:
        raise ParameterError(problems)
    return found


def _parameter(line: Mapping[str, str]) -> Parameter:
    """One line that papermill has split into name, type, value and help, checked."""
    if not line.get("help"):
        raise ValueError("it must read `name: type = value  # help`, with a single =")
    if (kind := TYPES.get(line["inferred_type_name"])) is None:
        raise ValueError(f"the type is '{line['inferred_type_name']}', not {', '.join(TYPES)}")
    try:
        default = ast.literal_eval(line["default"])
    except (ValueError, SyntaxError, TypeError):
        raise ValueError("the value must be a literal, not an expression") from None
    limits, choices = _LIMITS.search(line["help"]), _CHOICES.search(line["help"])
    parameter = Parameter(
        name=line["name"],
        type=kind,
        default=default,
        help=line["help"],
        limits=tuple(map(float, limits.groups())) if limits and kind in (int, float) else None,
        choices=tuple(c.strip() for c in choices[1].split("|")) if choices and kind is str else (),
    )
    parameter.accept(default)
    return parameter
