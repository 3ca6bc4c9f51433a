"""The small changes of a module: its mutants. Names, annotations, decorators, docstrings and imports stay as they are.

A long literal is data: its first entry stands for the others.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

type Step = tuple[str, int | None]  # a field of a node, and the place in it where it is a list
type Place = tuple[Step, ...]

DATA = 8  # entries of a literal that is data
_SKIPPED = {"annotation", "returns", "decorator_list", "type_params", "type_comment", "ctx", "ops", "op"}
_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLED = {"min": "max", "max": "min", "ceil": "int", "sorted": "list", "any": "all", "all": "any"}
_METHODS = ("casefold", "lower", "strip", "upper")
_LITERALS = (ast.List, ast.Tuple, ast.Set, ast.Dict)


@dataclass(frozen=True)
class Mutant:
    """One change: `before` becomes `after` in this function of this module."""

    module: str  # its path below the package
    function: str  # dotted; empty outside of functions
    line: int
    operator: str
    before: str
    after: str
    place: Place
    node: ast.AST

    @property
    def key(self) -> str:
        """What it is called in results and exceptions; lines may move."""
        return f"{self.module} {self.function} | {self.before} -> {self.after}"

    def applied(self, tree: ast.Module) -> ast.Module:
        """The module with the change."""
        changed = copy.deepcopy(tree)
        node: ast.AST = changed
        for name, number in self.place[:-1]:
            value = getattr(node, name)
            node = value if number is None else value[number]
        name, number = self.place[-1]
        new = copy.deepcopy(self.node)
        if number is None:
            setattr(node, name, new)
        else:
            getattr(node, name)[number] = new
        return ast.fix_missing_locations(changed)


def mutants(module: str, tree: ast.Module) -> list[Mutant]:
    """Every mutant of a module, one for each key."""
    found: dict[str, Mutant] = {}
    for place, node, line, function, new, operator in _changes(tree, (), ""):
        mutant = Mutant(
            module,
            function,
            line,
            operator,
            _shown(node),
            _shown(new),
            place,
            ast.copy_location(new, node),
        )
        found.setdefault(mutant.key, mutant)
    return list(found.values())


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


type Change = tuple[Place, ast.AST, int, str, ast.AST, str]


def _changes(node: ast.AST, place: Place, function: str) -> Iterator[Change]:
    """The changes in a node's children, and in theirs."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".strip(".")
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED or (name == "test" and _is_constant(node)):
            continue
        entries: list[tuple[int | None, ast.AST]] = [(None, value)] if isinstance(value, ast.AST) else []
        if isinstance(value, list):
            entries = [(number, entry) for number, entry in enumerate(value) if isinstance(entry, ast.AST)]
            if isinstance(node, _LITERALS) and len(entries) > DATA:
                entries = entries[:1]
        for number, child in entries:
            if _stays(child):
                continue
            there = (*place, (name, number))
            line = getattr(child, "lineno", getattr(node, "lineno", 1))
            for new, operator in _replacements(child, node, name):
                yield there, child, line, function, new, operator
            yield from _changes(child, there, function)


def _is_constant(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If | ast.While)
        and isinstance(node.test, ast.Constant | ast.Name)
        and (_shown(node.test) in ("True", "TYPE_CHECKING"))
    )


def _stays(node: ast.AST) -> bool:
    """Docstrings, imports, types, and what formats a text."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign) and any(_shown(name).startswith("__") for name in node.targets):
        return True
    if isinstance(node, ast.If) and _shown(node.test) == "TYPE_CHECKING":
        return True
    return isinstance(node, ast.Import | ast.ImportFrom | ast.TypeAlias | ast.FormattedValue)


def _replacements(node: ast.AST, parent: ast.AST, name: str) -> Iterator[tuple[ast.AST, str]]:  # noqa: PLR0915
    """What this node may become, each with the operator's name."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value), "bool"
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1), "number"
        case ast.Constant(value=float(value)):
            yield ast.Constant(value * 2), "number"
        case ast.Constant(value=str(value)) if not isinstance(parent, ast.JoinedStr):
            yield ast.Constant(f"XX{value}XX" if value else "XX"), "string"
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            for other in _COMPARED[type(operator)]:
                yield ast.Compare(node.left, [other()], node.comparators), "compare"
        case ast.Compare():
            yield ast.UnaryOp(ast.Not(), node), "compare"
        case ast.BoolOp():
            opposite = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(opposite, node.values), "and-or"
            for number in range(len(node.values)):
                rest = [*node.values[:number], *node.values[number + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest), "operand"
        case ast.BinOp() if type(node.op) in _COMPUTED and not isinstance(node.left, ast.JoinedStr):
            yield ast.BinOp(node.left, _COMPUTED[type(node.op)](), node.right), "arithmetic"
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand, "not"
        case ast.IfExp():
            yield node.body, "condition"
            yield node.orelse, "condition"
        case ast.Call():
            yield from _calls(node)
        case ast.comprehension() if node.ifs:
            for number in range(len(node.ifs)):
                rest = [*node.ifs[:number], *node.ifs[number + 1 :]]
                yield ast.comprehension(node.target, node.iter, rest, node.is_async), "filter"
        case ast.Dict() if node.keys:
            for number in range(1 if len(node.keys) > DATA else len(node.keys)):
                keys, values = [*node.keys], [*node.values]
                del keys[number], values[number]
                yield ast.Dict(keys, values), "entry"
        case ast.Set() | ast.List() | ast.Tuple() if len(node.elts) > 1 and name != "targets":
            if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and not isinstance(
                parent, ast.Subscript
            ):
                for number in range(1 if len(node.elts) > DATA else len(node.elts)):
                    fewer = copy.copy(node)
                    fewer.elts = [*node.elts[:number], *node.elts[number + 1 :]]
                    yield fewer, "element"
        case ast.If():
            yield from (_with(node, test=ast.Constant(value)) for value in (True, False))
        case ast.While():
            yield _with(node, test=ast.Constant(False))
        case ast.Return(value=ast.expr()) if _shown(node.value) != "None":  # type: ignore[arg-type]
            yield ast.Return(ast.Constant(None)), "return"
        case ast.Raise() | ast.AugAssign() | ast.Delete():
            yield ast.Pass(), "statement"
        case ast.Expr(value=ast.Call()):
            yield ast.Pass(), "statement"
        case ast.Break():
            yield ast.Continue(), "break"
        case ast.Continue():
            yield ast.Break(), "break"


def _with(node: ast.If | ast.While, *, test: ast.expr) -> tuple[ast.AST, str]:
    changed = copy.copy(node)
    changed.test = test
    return changed, "condition"


def _calls(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield ast.Call(ast.Name(_CALLED[node.func.id], ast.Load()), node.args, node.keywords), "call"
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not node.args:
        yield node.func.value, "method"
    for number, keyword in enumerate(node.keywords):
        if keyword.arg:
            rest = [*node.keywords[:number], *node.keywords[number + 1 :]]
            yield ast.Call(node.func, node.args, rest), "argument"
    if len(node.args) > 1:
        yield ast.Call(node.func, node.args[:-1], node.keywords), "argument"
