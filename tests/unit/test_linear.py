"""P9: no regular expression of the functions can take more than linear time, whatever it is given.

Every pattern is parsed, and refused where a backtracking engine could divide the same characters between two
quantifiers in many ways. tests/integration/test_work.py counts what whole requests cost.
"""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from re import _constants as sre
from re import _parser as parser
from typing import Any

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
ANCHORED = {"match", "fullmatch", "_matching"}
# Not constants: the handshake's pattern is read from presets.toml below, `_matching` is followed to its callers.
VARIABLES = {"handshake.body.encode()", "pattern"}
REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
ALPHABET = "".join(map(chr, range(0x250))) + "\u0301\u2028\u3002\ufdfa\uff0e\uff61"

type Chars = frozenset[str]


def patterns() -> Iterator[tuple[str, str, bool]]:
    """Where each pattern stands, the pattern, and whether it can begin anywhere in a text."""
    for path in sorted((FUNCTIONS / "clemta_intake").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(path.relative_to(FUNCTIONS).with_suffix("").parts).removesuffix(".__init__")
        methods = {
            (node.func.value.id, node.func.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        } | {
            (argument.value.id, argument.attr)  # all(map(_ATOM.fullmatch, …))
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for argument in node.args
            if isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name)
        }
        names = {
            node.value: node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node.func)
            if call.removeprefix("re.") in CALLS and call.startswith("re."):
                given, use = node.args[0], {call.removeprefix("re.")}
                if use == {"compile"}:
                    assert node in names, f"{path.name}:{node.lineno}: give the pattern a name"
                    use = {method for name, method in methods if name == names[node]}
            elif call == "_matching":
                given, use = node.args[0], {"_matching"}
            elif found := [keyword.value for keyword in node.keywords if keyword.arg == "pattern"]:
                given, use = found[0], {"search"}
            else:
                continue
            place = f"{path.name}:{node.lineno}"
            if ast.unparse(given) in VARIABLES:
                continue
            expression = compile(ast.Expression(given), str(path), "eval")
            yield place, eval(expression, vars(importlib.import_module(module))), not use <= ANCHORED  # noqa: S307
    for name, preset in tomllib.loads(
        (FUNCTIONS / "clemta_intake/sources/presets.toml").read_text(encoding="utf-8")
    ).items():
        if "handshake" in preset:
            yield f"presets.toml, {name}", preset["handshake"]["body"], False


def conflicts(pattern: str, *, anywhere: bool) -> list[str]:
    """The pairs of quantifiers between which the same characters can be divided in many ways."""
    parsed = parser.parse(pattern.replace(r"\z", r"\Z"))  # as Rust writes it, for pydantic
    found: list[str] = []
    _walk(parsed, [], found)
    first, *rest = parsed
    if anywhere and _repeats(first) and any(kind == sre.AT or _least(kind, value) for kind, value in rest):
        found.append("begins with a quantifier, is tried at each place, and can fail after it")
    return found


def _repeats(item: Any) -> bool:
    return item[0] in REPEATS and item[1][1] > 1


def _least(kind: Any, value: Any) -> int:
    """The fewest characters that an item takes."""
    least: int = parser.SubPattern(parser.State(), [(kind, value)]).getwidth()[0]
    return least


def _walk(items: Any, before: list[Chars], found: list[str]) -> list[Chars]:
    """The characters of each quantifier that may still go on after the items; `before`: of those before them."""
    going = list(before)
    for kind, value in items:
        if kind in REPEATS:
            low, high, body = value
            after = _walk(body, going, found)
            if high > 1:
                if len(body) == 1 and (chars := _chars(body[0])):
                    if any(chars & other for other in going):
                        found.append(f"two quantifiers over {''.join(sorted(chars))[:20]!r}")
                    after = [chars]
                else:
                    after = _walk(
                        body, after, found
                    )  # a second time round: quantifiers inside meet themselves
            going = [*(going if low == 0 else ()), *after]
        elif kind == sre.SUBPATTERN:
            going = _walk(value[-1], going, found)
        elif kind == sre.BRANCH:
            going = [chars for branch in value[1] for chars in _walk(branch, going, found)]
        elif kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            continue
        else:
            going = [chars for chars in going if chars & _chars((kind, value))]
    return going


def _chars(item: Any) -> Chars:
    """What a single character's item takes, of the alphabet; nothing if it is no such item."""
    kind, value = item
    if kind == sre.LITERAL:
        return frozenset(chr(value))
    if kind == sre.NOT_LITERAL:
        return frozenset(ALPHABET) - {chr(value)}
    if kind == sre.ANY:
        return frozenset(ALPHABET)
    if kind != sre.IN:
        return frozenset()
    taken: set[str] = set()
    for part, given in value:
        if part == sre.LITERAL:
            taken.add(chr(given))
        elif part == sre.RANGE:
            taken |= {char for char in ALPHABET if given[0] <= ord(char) <= given[1]}
        elif part == sre.CATEGORY:
            escape = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}
            name = str(given).removeprefix("CATEGORY_").removeprefix("UNI_")
            known = escape[name.removeprefix("NOT_")]
            taken |= {c for c in ALPHABET if bool(re.match(known, c)) != name.startswith("NOT_")}
    negated = value[0][0] == sre.NEGATE
    return frozenset(ALPHABET) - taken if negated else frozenset(taken)


def test_p9_every_pattern_of_the_functions_takes_linear_time() -> None:
    found = list(patterns())
    assert len(found) > 15, "patterns are no longer found where they are written"
    problems = {place: why for place, text, anywhere in found if (why := conflicts(text, anywhere=anywhere))}
    assert not problems


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s*[\r\n]+\s*",
        r"\s*(\{\s*\})?\s*",
        r"(a+)+",
        r"(a*)*b",
        r"(?:a|b+)*c",
        r"(a+b?)*c",
        r".*x.*",
        r"\d+[0-9a-f]*",
        r"[^,]*,?[^;]*;",
        r"x(\w+\s?)+$",
    ],
)
def test_p9_check_finds_a_pattern_with_quadratic_time(pattern: str) -> None:
    assert conflicts(pattern, anywhere=False)


@pytest.mark.parametrize("pattern", [r"\s+$", r"[a-z]+@", r"\s*,"])
def test_p9_check_finds_a_search_that_restarts_at_each_character(pattern: str) -> None:
    assert conflicts(pattern, anywhere=True)
    assert not conflicts(pattern, anywhere=False)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[a-z]+\.[a-z]+",
        r"(?:\.[a-z]+)*",
        r"\s*=\s*",
        r"[^\[\]]+(\[[^\[\]]*\])+",
        r"a|b+",
        r"a?b+",
        r"\.{1,9}",
    ],
)
def test_p9_check_accepts_a_linear_pattern(pattern: str) -> None:
    assert not conflicts(pattern, anywhere=False)
