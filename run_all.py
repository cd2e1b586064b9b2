#!/usr/bin/env python
"""Execute the notebooks in order and check that each did what it promises.

    python run_all.py                          the quick profile: real data, minutes
    python run_all.py --list                   the notebooks and their parameters
    python run_all.py --only 03 -p epochs 5    one notebook, one parameter changed
    python run_all.py -p seed 1 --dry-run      what would run, with which parameters
    python run_all.py --check                  whether this machine has what is needed
    python run_all.py --verify outputs/quick/run.json   repeat that run, and compare the results

Later ones win: the notebook's own value, the profile, each -f FILE, then -p, --source and --root.
Exit status: 0 every cell ran and every promised file is there; 1 a notebook failed, or a repeated
run gave another result; 2 the call, a parameter, the data source or the machine is wrong, nothing
ran; 3 another run is writing to the same folder; 130 stopped by Ctrl-C; 143 by SIGTERM.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

try:
    from ecglib.batch import doctor, locks, manifest, parameters, profiles, runner, verify
    from ecglib.batch.parameters import Parameter, ParameterError
    from ecglib.batch.runner import Stage
    from ecglib.datasets import sources
    from ecglib.paths import ROOT, Run, given, show
except Exception as error:  # an old Python, or a package that is missing or damaged
    if __name__ != "__main__":
        raise
    from ecglib.batch import doctor

    print(f"This Python can't run the notebooks ({error}).", file=sys.stderr)
    sys.exit(doctor.check() or 2)

STAGES = (
    Stage(
        name="01_data",
        question="What is in the MIT-BIH recordings, how is a beat cut, why does the split matter?",
        needs="a data source",
        makes=("figures/01_*.png", "metrics/01_data.json"),
    ),
    Stage(
        name="02_knn_baseline",
        question="How far does a method without learning get?",
        needs="a data source",
        makes=("figures/02_*.png", "metrics/02_knn.json", "predictions/knn_test.npz"),
    ),
    Stage(
        name="03_cnn_lstm_training",
        question="What does the network see, and how is it trained?",
        needs="a data source",
        makes=("figures/03_*.png", "metrics/03_training.json", "metrics/03_history.csv"),
        models=("{architecture}",),
    ),
    Stage(
        name="04_evaluation",
        question="How good is it really, for whom, and how sure?",
        needs="a data source, the predictions of 02 and the model of 03",
        makes=("figures/04_*.png", "metrics/04_evaluation.json", "metrics/headline.json"),
    ),
    Stage(
        name="05_classifier_demo",
        question="What does it say about my ECG?",
        needs="a data source and the model of 03",
        makes=("figures/05_demo.png",),
    ),
)


def main(
    arguments: Sequence[str] | None = None,
    *,
    stages: Sequence[Stage] = STAGES,
    notebooks: Path = ROOT / "notebooks",
    profile_files: Path = ROOT / "notebooks" / "profiles",
    outputs: str = "outputs",
) -> int:
    """Run the command line; the keywords are for tests. Returns the exit status."""
    locks.print_anything()
    if folder := os.environ.get("ECG_DATA"):  # the notebooks work in a folder of their own
        os.environ["ECG_DATA"] = str(given(folder))
    options = parse(arguments, sorted(path.stem for path in profile_files.glob("*.yml")))
    if options.check:
        return doctor.check()
    output, then = Run(f"{outputs}/{options.profile}"), {}
    try:
        known = inspect_all(stages, notebooks)
        if options.list:
            print_stages(stages, known)
            return 0
        if options.verify:
            then = verify.read(options.verify)
            options.profile, output = then["profile"], Run(f"{outputs}/{then['profile']}-again")
            chosen, values = verify.plan(then, stages, known, options.parameter)
            os.environ.setdefault("OMP_NUM_THREADS", str(then["machine"]["threads"]))
        else:
            chosen = select(stages, options.only, options.start)
            values = profiles.merge(
                known,
                [stage.name for stage in chosen],
                files=[profile_files / f"{options.profile}.yml", *options.file],
                pairs=options.parameter,
                reserved=["run_dir"],
            )
    except ParameterError as error:
        return fail(2, "Nothing was run.", *(f"- {problem}" for problem in error.problems))
    hand_out(values, known, run_dir=output.run_dir)
    if options.dry_run:
        print_plan(chosen, known, values)
        return 0

    try:
        with locks.stoppable(), locks.one_at_a_time(output.folder):
            source, root = asked_source(values)
            try:
                located = sources.locate(source, root or None)
                checksum = located.checksum()
            except (sources.DataSourceError, ValueError, OSError) as error:
                return fail(2, f"Nothing was run. {error}")
            print(f"Data: {located.describe()}", flush=True)
            hand_out(values, known, source=located.source, **({"root": root} if root else {}))
            description = manifest.describe(options.profile, located.source, checksum)
            if then and description["data"]["sha256"] != then["data"]["sha256"]:
                return fail(2, f"Nothing was run. {show(options.verify)} used other data.")
            if then:
                print(verify.foreword(then, description), flush=True)
            runner.run(chosen, values, notebooks, output, description)
    except runner.NotebookError as error:
        return fail(1, f"Stopped at {error}")
    except locks.LockedError as error:
        return fail(3, str(error))
    except OSError as error:
        return fail(1, f"Stopped: {error}")
    except KeyboardInterrupt as stop:
        number = stop.args[0] if stop.args else signal.SIGINT
        return fail(128 + number, "Stopped. The notebooks finished before are kept.")
    if then:
        return 0 if verify.report(then, manifest.read(output.folder)) else 1
    print_results(output)
    return 0


def parse(arguments: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    """The command line's options; leaves with exit status 2 if it cannot be understood."""
    summary, details = __doc__.split("\n", 1)
    parser = argparse.ArgumentParser(
        description=summary,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--profile", choices=names, help="parameter file (default: quick)")
    add("-p", dest="parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="set one parameter of the notebooks")  # fmt: skip
    add("-f", dest="file", type=Path, action="append", default=[], metavar="FILE",
        help="set parameters from a YAML file")  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", metavar="03", help="run this notebook alone")
    which.add_argument("--from", dest="start", metavar="03", help="run this and all later ones")
    add("--source", metavar="NAME", help=f"where the beats come from: {', '.join(sources.SOURCES)}")
    add("--root", metavar="FOLDER", help="folder with the recordings")
    add("--list", action="store_true", help="show the notebooks and their parameters, run nothing")
    add("--dry-run", action="store_true", help="check everything, show the plan, run nothing")
    add("--check", action="store_true", help="tell whether this machine has what is needed")
    add("--verify", type=Path, metavar="RUN.JSON", help="repeat that run, compare the results")
    options = parser.parse_args(arguments)
    others = (options.profile, options.parameter, options.file, options.only, options.start)
    if options.verify and any(others):
        parser.error("--verify repeats a run as it was; only --source and --root go with it")
    options.profile = options.profile or "quick"
    for name, value in (("source", options.source), ("root", options.root)):
        if value is not None:
            options.parameter.append([name, value])
    return options


def inspect_all(stages: Sequence[Stage], notebooks: Path) -> dict[str, dict[str, Parameter]]:
    """Each notebook's parameters; ParameterError tells what is wrong with any of them."""
    known, problems = {}, []
    for stage in stages:
        try:
            known[stage.name] = parameters.inspect(notebooks / f"{stage.name}.ipynb")
        except ParameterError as error:
            problems += error.problems
    if problems:
        raise ParameterError(problems)
    return known


def select(stages: Sequence[Stage], only: str | None, start: str | None) -> list[Stage]:
    """The stages to run: all, or one, or all from one on; named by number or by full name."""
    wanted = only or start
    if wanted is None:
        return list(stages)
    names = [stage.name for stage in stages]
    matches = [i for i, name in enumerate(names) if wanted in (name, name.split("_")[0])]
    if len(matches) != 1:
        raise ParameterError([f"there is no notebook '{wanted}'; there are: {', '.join(names)}"])
    return list(stages[matches[0] : matches[0] + 1 if only else None])


def asked_source(values: Mapping[str, Mapping]) -> tuple[str, str]:
    """The source and root that were asked for; a root is made absolute, as notebooks need it."""
    merged = {name: value for own in values.values() for name, value in own.items()}
    root = merged.get("root", "")
    return merged.get("source", "auto"), str(given(root)) if root else ""


def hand_out(values: dict[str, dict], known: dict[str, dict[str, Parameter]], **common) -> None:
    """Give common parameters to every notebook that has them."""
    for notebook, own in values.items():
        own.update((name, value) for name, value in common.items() if name in known[notebook])


def print_stages(stages: Sequence[Stage], known: dict[str, dict[str, Parameter]]) -> None:
    for stage in stages:
        print(f"\n{stage.name}: {stage.question}")
        print(f"  needs  {stage.needs}")
        makes = [*stage.makes, *(f"model {name}" for name in stage.models)]
        print(f"  makes  {', '.join(makes)}")
        for parameter in known[stage.name].values():
            setting = f"{parameter.name}: {parameter.type_name} = {parameter.default!r}"
            print(f"    {setting:<36}  {parameter.help}")


def print_plan(stages: list[Stage], known: dict, values: dict[str, dict]) -> None:
    for stage in stages:
        print(stage.name)
        for name, parameter in known[stage.name].items():
            changed = name in values[stage.name]
            value = values[stage.name].get(name, parameter.default)
            print(f"  {name} = {value!r}{'' if changed else '  (default)'}")


def print_results(output: Run) -> None:
    """The headline metrics, and where everything is."""
    print()
    for name, value in manifest.headline(output.folder).items():
        if name.endswith(("_low", "_high")):  # the bounds of intervals: see run.json
            continue
        print(f"{name:<40} {f'{value:.4f}' if isinstance(value, float) else value}")
    for folder in ("notebooks", "figures", "metrics"):
        print(f"{folder:<10} {show(output.folder / folder)}/")
    print(f"{'manifest':<10} {show(output.folder / 'run.json')}")


def fail(status: int, *lines: str) -> int:
    print(*lines, sep="\n", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
