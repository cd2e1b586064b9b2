"""Repeating a run that ``run.json`` describes, and comparing its results with those of then.

On the same machine with the same code, metrics and weights must be identical. Other threads,
processors, library versions or code round differently, and a training amplifies that; what may then
differ, and by how much, is in ``TOLERANCES``. A later commit with the same library and notebooks is
the same code. Where notebooks were run one by one, each has its own commit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ecglib.batch import manifest
from ecglib.batch.parameters import Parameter, ParameterError, Value
from ecglib.batch.runner import Stage
from ecglib.paths import show

# Largest difference allowed where the conditions differ, by the end of a metric's name: more than
# one seed makes from the next (benchmarks/results/seeds.csv), and far more than other threads make
# (the same seed there, on one thread, against outputs/quick, on two). A training that was cut short
# is further apart, as far as two seeds: see benchmarks/results/repeatability.csv.
TOLERANCES = {"accuracy": 0.002, "macro_f1": 0.01, "f1_n": 0.002, "f1_v": 0.01, "f1_q": 0.01}
TOLERANCE = 0.03  # F1 of the rare classes, and whatever else there is
INTERVALS = ("_records_low", "_records_high", "_low", "_high")  # as wide a tolerance as the score's
OF = "commit of "
NUMERICAL = ("python", "numpy", "scipy", "scikit-learn", "pandas", "torch", "wfdb")


def read(path: Path) -> dict:
    """A run's manifest.

    Raises
    ------
    ParameterError
        There is none, or it lacks what is needed to repeat the run.
    """
    try:
        content = manifest.read(path.parent) if path.name == "run.json" else {}
    except (OSError, RecursionError):  # a folder of that name, say
        content = {}
    if not content:
        raise ParameterError([f"{show(path)} is not the run.json of a run by this project"])
    try:
        problems = [
            f"{show(path)}: {name} was made from other data than the rest; run everything again"
            for name, entry in content["notebooks"].items()
            if entry["data_sha256"] != content["data"]["sha256"]
        ]
        usable = bool(re.fullmatch(r"\w+", content["profile"]))  # it will name a folder
        usable = usable and isinstance(content["machine"]["threads"], int)
        # What is asked of it after the repetition is asked now, before the wait.
        _ = _conditions(content), _other_code(content, content), _weights(content)
        _ = dict(content["metrics"]), [dict(e["parameters"]) for e in content["notebooks"].values()]
    except (KeyError, TypeError, ValueError, AttributeError):
        usable = False
    if not usable:
        problems = [f"{show(path)} is incomplete: it does not say what is needed to repeat the run"]
    if problems:
        raise ParameterError(problems)
    return content


def plan(
    then: dict,
    stages: Sequence[Stage],
    known: Mapping[str, Mapping[str, Parameter]],
    pairs: Iterable[tuple[str, str]] = (),
) -> tuple[list[Stage], dict[str, dict[str, Value]]]:
    """The notebooks of a run and the parameters each of them had.

    Parameters
    ----------
    then : dict
        The manifest.
    stages, known
        The notebooks there are now, and their parameters.
    pairs : iterable of (name, text)
        Where the data are on this machine: ``source``, ``root``.

    Raises
    ------
    ParameterError
        A notebook or a parameter is not there any more, or does not take the value any more.
    """
    chosen = [stage for stage in stages if stage.name in then["notebooks"]]
    problems = [
        f"there is no notebook '{name}' any more"
        for name in then["notebooks"].keys() - {stage.name for stage in chosen}
    ]
    values: dict[str, dict[str, Value]] = {}
    for stage in chosen:
        own, values[stage.name] = known[stage.name], {}
        for name, value in then["notebooks"][stage.name]["parameters"].items():
            try:
                values[stage.name][name] = own[name].accept(value)
            except KeyError:
                problems.append(f"{stage.name} has no parameter '{name}' any more")
            except (ValueError, OverflowError) as error:
                problems.append(f"{stage.name}: '{name}' {error}")
        for name, text in pairs:
            if name in own:
                values[stage.name][name] = own[name].from_text(text)
        if values[stage.name].get("root") and "root" not in dict(pairs):
            problems.append("the data were in a folder of their own: say where with --root FOLDER")
    if problems:
        commit = then["project"]["commit"]
        raise ParameterError([*sorted(set(problems)), f"the run was made by commit {commit}"])
    return chosen, values


def foreword(then: dict, now: dict) -> str:
    """What to expect of a repetition before it begins, in a sentence.

    Parameters
    ----------
    then : dict
        The manifest of the run.
    now : dict
        From ``manifest.describe``.
    """
    if not (changed := _other_code(then, now)):
        return "Repeating the run with the code that made it."
    commits = sorted({old for old, _ in changed.values()})
    some = "commit" not in changed and len(changed) < len(then["notebooks"])
    whose = f" {', '.join(name.removeprefix(OF) for name in changed)} of" if some else ""
    return (
        f"The code is not that of{whose} the run ({' and '.join(commits)}), so results may differ "
        "within the tolerance; for an exact repetition, check out what made it."
    )


def report(then: dict, now: dict) -> bool:
    """Print what is the same and what differs; whether it is the same result.

    Parameters
    ----------
    then, now : dict
        The manifests of the run and of its repetition.
    """
    changed = {
        name: (old, new)
        for name, (old, new) in _side_by_side(_conditions(then), _conditions(now)).items()
        if old != new
    }
    other_code = _other_code(then, now)
    changed = other_code | changed
    print("\nConditions: " + ("the same" if not changed else "not the same"))
    for name, (old, new) in changed.items():
        print(f"  {name}: {old} then, {new} now")

    metrics = _side_by_side(then["metrics"], now["metrics"])
    if other_code:  # which may have got other metrics; there is nothing to compare them with
        for when, own, others in (("then", then, now), ("now", now, then)):
            if only := [name for name in own["metrics"] if name not in others["metrics"]]:
                print(f"Metrics only {when}: {', '.join(only)}")
        metrics = {name: pair for name, pair in metrics.items() if None not in pair}
    differing = {name: pair for name, pair in metrics.items() if pair[0] != pair[1]}
    beyond = [name for name, pair in differing.items() if not _close(name, *pair)]
    print(f"Metrics: {len(metrics) - len(differing)} of {len(metrics)} are identical")
    if differing:
        print(f"  {'':<42} {'then':>10} {'now':>10} {'difference':>11} {'allowed':>9}")
    for name, (old, new) in differing.items():
        gap = f"{new - old:+.6f}" if _numbers(old, new) else "-"
        allowed = f"{tolerance(name) if changed else 0:g}"
        print(f"  {name:<42} {old!s:>10} {new!s:>10} {gap:>11} {allowed:>9}")

    weights = _side_by_side(_weights(then), _weights(now))
    for name, (old, new) in weights.items():
        same = "identical" if old == new else "not identical" if old and new else "not recorded"
        print(f"Weights of {name}: {same}")
    other_weights = any(old != new for old, new in weights.values() if old and new)

    if not differing and not other_weights:
        print("The same result.")
    elif changed and not beyond:
        print(f"The same result within the tolerance. What differs: {', '.join(changed)}.")
    else:
        print("Another result" + (", although nothing else has changed." if not changed else "."))
        return False
    return True


def tolerance(metric: str) -> float:
    """How far a metric may be off where the conditions differ."""
    for end in INTERVALS:
        metric = metric.removesuffix(end)
    return next((t for end, t in TOLERANCES.items() if metric.endswith(end)), TOLERANCE)


def _close(metric: str, old: object, new: object) -> bool:
    return _numbers(old, new) and abs(old - new) <= tolerance(metric)


def _numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _conditions(content: dict) -> dict[str, object]:
    """What may change a result although the parameters and the data are the same."""
    software, machine = content["software"], content["machine"]
    names = ("platform", "processor", "features", "threads")
    started, notebooks = content.get("started", ""), content["notebooks"]
    earlier = {name: entry.get("finished", "~") < started for name, entry in notebooks.items()}
    return {
        **{f"software and machine of {n}": ("known", "not known")[e] for n, e in earlier.items()},
        **{name: machine.get(name, "unknown") for name in names},
        **{name: software.get(name, "unknown") for name in NUMERICAL},
        **{f"precision of {name}": m["precision"] for name, m in _models(content).items()},
    }


def _other_code(then: dict, now: dict) -> dict[str, tuple[str, str]]:
    """The commits then and now of what was made, or is being made, by other code.

    One pair named ``commit`` if it is the same for all notebooks, else one for each.
    """

    def commit(content: dict, name: str) -> str | None:
        return (
            content.get("notebooks", {}).get(name, {}).get("commit", content["project"]["commit"])
        )

    pairs = {f"{OF}{name}": (commit(then, name), commit(now, name)) for name in then["notebooks"]}
    untouched = not (then["project"]["dirty"] or now["project"]["dirty"])
    changed = {
        name: tuple(
            (which or "unknown")[:10] + " with changes" * bool(content["project"]["dirty"])
            for which, content in zip(pair, (then, now), strict=True)
        )
        for name, pair in pairs.items()
        if not (untouched and _same_code(*pair))
    }
    if len(changed) == len(pairs) and len(set(changed.values())) == 1:
        return {"commit": next(iter(changed.values()))}
    return changed


def _same_code(old: str | None, new: str | None) -> bool:
    """Whether two commits have the same library and notebooks; not if nobody knows."""
    return old is not None and (old == new or manifest.code(old) == manifest.code(new) is not None)


def _models(content: dict) -> dict[str, dict]:
    """What the notebooks' entries say about the models they saved."""
    entries = content["notebooks"].values()
    return {name: model for entry in entries for name, model in entry.get("models", {}).items()}


def _weights(content: dict) -> dict[str, str]:
    return {name: model["weights_sha256"] for name, model in _models(content).items()}


def _side_by_side(old: Mapping, new: Mapping) -> dict[str, tuple]:
    return {name: (old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])}
