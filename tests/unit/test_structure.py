"""The dependency direction: which package may import which."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    # package: what it may import of the others
    "clemta_intake": set[str](),  # functions/: what runs in Lambda
    "ops": {"clemta_intake"},  # the operator's command
    "local": {"clemta_intake", "ops"},  # the local stack; its console does what the command does
    "bench": {"clemta_intake", "local", "ops"},  # benchmarks and chaos, on the local stack
    "tools": {"clemta_intake", "local"},  # generators of documentation
}
FOLDERS = {"clemta_intake": ROOT / "functions" / "clemta_intake"} | {
    name: ROOT / name for name in ALLOWED if name != "clemta_intake"
}


@dataclass(frozen=True)
class Import:
    """One imported module or name, and the file that imports it."""

    file: Path
    package: str
    imported: str  # a dotted name
    bound: str  # the name that the file then uses for it

    @property
    def target(self) -> str:
        """The package that is imported."""
        return self.imported.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)} imports {self.imported}"


def imports(file: Path, root: Path) -> Iterator[tuple[str, str]]:
    """Every import of the file, as a dotted name and the name bound to it; `root` is what its package stands in."""
    return imports_of(ast.parse(file.read_text()), file.relative_to(root).parts[:-1])


def imports_of(tree: ast.Module, parents: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The same of a module in the package `parents`, those inside functions and under TYPE_CHECKING too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname or alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", alias.asname or alias.name) for alias in node.names)


IMPORTS = [
    Import(file, package, imported, bound)
    for package, folder in FOLDERS.items()
    for file in sorted(folder.rglob("*.py"))
    for imported, bound in imports(file, folder.parent)
]
ACROSS = [one for one in IMPORTS if one.target in ALLOWED and one.target != one.package]


def private(dotted: str) -> bool:
    """Whether a part of the name is private; `__version__` and its like are public."""
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


def test_every_package_has_a_place_in_the_table() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert folders | {"clemta_intake"} == ALLOWED.keys()


def test_the_table_has_no_cycle() -> None:
    TopologicalSorter(ALLOWED).prepare()


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_the_table_allows(package: str) -> None:
    assert [str(one) for one in ACROSS if one.package == package and one.target not in ALLOWED[package]] == []


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_everything_that_the_table_allows(package: str) -> None:
    assert {one.target for one in ACROSS if one.package == package} == ALLOWED[package]


def test_only_the_events_of_the_benchmarks_come_from_the_tests() -> None:
    importing = {str(one.file.relative_to(ROOT)) for one in IMPORTS if one.target == "tests"}
    assert importing == {"bench/events.py"}


def test_no_package_imports_a_private_name_of_another() -> None:
    assert [str(one) for one in ACROSS if private(one.imported)] == []


def test_no_package_reads_a_private_attribute_of_anothers_module() -> None:
    found = []
    for file in sorted({one.file for one in ACROSS}):
        names = {one.bound for one in ACROSS if one.file == file}
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in names and private(
                    attribute
                ):
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno} reads {name}.{attribute}")
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import ops.cli", [("ops.cli", "ops")]),
        ("from ops import cli", [("ops.cli", "cli")]),
        (
            "def f():\n    from ops.cli import app as a, main",
            [("ops.cli.app", "a"), ("ops.cli.main", "main")],
        ),
        ("from . import x", [("local.stack.x", "x")]),
        ("from ..sam import built", [("local.sam.built", "built")]),
    ],
)
def test_every_form_of_import_is_found(source: str, expected: list[tuple[str, str]]) -> None:
    assert [*imports_of(ast.parse(source), ("local", "stack"))] == expected


LAYERS = {
    # layer, from the lowest to the highest: its modules; a module imports from its own layer and lower ones
    "values": {
        *("outcomes", "errors", "contacts", "contact_list", "model", "http_values", "settings", "deadlines"),
        "visitor_texts",
    },
    "rules, without I/O": {
        *("bodies", "sources", "intake", "retry", "contact_changes", "contact_lists", "delivery", "lanes"),
        *("clemta.protocol", "dynamo.claim_states", "dynamo.keys"),
    },
    "adapters": {
        *("telemetry", "coldstart", "transport", "captcha", "clemta", "dynamo", "live_sources"),
        *("queues", "queue_message", "secret_store", "aws_clients", "contact_events"),
    },
    "composition root": {"dependencies"},
    "one request": {"gateway", "captcha_check", "visitor_page", "signup"},
    "entry points": {"receive", "redeliver", "cognito", "daily_mail", "list_contacts"},
}
PURE = ("values", "rules, without I/O")
IO_LIBRARIES = {"boto3", "botocore", "requests", "urllib3", "aws_lambda_powertools", "socket", "http"}
MODULES = {
    ".".join(file.relative_to(FOLDERS["clemta_intake"]).with_suffix("").parts): file
    for file in FOLDERS["clemta_intake"].rglob("*.py")
    if file.name != "__init__.py"
}


def layer(module: str) -> str:
    """The layer of a module, by its own name or its package's."""
    names = {module, module.partition(".")[0]}
    found = [name for name, modules in LAYERS.items() if module in modules]
    [name] = found or [name for name, modules in LAYERS.items() if names & modules]
    return name


def modules_imported(module: str) -> set[str]:
    """The modules of functions/clemta_intake that this one imports."""
    found = set()
    for name, _ in imports(MODULES[module], FOLDERS["clemta_intake"].parent):
        inside = name.removeprefix("clemta_intake.")
        found |= {one for one in (inside, inside.rpartition(".")[0]) if name != inside and one in MODULES}
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_its_own_layer_and_lower_ones(module: str) -> None:
    order = [*LAYERS]
    higher = {one for one in modules_imported(module) if order.index(layer(one)) > order.index(layer(module))}
    assert higher == set()


def test_the_modules_of_the_functions_form_no_cycle() -> None:
    assert len([*TopologicalSorter({one: modules_imported(one) for one in MODULES}).static_order()]) == len(
        MODULES
    )


@pytest.mark.parametrize("module", sorted(one for one in MODULES if layer(one) in PURE))
def test_values_and_rules_import_no_library_that_does_io(module: str) -> None:
    imported = {
        name.partition(".")[0] for name, _ in imports(MODULES[module], FOLDERS["clemta_intake"].parent)
    }
    assert imported & IO_LIBRARIES == set()


def test_every_layer_names_modules_that_exist() -> None:
    packages = {module.partition(".")[0] for module in MODULES}
    assert set.union(*LAYERS.values()) <= MODULES.keys() | packages
    assert {name for module in MODULES if (name := layer(module))} == LAYERS.keys()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_function_of_the_functions_has_more_than_five_parameters(module: str) -> None:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [one.arg for one in arguments if one.arg not in ("self", "cls")]
            assert len(names) <= 5, f"{node.name}({', '.join(names)})"


@pytest.mark.parametrize("module", sorted(LAYERS["entry points"]))
def test_an_entry_point_has_at_most_150_lines(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= 150
