"""Repeat the run that ``run.json`` describes, and compare the results.

The same code and data on the same machine give identical metrics and weights. Other threads,
processors, libraries or code round differently, and a training amplifies it: see ``TOLERANCES``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ecglib.batch import manifest
from ecglib.batch.parameters import Parameter, ParameterError, Value
from ecglib.batch.runner import Stage
from ecglib.paths import show

# Largest differences allowed under other conditions, by the end of a metric's name: a little wider
# than between seeds (benchmarks/results/seeds.csv). A training that was cut short may differ by as
# much as two seeds (benchmarks/results/repeatability.csv).
TOLERANCES = {"accuracy": 0.002, "macro_f1": 0.01, "f1_n": 0.002, "f1_v": 0.01, "f1_q": 0.01}
TOLERANCE = 0.03  # F1 of the rare classes, and all other metrics
INTERVALS = ("_records_low", "_records_high", "_low", "_high")  # allowed as much as the score
UNKNOWN = "unknown"
MACHINE = ("platform", "processor", "features", "threads")
NUMERICAL = ("python", "numpy", "scipy", "scikit-learn", "pandas", "torch", "wfdb")


def read(path: Path) -> dict:
    """The manifest of a run that can be repeated; ParameterError if it cannot."""
    try:
        content = manifest.read(path.parent) if path.name == "run.json" else {}
    except (OSError, RecursionError):  # a folder of that name, say
        content = {}
    if not content:
        raise ParameterError([f"{show(path)} is not the run.json of a run by this project"])
    try:
        mixed = [
            f"{show(path)}: {name} was made from other data than the rest; run everything again"
            for name, entry in content["notebooks"].items()
            if entry["data_sha256"] != content["data"]["sha256"]
        ]
        complete = bool(re.fullmatch(r"\w+", content["profile"]))  # it will name a folder
        complete = complete and isinstance(content["machine"]["threads"], int)
        # The comparison after the repetition needs these: try them now, before the long wait.
        _ = _conditions(content), _other_code(content, content), _weights(content)
        _ = dict(content["metrics"]), [dict(e["parameters"]) for e in content["notebooks"].values()]
    except (KeyError, TypeError, ValueError, AttributeError):
        complete = False
    if not complete:
        raise ParameterError([f"{show(path)} is incomplete, so the run cannot be repeated"])
    if mixed:
        raise ParameterError(mixed)
    return content


def plan(
    then: dict,
    stages: Sequence[Stage],
    known: Mapping[str, Mapping[str, Parameter]],
    pairs: Iterable[tuple[str, str]] = (),
) -> tuple[list[Stage], dict[str, dict[str, Value]]]:
    """The notebooks of a run and their parameters; ``pairs`` say where the data are now."""
    chosen = [stage for stage in stages if stage.name in then["notebooks"]]
    problems = [
        f"there is no notebook '{name}' any more"
        for name in then["notebooks"].keys() - {stage.name for stage in chosen}
    ]
    values: dict[str, dict[str, Value]] = {}
    for stage in chosen:
        own, values[stage.name] = known[stage.name], {}
        changes = [(*pair, Parameter.from_text) for pair in pairs if pair[0] in own]
        recorded = then["notebooks"][stage.name]["parameters"].items()
        for name, value, accept in [*((*pair, Parameter.accept) for pair in recorded), *changes]:
            try:
                values[stage.name][name] = accept(own[name], value)
            except KeyError:
                problems.append(f"{stage.name} has no parameter '{name}' any more")
            except (ValueError, OverflowError) as error:
                problems.append(f"{stage.name}: '{name}' {error}")
        if values[stage.name].get("root") and "root" not in dict(pairs):
            problems.append("the data were in a folder of their own: name it with --root FOLDER")
    if problems:
        commit = then["project"]["commit"]
        raise ParameterError([*sorted(set(problems)), f"the run was made by commit {commit}"])
    return chosen, values


def foreword(then: dict, now: dict) -> str:
    """Whether exactly the same results can be expected, in a sentence."""
    if not (changed := _other_code(then, now)):
        return "Repeating the run with the code that made it."
    commits = " and ".join(sorted({old for old, _ in changed.values()}))
    return (
        f"The code of {', '.join(changed)} is not that of the run ({commits}), so results may "
        "differ within the tolerance. Check out that commit for an exact repetition."
    )


def report(then: dict, now: dict) -> bool:
    """Print a comparison of two manifests; True if the results are the same."""
    other_code = _other_code(then, now)
    changed = {f"code of {name}": commits for name, commits in other_code.items()}
    changed |= _differing(_conditions(then), _conditions(now))
    print(f"\nConditions: {'not ' * bool(changed)}the same")
    for name, (old, new) in changed.items():
        print(f"  {name}: {old} then, {new} now")

    before, after = then["metrics"], now["metrics"]
    # Other code may compute other metrics: only those of both are compared.
    compared = before.keys() & after.keys() if other_code else before.keys() | after.keys()
    for when, metrics in (("then", before), ("now", after)):
        if only := [name for name in metrics if name not in compared]:
            print(f"Metrics only {when}: {', '.join(only)}")
    differing = {n: pair for n, pair in _differing(before, after).items() if n in compared}
    print(f"Metrics: {len(compared) - len(differing)} of {len(compared)} are identical")
    if differing:
        print(f"  {'':<42} {'then':>10} {'now':>10} {'difference':>11} {'allowed':>9}")
    within = bool(changed)
    for name, (old, new) in differing.items():
        numbers = isinstance(old, int | float) and isinstance(new, int | float)
        allowed = tolerance(name) if changed else 0
        within = within and numbers and abs(new - old) <= allowed
        gap = f"{new - old:+.6f}" if numbers else "-"
        print(f"  {name:<42} {old!s:>10} {new!s:>10} {gap:>11} {allowed:>9g}")

    other_weights = _differing(_weights(then), _weights(now))
    for name in _weights(then) | _weights(now):
        state = "not recorded" if UNKNOWN in other_weights.get(name, ()) else "not identical"
        print(f"Weights of {name}: {state if name in other_weights else 'identical'}")

    if not differing and all(UNKNOWN in pair for pair in other_weights.values()):
        print("The same result.")
        return True
    if within:
        print(f"The same result within the tolerance. What differs: {', '.join(changed)}.")
    else:
        print("Another result" + (", although nothing else has changed." if not changed else "."))
    return within


def tolerance(metric: str) -> float:
    """The largest difference of a metric that is allowed under other conditions."""
    for end in INTERVALS:
        metric = metric.removesuffix(end)
    return next((t for end, t in TOLERANCES.items() if metric.endswith(end)), TOLERANCE)


def _conditions(content: dict) -> dict[str, object]:
    """All that may change a result, apart from code, data and parameters."""
    software, machine = content["software"], content["machine"]
    started, notebooks = content.get("started", ""), content["notebooks"]
    recorded = [n for n, entry in notebooks.items() if entry.get("finished", "~") >= started]
    return {
        **{f"software and machine of {name}": "recorded" for name in recorded},
        **{name: machine.get(name, UNKNOWN) for name in MACHINE},
        **{name: software.get(name, UNKNOWN) for name in NUMERICAL},
        **{f"precision of {name}": m["precision"] for name, m in _models(content).items()},
    }


def _other_code(then: dict, now: dict) -> dict[str, tuple[str, str]]:
    """The commits then and now of each notebook that was, or will be, made by other code."""

    def commit(content: dict, name: str) -> str | None:
        entry = content.get("notebooks", {}).get(name, {})
        return entry.get("commit", content["project"]["commit"])

    def show_commit(content: dict, name: str) -> str:
        changes = " with changes" * bool(content["project"]["dirty"])
        return (commit(content, name) or UNKNOWN)[:10] + changes

    def same(old: str | None, new: str | None) -> bool:
        trees = manifest.code(old), manifest.code(new)
        return old is not None and (old == new or trees[0] == trees[1] is not None)

    dirty = then["project"]["dirty"] or now["project"]["dirty"]
    return {
        name: (show_commit(then, name), show_commit(now, name))
        for name in then["notebooks"]
        if dirty or not same(commit(then, name), commit(now, name))
    }


def _models(content: dict) -> dict[str, dict]:
    """The saved models of all notebooks."""
    entries = content["notebooks"].values()
    return {name: model for entry in entries for name, model in entry.get("models", {}).items()}


def _weights(content: dict) -> dict[str, str]:
    return {name: model["weights_sha256"] for name, model in _models(content).items()}


def _differing(old: Mapping, new: Mapping) -> dict[str, tuple]:
    """The old and the new value of each name whose values differ."""
    pairs = {name: (old.get(name, UNKNOWN), new.get(name, UNKNOWN)) for name in {**old, **new}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
