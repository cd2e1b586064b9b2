#!/usr/bin/env python
"""Execute the notebooks in order and check that each one makes all it promises.

    python run_all.py                          the quick profile: real data, minutes
    python run_all.py --list                   the notebooks and their parameters
    python run_all.py --only 03 -p epochs 5    one notebook, one parameter changed
    python run_all.py -p seed 1 --dry-run      show the plan, run nothing
    python run_all.py --check                  check this machine
    python run_all.py --verify outputs/quick/run.json   repeat that run and compare the results

Later values win: the notebook's own, the profile, each -f FILE, then -p, --source and --root.
Exit status: 0 all cells ran and all promised files exist; 1 a notebook failed, or a repeated run
gave other results; 2 nothing ran: the call, a parameter, the data source or the machine is wrong;
3 another run is writing to the same folder; 130 stopped by Ctrl-C; 143 stopped by SIGTERM.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from ecglib.batch import doctor, locks, manifest, parameters, profiles, runner, verify
    from ecglib.batch.parameters import ParameterError
    from ecglib.batch.runner import Stage
    from ecglib.datasets import sources
    from ecglib.paths import ROOT, Run, given, show
except Exception as error:  # an old Python, or a package that is missing or damaged
    if __name__ != "__main__":
        raise
    from ecglib.batch import doctor

    print(f"This Python cannot run the notebooks ({error}).", file=sys.stderr)
    sys.exit(doctor.check() or 2)

STAGES = (
    Stage(
        "01_data",
        "What is in the MIT-BIH recordings, how is a beat cut, why does the split matter?",
        makes=("figures/01_*.png", "metrics/01_data.json"),
    ),
    Stage(
        "02_knn_baseline",
        "How good is a simple method, without a network?",
        makes=("figures/02_*.png", "metrics/02_knn.json", "predictions/knn_test.npz"),
    ),
    Stage(
        "03_cnn_lstm_training",
        "What does the network see, and how is it trained?",
        makes=("figures/03_*.png", "metrics/03_training.json", "metrics/03_history.csv"),
        models=("{architecture}",),
    ),
    Stage(
        "04_evaluation",
        "How good is the network, how certain, and for which patients?",
        makes=("figures/04_*.png", "metrics/04_evaluation.json", "metrics/headline.json"),
        needs="a data source, the predictions of 02 and the model of 03",
    ),
    Stage(
        "05_classifier_demo",
        "How does it classify my own ECG?",
        makes=("figures/05_demo.png",),
        needs="a data source and the model of 03",
    ),
)


def main(
    arguments: Sequence[str] | None = None,
    *,
    stages: Sequence[Stage] = STAGES,
    notebooks: Path = ROOT / "notebooks",
    outputs: str = "outputs",
) -> int:
    """Run the command line and return the exit status; the keywords are for tests."""
    locks.print_anything()
    if folder := os.environ.get("ECG_DATA"):  # the notebooks work in a folder of their own
        os.environ["ECG_DATA"] = str(given(folder))
    options = parse(arguments, sorted(p.stem for p in (notebooks / "profiles").glob("*.yml")))
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
            files = [notebooks / "profiles" / f"{options.profile}.yml", *options.file]
            values = profiles.merge(known, [s.name for s in chosen], files, options.parameter)
    except ParameterError as error:
        return fail(2, "Nothing was run.", *(f"- {problem}" for problem in error.problems))
    hand_out(values, known, run_dir=output.run_dir)
    if options.dry_run:
        print_plan(chosen, known, values)
        return 0

    try:
        with locks.stoppable(), locks.one_at_a_time(output.folder):
            merged = {name: value for own in values.values() for name, value in own.items()}
            try:
                root = str(given(merged["root"])) if merged.get("root") else ""
                located = sources.locate(merged.get("source", "auto"), root or None)
                checksum = located.checksum()
            except (sources.DataSourceError, ValueError, OSError) as error:
                return fail(2, f"Nothing was run. {error}")
            print(f"Data: {located.describe()}", flush=True)
            hand_out(values, known, source=located.source, root=root)
            description = manifest.describe(options.profile, located.source, checksum)
            if then and checksum != then["data"]["sha256"]:
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
        return fail(
            128 + (stop.args or [signal.SIGINT])[0], "Stopped. Finished notebooks are kept."
        )
    if then:
        return 0 if verify.report(then, manifest.read(output.folder)) else 1
    print_results(output)
    return 0


def parse(arguments: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    """The command line's options; a wrong command line ends the program with status 2."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style, allow_abbrev=False)
    add = parser.add_argument
    add("--profile", choices=names, help="parameter file (default: quick)")
    add("-p", dest="parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="set one parameter of the notebooks")  # fmt: skip
    add("-f", dest="file", type=Path, action="append", default=[], help="YAML file of parameters")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", metavar="03", help="run this notebook alone")
    which.add_argument("--from", dest="start", metavar="03", help="run this and all later ones")
    add("--source", dest="parameter", action="append", type=lambda name: ["source", name],
        metavar="NAME", help=f"source of the beats: {', '.join(sources.SOURCES)}")  # fmt: skip
    add("--root", dest="parameter", action="append", type=lambda folder: ["root", folder],
        metavar="FOLDER", help="folder with the recordings")  # fmt: skip
    add("--list", action="store_true", help="show the notebooks and their parameters, run nothing")
    add("--dry-run", action="store_true", help="check the call, show the plan, run nothing")
    add("--check", action="store_true", help="check this machine: Python, packages, kernel, data")
    add("--verify", type=Path, metavar="RUN.JSON", help="repeat that run and compare the results")
    options = parser.parse_args(arguments)
    others = {name for name, _ in options.parameter} - {"source", "root"}
    if options.verify and any((options.profile, options.file, options.only, options.start, others)):
        parser.error("--verify repeats a run unchanged: use only --source and --root with it")
    options.profile = options.profile or "quick"
    return options


def inspect_all(stages: Sequence[Stage], notebooks: Path) -> dict[str, dict]:
    """Each notebook's parameters; ParameterError lists the faults of all notebooks."""
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
    """The stages to run: all, one, or all from one on; chosen by number or by full name."""
    wanted = only or start
    names = [stage.name for stage in stages]
    matches = [i for i, name in enumerate(names) if wanted in (name, name.split("_")[0])]
    if wanted and len(matches) != 1:
        raise ParameterError([f"there is no notebook '{wanted}'; there are: {', '.join(names)}"])
    first = matches[0] if wanted else 0
    return list(stages[first : first + 1 if only else None])


def hand_out(values: dict[str, dict], known: dict[str, dict], **common) -> None:
    """Set common parameters in every notebook that has them."""
    for notebook, own in values.items():
        own.update((name, value) for name, value in common.items() if name in known[notebook])


def print_stages(stages: Sequence[Stage], known: dict[str, dict]) -> None:
    for stage in stages:
        print(f"\n{stage.name}: {stage.question}\n  needs  {stage.needs}")
        makes = [*stage.makes, *(f"model {name}" for name in stage.models)]
        print(f"  makes  {', '.join(makes)}")
        for parameter in known[stage.name].values():
            setting = f"{parameter.name}: {parameter.type.__name__} = {parameter.default!r}"
            print(f"    {setting:<36}  {parameter.help}")


def print_plan(stages: list[Stage], known: dict, values: dict[str, dict]) -> None:
    for stage in stages:
        print(stage.name)
        for name, parameter in known[stage.name].items():
            value = values[stage.name].get(name, parameter.default)
            print(f"  {name} = {value!r}{'' if name in values[stage.name] else '  (default)'}")


def print_results(output: Run) -> None:
    """The folder of all results, and the headline metrics."""
    print(f"\nNotebooks, figures, metrics and run.json are in {show(output.folder)}/.")
    for name, value in manifest.headline(output.folder).items():
        if not name.endswith(("_low", "_high")):  # the bounds of intervals: see run.json
            print(f"{name:<40} {f'{value:.4f}' if isinstance(value, float) else value}")


def fail(status: int, *lines: str) -> int:
    print(*lines, sep="\n", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
