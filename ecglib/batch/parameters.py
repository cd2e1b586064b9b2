"""The notebooks' parameters, read from their cells without running them.

The parameters cell is the one source of truth. Each of its lines reads
``name: type = value  # help``, and the help may state what is allowed: ``(1 to 200)`` after a
number, ``(kaggle | patients | random)`` after a text.
"""

import ast
import io
import math
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

Value = bool | int | float | str | list
TYPES = {"bool": bool, "int": int, "float": float, "str": str}
_LIMITS = re.compile(r"\(([-+.\de]+) to ([-+.\de]+)\)")
_CHOICES = re.compile(r"\(([^()|]+(?:\|[^()|]+)+)\)")


class ParameterError(ValueError):
    """What is wrong with a notebook's parameters or with those asked for: ``problems``, all."""

    def __init__(self, problems: Iterable[str]):
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell; ``type``, limits and choices are those of a list's items."""

    name: str
    type: type
    default: Value
    help: str
    is_list: bool = False
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    def accept(self, value: object) -> Value:
        """The value in this parameter's type; a whole number will do where a float is wanted.

        Raises
        ------
        ValueError
            The value has another type, or lies outside what the help allows.
        """
        if self.is_list:
            if type(value) is not list:
                raise ValueError(f"must be a list, not {value!r}")
            return [self.item.accept(item) for item in value]
        if self.type is float and type(value) is int:
            value = float(value)
        if type(value) is not self.type:  # not isinstance: True must not pass as an int
            raise ValueError(
                f"must be of type {self.type.__name__}, "
                f"but {value!r} is of type {type(value).__name__}"
            )
        if self.type is float and not math.isfinite(value):
            raise ValueError(f"must be a finite number, not {value!r}")
        if self.limits and not self.limits[0] <= value <= self.limits[1]:
            low, high = self.limits
            raise ValueError(f"must lie between {low:g} and {high:g}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}, not {value!r}")
        return value

    def from_text(self, text: str) -> Value:
        """The value that a text on the command line stands for: '007' stays '007' for a str.

        The items of a list are separated by commas.
        """
        if self.is_list:
            return [self.item.from_text(item) for item in text.split(",") if item]
        if self.type is bool:
            value = {"true": True, "false": False}.get(text.lower(), text)
        else:
            try:
                value = self.type(text)
            except ValueError:
                value = text  # refused by its type
        return self.accept(value)

    @property
    def item(self) -> "Parameter":
        return replace(self, is_list=False)

    @property
    def type_name(self) -> str:
        return f"list[{self.type.__name__}]" if self.is_list else self.type.__name__


def inspect(notebook: Path) -> dict[str, Parameter]:
    """Read a notebook's parameters without running any of it.

    Parameters
    ----------
    notebook : Path
        A notebook with exactly one code cell tagged ``parameters``.

    Returns
    -------
    dict of str to Parameter
        In the order of the cell.

    Raises
    ------
    ParameterError
        The notebook cannot be read, has no such cell or several, or a line of the cell is not a
        literal with type and help.
    """
    where = notebook.name
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except FileNotFoundError:
        raise ParameterError([f"{where} does not exist in {notebook.parent.name}/"]) from None
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise ParameterError([f"{where} cannot be read: {' '.join(str(error).split())}"]) from error
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ParameterError(
            [f"{where} has {len(tagged)} cells tagged 'parameters' where exactly one is needed"]
        )
    return _parse(tagged[0].source, where)


def _parse(source: str, where: str) -> dict[str, Parameter]:
    try:
        statements = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ParameterError([f"{where}: the parameters cell is not Python: {error}"]) from error
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    found, problems = {}, []
    for statement in statements:
        try:
            parameter = _parse_line(statement, comments.get(statement.end_lineno, ""))
            if parameter.name in found:
                raise ValueError(f"'{parameter.name}' appears twice")
            found[parameter.name] = parameter
        except ValueError as error:
            problems.append(f"{where}: parameters cell, line {statement.lineno}: {error}")
    if problems:
        raise ParameterError(problems)
    return found


def _parse_line(statement: ast.stmt, help_text: str) -> Parameter:
    simple = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    if not (simple and statement.value and help_text):
        raise ValueError("it must read `name: type = value  # help`")
    annotation = ast.unparse(statement.annotation)
    item = annotation.removeprefix("list[").removesuffix("]")
    if item not in TYPES or annotation not in (item, f"list[{item}]"):
        raise ValueError(f"the type is '{annotation}' but must be {', '.join(TYPES)} or list[...]")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise ValueError("the value must be a literal, not an expression") from None
    limits, choices = _LIMITS.search(help_text), _CHOICES.search(help_text)
    kind = TYPES[item]
    parameter = Parameter(
        name=statement.target.id,
        type=kind,
        default=default,
        help=help_text,
        is_list=annotation != item,
        limits=tuple(map(float, limits.groups())) if limits and kind in (int, float) else None,
        choices=tuple(c.strip() for c in choices[1].split("|")) if choices and kind is str else (),
    )
    parameter.accept(default)
    return parameter
