"""Parameter files and single parameters of a call, merged and checked.

papermill only warns about an unknown parameter, and writes its name into the notebook as code. So
everything is checked here, before a kernel starts, and every problem is reported at once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import yaml

from ecglib.batch.parameters import Parameter, ParameterError, Value

RESERVED = {"run_dir"}  # set by the runner


class _Loader(yaml.SafeLoader):
    """YAML that reads 1e-3 as a number, as JSON and YAML 1.2 do."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_file(path: Path) -> dict[object, object]:
    """A parameter file, a YAML mapping of names to values in which no name appears twice."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_Loader)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ParameterError([f"{path.name}, line {line}: not YAML: {error.problem}"]) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ParameterError([f"{path.name} cannot be read: {reason}"]) from error
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
) -> dict[str, dict[str, Value]]:
    """The changed parameters of each selected notebook; later files win, and pairs over files."""
    # ``known`` has all notebooks: a file may name parameters of notebooks that are not run.
    selected, problems = list(selected), []
    given: list[tuple[str, object, object]] = []
    for path in files:
        try:
            given += [(path.name, name, value) for name, value in read_file(path).items()]
        except ParameterError as error:
            problems += error.problems
    given += [("-p", name, text) for name, text in pairs]

    values: dict[str, dict[str, Value]] = {notebook: {} for notebook in known}
    names = sorted({name for parameters in known.values() for name in parameters} - RESERVED)
    for origin, name, value in given:
        owners = [notebook for notebook, parameters in known.items() if name in parameters]
        if name in RESERVED:
            problems.append(f"{origin}: '{name}' is set by the runner and cannot be changed")
        elif not owners:
            close = get_close_matches(str(name), names, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(names)}"
            problems.append(f"{origin}: no notebook has a parameter '{name}'; {hint}")
        elif origin == "-p" and not set(owners) & set(selected):
            problems.append(f"-p: '{name}' belongs to {', '.join(owners)}, which will not be run")
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
