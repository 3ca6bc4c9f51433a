"""`python -m tools.mutants [-n EACH] [--seed N] [--all] [NAME…]`: how many mutants of the core the unit tests notice.

Each mutant meets the tests that run its line, quickest first, until one fails. `.local/mutants` keeps which tests run
which line, and every result, so a run that was stopped goes on where it was. tests/mutants.toml explains those that
survive: it changes nothing that anybody could see, or what it changes is a tuning value.
"""

import argparse
import ast
import hashlib
import json
import os
import random
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from tools.mutants import session
from tools.mutants.changes import Mutant, mutants

ROOT, PACKAGE = session.ROOT, session.PACKAGE
STATE = ROOT / ".local" / "mutants"
RESULTS = ROOT / "bench" / "results" / "mutants.json"
EXPLAINED = ROOT / "tests" / "mutants.toml"
CORE = {
    "delivery": ["delivery.py"],
    "retry": ["retry.py"],
    "intake": ["intake.py"],
    "dynamo": ["dynamo/*.py"],
    "clemta": ["clemta/*.py"],
    "signatures": ["sources/signatures.py"],
    "recogniser": ["sources/fields.py", "sources/naming.py", "sources/answers.py"],
}
WANTED = 0.9


def digest(*paths: Path) -> str:
    """Of the contents of files and folders."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".toml", ".json"):
                found.update(file.read_bytes())
    return found.hexdigest()[:16]


@dataclass
class Map:
    """Which tests run which line of which module."""

    lines: dict[str, dict[str, list[int]]]
    seconds: dict[str, float]

    @classmethod
    def up_to_date(cls) -> "Map":
        """Runs the files of tests that are new, or whose code or support changed."""
        STATE.mkdir(parents=True, exist_ok=True)
        shared = digest(PACKAGE, ROOT / "tests" / "support")
        files = {path: STATE / f"{path.stem}-{shared}-{digest(path)}.json" for path in _test_files()}
        if missing := [path for path, kept in files.items() if not kept.exists()]:
            print(f"finding out what {len(missing)} files of tests run", flush=True)
            out = STATE / f"map-{os.getpid()}.json"
            process = os.fork()
            if process == 0:
                session.silence()
                os._exit(session.contexts([str(path.relative_to(ROOT)) for path in missing], out))
            if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) != 0:
                sys.exit("the unit tests fail: see make quick")
            fresh = json.loads(out.read_text())
            out.unlink()
            for path in missing:
                mine = f"{path.relative_to(ROOT)}::"
                part = {
                    name: {test: value for test, value in values.items() if test.startswith(mine)}
                    for name, values in fresh.items()
                }
                for stale in STATE.glob(f"{path.stem}-????????????????-????????????????.json"):
                    stale.unlink()
                files[path].write_text(json.dumps(part))
        found = cls({}, {})
        for kept in files.values():
            part = json.loads(kept.read_text())
            found.lines |= part["lines"]
            found.seconds |= part["seconds"]
        return found

    def tests(self, module: str, lines: range | None) -> list[str]:
        """The tests that run one of these lines of a module, or any of it, quickest first."""
        found = [
            test
            for test, modules in self.lines.items()
            if module in modules and (lines is None or not set(lines).isdisjoint(modules[module]))
        ]
        return sorted(found, key=lambda test: self.seconds[test])


def _test_files() -> list[Path]:
    return sorted((ROOT / "tests" / "unit").glob("test_*.py"))


@dataclass
class Results:
    """What came of each mutant; a line of a file each, so that two workers can write and nothing is lost."""

    tests: str
    known: dict[str, str]
    out: TextIO

    @classmethod
    def read(cls) -> "Results":
        """Who was killed stays so while the module is the same; who survived, while the tests are too."""
        found = cls(
            digest(ROOT / "tests" / "unit", ROOT / "tests" / "support"), {}, os.fdopen(os.dup(1), "w")
        )
        file = STATE / "results.jsonl"
        for line in file.read_text().splitlines() if file.exists() else ():
            key, module, tests, result = json.loads(line)
            if (result != "survived" or tests == found.tests) and module == _version(key.partition(" ")[0]):
                found.known[key] = result
        return found

    def add(self, mutant: Mutant, result: str) -> None:
        """Keeps it."""
        self.known[mutant.key] = result
        entry = [mutant.key, _version(mutant.module), self.tests, result]
        with (STATE / "results.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        change = f"{mutant.before} -> {mutant.after}"
        print(
            f"{result:9} {mutant.module}:{mutant.line} {mutant.operator}: {change}", file=self.out, flush=True
        )


def _version(module: str) -> str:
    return digest(PACKAGE / module)


def run(module: str, wanted: Sequence[Mutant], found: Map, results: Results) -> None:
    """Lets the tests meet these mutants of one module."""
    tree = ast.parse((PACKAGE / module).read_text())
    unchanged = Mutant(module, "", 1, "unchanged", "", "", (("body", 0),), tree.body[0])
    if unchanged.key not in results.known:
        tests = found.tests(module, None)
        results.add(unchanged, session.in_fork(partial(session.fresh, unchanged, tree, tests)))
    if results.known[unchanged.key] != "survived":
        sys.exit(f"the tests of {module} fail without a change, run in this way")
    imported = set(range(1, 10_000)) - set(session.functions_lines(tree))
    imported |= set(found.lines.get("", {}).get(module, ()))
    tasks = []
    for mutant in wanted:
        if mutant.line in imported:
            tests = found.tests(module, None)
            results.add(mutant, session.in_fork(partial(session.fresh, mutant, tree, tests)))
        else:
            tasks.append((mutant, found.tests(module, _span(mutant))))
    for mutant in [mutant for mutant, tests in tasks if not tests]:
        results.add(mutant, "survived")
    if tasks := [task for task in tasks if task[1]]:
        process = os.fork()
        if process == 0:
            session.silence()
            os._exit(session.swapped(tree, tasks, results.add))
        os.waitpid(process, 0)
        done = Results.read().known
        for mutant, tests in [task for task in tasks if task[0].key not in done]:
            results.add(mutant, session.in_fork(partial(session.fresh, mutant, tree, tests)))


def _span(mutant: Mutant) -> range:
    return range(mutant.line, (getattr(mutant.node, "end_lineno", None) or mutant.line) + 1)


def chosen(group: str, each: int | None, seed: str) -> list[Mutant]:
    """The mutants of a group of modules; `each` of them by chance, always the same ones for a seed."""
    paths = sorted(path for pattern in CORE[group] for path in PACKAGE.glob(pattern))
    every = [
        mutant
        for path in paths
        for mutant in mutants(str(path.relative_to(PACKAGE)), ast.parse(path.read_text()))
    ]
    if each is None or each >= len(every):
        return every
    return random.Random(f"{seed} {group}").sample(every, each)  # noqa: S311 - a sample keeps no secret


def explained() -> dict[str, str]:
    """Why a mutant may survive, by its key."""
    tables = tomllib.loads(EXPLAINED.read_text())["survives"]
    return {f"{table['in']} | {table['change']}": table["why"] for table in tables}


def main() -> None:
    """Runs the groups that are named, or all, and fails if a group is below 90 %."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("group", nargs="*", choices=[[], *CORE], help="default: all")
    parser.add_argument("-n", "--each", type=int, default=40, help="mutants of each group, by chance")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--all", action="store_true", help="every mutant: hours")
    given = parser.parse_args()
    groups = {
        name: chosen(name, None if given.all else given.each, given.seed) for name in given.group or CORE
    }
    found, results = Map.up_to_date(), Results.read()
    modules: dict[str, list[Mutant]] = {}
    for mutant in (
        mutant for group in groups.values() for mutant in group if mutant.key not in results.known
    ):
        modules.setdefault(mutant.module, []).append(mutant)
    import boto3  # noqa: F401 - once for all forks

    workers = []
    for number in range(2):
        if (worker := os.fork()) == 0:
            status = 1
            try:
                for module in sorted(modules)[number::2]:
                    run(module, modules[module], found, results)
                status = 0
            finally:
                os._exit(status)
        workers.append(worker)
    failed = [worker for worker in workers if os.waitpid(worker, 0)[1]]
    sys.exit(report(groups, Results.read(), explained()) or bool(failed))


def report(groups: dict[str, list[Mutant]], results: Results, reasons: dict[str, str]) -> int:
    """Prints and keeps the figures; 1 if a group is below what is wanted."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    status = 0
    for name, wanted in groups.items():
        met = [mutant for mutant in wanted if mutant.key in results.known]
        survived = [mutant for mutant in met if results.known[mutant.key] == "survived"]
        unexplained = [mutant for mutant in survived if mutant.key not in reasons]
        killed = len(met) - len(survived)
        share = killed / (killed + len(unexplained)) if met else 0
        if met:
            kept[name] = {
                "mutants": len(met),
                "killed": killed,
                "explained": len(survived) - len(unexplained),
                "survived": len(unexplained),
            }
        print(
            f"{name:10} {killed:4} of {len(met):4} killed, {len(survived) - len(unexplained)} explained: {share:.0%}"
        )
        for mutant in unexplained:
            print(f"  survived: {mutant.module}:{mutant.line} {mutant.key.partition(' ')[2]}")
        status |= share < WANTED or len(met) < len(wanted)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    return status


if __name__ == "__main__":
    main()
