"""One pytest session that runs the tests again and again, each time in a fork with one mutant of a module."""

import ast
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tools.mutants.changes import Mutant

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "functions" / "clemta_intake"
CPU_SECONDS = 120  # a mutant that takes longer loops for ever
WALL_SECONDS = 600  # it waits for ever
SURVIVED, KILLED, NOT_SWAPPED, BROKEN = range(4)
ARGUMENTS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=quick"]


type Say = Callable[[Mutant, str], None]


class Contexts:
    """Runs tests and writes down which lines of which module each of them runs, and how long it takes."""

    def __init__(self) -> None:
        from coverage import Coverage

        self.coverage = Coverage(data_file=None, branch=False, source=[str(PACKAGE)], config_file=False)
        self.seconds: dict[str, float] = {}
        self.coverage.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        began = _cpu()
        self.coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")
            self.seconds[item.nodeid] = round(_cpu() - began, 3)

    def lines(self) -> dict[str, dict[str, list[int]]]:
        """By test and module."""
        self.coverage.stop()
        found: dict[str, dict[str, list[int]]] = {}
        data = self.coverage.get_data()
        for file in data.measured_files():
            module = str(Path(file).relative_to(PACKAGE))
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in contexts:
                    found.setdefault(context, {}).setdefault(module, []).append(line)
        return found


def contexts(files: Sequence[str], out: Path) -> int:
    """Writes the lines and the seconds of each test in these files."""
    plugin = Contexts()
    status = pytest.main([*ARGUMENTS, *files], plugins=[plugin])
    out.write_text(json.dumps({"lines": plugin.lines(), "seconds": plugin.seconds}))
    return int(status)


class Selected:
    """Runs only these tests, in this order, up to the first failure."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.order = {test: number for number, test in enumerate(tests)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid
            os._exit(KILLED)


class Swapped:
    """Runs each mutant's own tests, with the mutant's code in the functions that are loaded."""

    def __init__(self, tree: ast.Module, tasks: Sequence[tuple[Mutant, Sequence[str]]], say: Say) -> None:
        self.tree, self.tasks, self.say = tree, tasks, say

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        for mutant, tests in self.tasks:
            chosen = [items[test] for test in tests if test in items]
            result = in_fork(partial(self.run, mutant, chosen))
            if result:
                self.say(mutant, result)
        return True

    def run(self, mutant: Mutant, items: Sequence[pytest.Item]) -> int:
        try:
            swap(mutant.module, mutant.applied(self.tree))
        except ValueError:  # it takes another number of variables of the function around it
            return NOT_SWAPPED
        return run_items(items)


def run_items(items: Sequence[pytest.Item]) -> int:
    """SURVIVED if all pass; the process ends with KILLED at the first failure."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return SURVIVED


def swap(module: str, tree: ast.Module) -> None:
    """Gives every loaded function of the module the code that it has in this tree."""
    path = str(PACKAGE / module)
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compile(tree, path, "exec"))}
    gc.unfreeze()  # what the functions froze at their cold start is found too
    for function in [found for found in gc.get_objects() if isinstance(found, FunctionType)]:
        old = function.__code__
        new = codes.get((old.co_qualname, old.co_firstlineno)) if old.co_filename == path else None
        if new is not None and new != old:
            function.__code__ = new


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


class Imported(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as its mutant."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.path = PACKAGE / module
        parts = ["clemta_intake", *Path(module).with_suffix("").parts]
        self.name = ".".join(parts)
        self.code = compile(tree, str(self.path), "exec")

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)  # noqa: S102 - it is the module itself


def fresh(mutant: Mutant, tree: ast.Module, tests: Sequence[str]) -> int:
    """Imports the mutant, then collects and runs the tests."""
    sys.meta_path.insert(0, Imported(mutant.module, mutant.applied(tree)))
    files = sorted({test.partition("::")[0] for test in tests})
    return KILLED if pytest.main([*ARGUMENTS, *files], plugins=[Selected(tests)]) else SURVIVED


def swapped(tree: ast.Module, tasks: Sequence[tuple[Mutant, Sequence[str]]], say: Say) -> int:
    """Collects once what all these mutants need, and runs each."""
    tests = [test for _, tests in tasks for test in tests]
    files = sorted({test.partition("::")[0] for test in tests})
    return int(pytest.main([*ARGUMENTS, *files], plugins=[Selected(tests), Swapped(tree, tasks, say)]))


def in_fork(work: Callable[[], int]) -> str:
    """`survived`, `killed`, with a signal if it came to no end; empty if it must be imported."""
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        silence()
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(WALL_SECONDS)
        status = BROKEN
        try:
            status = work()
        finally:
            os._exit(status)
    _, ended = os.waitpid(process, 0)
    if os.WIFSIGNALED(ended):
        return f"killed: {signal.Signals(os.WTERMSIG(ended)).name}"
    return {SURVIVED: "survived", KILLED: "killed", NOT_SWAPPED: ""}[os.WEXITSTATUS(ended)]


def silence() -> None:
    """What pytest prints of a mutant helps nobody."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def functions_lines(tree: ast.Module) -> Collection[int]:
    """The lines inside of functions."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
