"""`make mutants`: which small changes it makes, and that a test meets the changed code."""

import ast
import gc
from pathlib import Path

import pytest

from clemta_intake import retry
from clemta_intake.retry import RetryPolicy
from tools.mutants.__main__ import CORE, chosen, explained
from tools.mutants.changes import Mutant, mutants
from tools.mutants.session import in_fork, swap

SOURCE = '''
"""A docstring."""
LIMIT: int = 3

def first(names: list[str], wanted: str = "") -> str | None:
    """Another."""
    for name in names:
        if len(name) <= LIMIT and name.lower() != wanted:
            return name
    return None
'''


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in mutants("m.py", ast.parse(source))}


def test_each_decision_and_each_value_is_changed_and_documentation_is_not() -> None:
    found = changes(SOURCE)
    assert found >= {
        ("3", "4"),
        ("''", "'XX'"),
        ("len(name) <= LIMIT", "len(name) < LIMIT"),
        ("len(name) <= LIMIT", "len(name) > LIMIT"),
        ("name.lower() != wanted", "name.lower() == wanted"),
        ("name.lower()", "name"),
        ("return name", "return None"),
    }
    assert not [before for before, _ in found if "docstring" in before or "Another" in before]
    assert "return None" not in {before for before, _ in found}, "it would become itself"


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("f(a, b=c)", "f(a, b=c)", "f(a)"),
        ("f(a, b)", "f(a, b)", "pass"),
        ("x = [a for a in b if a]", "for a in b if a", "for a in b"),
        ("x = min(a, b)", "min(a, b)", "max(a, b)"),
        ("x = {'a': 1, 'b': 2}", "{'a': 1, 'b': 2}", "{'b': 2}"),
        ("x = a or b", "a or b", "a and b"),
        ("x = a or b", "a or b", "b"),
        ("x += 1", "x += 1", "pass"),
        ("x = not a", "not a", "a"),
        ("x = a + b", "a + b", "a - b"),
        ("x = 1.5", "1.5", "3.0"),
        ("x = True", "True", "False"),
        ("while a:\n    break", "break", "continue"),
    ],
)
def test_kinds_of_change(source: str, before: str, after: str) -> None:
    assert (before, after) in {(b.strip(), a.strip()) for b, a in changes(source)}


def test_a_long_literal_is_changed_in_one_place() -> None:
    found = changes(f"WORDS = {[f'word{number}' for number in range(50)]!r}")
    assert {before for before, _ in found if not before.startswith("[")} == {"'word0'"}


def of_retry(before: str, after: str) -> tuple[Mutant, ast.Module]:
    tree = ast.parse(Path(retry.__file__).read_text())
    return next(m for m in mutants("retry.py", tree) if (m.before, m.after) == (before, after)), tree


def test_the_tests_meet_the_changed_code() -> None:
    mutant, tree = of_retry("max(attempt, 1) - 1", "max(attempt, 1) + 1")

    def meets() -> int:
        gc.freeze()  # as receive and redeliver do when they are loaded
        swap("retry.py", mutant.applied(tree))
        return 0 if RetryPolicy(base_delay=1).backoff(1) == 4 else 1

    assert in_fork(meets) == "survived"
    assert RetryPolicy(base_delay=1).backoff(1) == 1, "and nobody else does"


def test_a_fork_that_fails_is_a_kill_and_one_that_ends_well_is_not() -> None:
    assert in_fork(lambda: 1) == "killed"
    assert in_fork(lambda: 0) == "survived"


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    first, again, other = (chosen("retry", 10, seed) for seed in ("1", "1", "2"))
    assert [mutant.key for mutant in first] == [mutant.key for mutant in again]
    assert {mutant.key for mutant in first} != {mutant.key for mutant in other}


def test_each_explained_mutant_is_one_of_the_core_and_has_a_reason() -> None:
    every = {mutant.key for group in CORE for mutant in chosen(group, None, "")}
    assert set(explained()) <= every
    assert all(len(why) > 20 for why in explained().values())
