"""What a run is asked to do: parameter files and single parameters, merged and checked.

papermill only warns about a parameter that a notebook does not have, and it writes a parameter's
*name* into the notebook as code. So everything is checked here, before a kernel starts, and every
problem is reported at once.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import yaml

from ecglib.batch.parameters import Parameter, ParameterError, Value

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Loader(yaml.SafeLoader):
    """YAML that reads 1e-3 as a number, as JSON and YAML 1.2 do."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_file(path: Path) -> dict[object, object]:
    """Read a parameter file: a YAML mapping of names to values, in which no name stands twice.

    Raises
    ------
    ParameterError
        The file cannot be read, is not such a mapping, or repeats a name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_Loader)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ParameterError([f"{path.name}, line {line}: not YAML: {error.problem}"]) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ParameterError(
            [f"{path.name} cannot be read: {' '.join(str(error).split())}"]
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ParameterError([f"{path.name} must hold lines of the form `name: value`"])
    counts = Counter(key.value for key, _ in tree.value)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise ParameterError(f"{path.name}: '{name}' appears more than once" for name in repeated)
    return values


def merge(
    known: Mapping[str, Mapping[str, Parameter]],
    selected: Iterable[str],
    files: Iterable[Path] = (),
    pairs: Iterable[tuple[str, str]] = (),
    reserved: Iterable[str] = (),
) -> dict[str, dict[str, Value]]:
    """Merge parameter files and single parameters, later ones winning, and check all of them.

    Parameters
    ----------
    known : mapping of notebook to its parameters
        Every notebook of the project: a file may name parameters of notebooks that are not run.
    selected : iterable of str
        The notebooks to run. A pair must be a parameter of one of them.
    files : iterable of Path
        YAML files, the first one weakest.
    pairs : iterable of (name, text)
        As typed on the command line; they win over the files.
    reserved : iterable of str
        Names that the runner sets itself.

    Returns
    -------
    dict of notebook to dict
        For each selected notebook the values that were asked for, of the notebook's own types.

    Raises
    ------
    ParameterError
        With every problem of every file and pair.
    """
    selected, reserved, problems = list(selected), set(reserved), []
    asked: list[tuple[str, object, object]] = []
    for path in files:
        try:
            asked += [(path.name, name, value) for name, value in read_file(path).items()]
        except ParameterError as error:
            problems += error.problems
    asked += [("-p", name, text) for name, text in pairs]

    values: dict[str, dict[str, Value]] = {notebook: {} for notebook in known}
    names = sorted({name for parameters in known.values() for name in parameters} - reserved)
    for origin, name, value in asked:
        owners = [notebook for notebook, parameters in known.items() if name in parameters]
        if name in reserved:
            problems.append(f"{origin}: '{name}' is set by the runner and cannot be changed")
        elif not owners:
            problems.append(f"{origin}: {_unknown(name, names)}")
        elif origin == "-p" and not set(owners) & set(selected):
            problems.append(
                f"-p: '{name}' belongs to {', '.join(owners)}, which is not to be run now"
            )
        for notebook in owners:
            parameter = known[notebook][name]
            try:
                accept = parameter.from_text if origin == "-p" else parameter.accept
                values[notebook][name] = accept(value)
            except (ValueError, OverflowError) as error:
                problems.append(f"{origin}: '{name}' {error}")
    if problems:
        raise ParameterError(problems)
    return {notebook: values[notebook] for notebook in selected}


def _unknown(name: object, names: list[str]) -> str:
    valid = isinstance(name, str) and _NAME.fullmatch(name) and not keyword.iskeyword(name)
    if not valid:
        return f"{name!r} is not a parameter name (letters, digits and _ only)"
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(names)}"
    return f"no notebook has a parameter '{name}'; {hint}"
