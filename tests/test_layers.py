"""The layers: who may import whom, what stays out of the core, and how long a file or a function may be."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import dcmnet_cli

ROOT = Path(dcmnet_cli.__file__).parent
LONGEST_FILE, LONGEST_FUNCTION = 500, 80

# What operations hand to renderers: plain records, without the means to work. All of ops that render knows.
RESULTS = frozenset(("ops.querying.answers", "ops.retrieving.reconcile", "ops.results", "ops.storing.transfer"))
# Beside itself, what a layer may import of the package.
ALLOWED = {
    "errors": frozenset(),
    "core": frozenset(("errors",)),
    "net": frozenset(("errors", "core")),
    "results": frozenset(("errors", "core")),
    "ops": frozenset(("errors", "core", "net", "archive", "results")),
    "archive": frozenset(("errors", "core", "net")),
    "render": frozenset(("errors", "core", "results")),
    "cli": frozenset(("errors", "core", "net", "ops", "results", "archive", "render", "version")),
    "api": frozenset(("errors", "core", "net", "ops", "results", "cli")),
    "testing": frozenset(("errors", "core", "net", "ops", "results", "api")),
    "main": frozenset(("errors", "core", "cli", "version")),
    "version": frozenset(),
}
EXCEPTIONS = {("dcmnet_cli.core.uids", "version")}  # the implementation version name is made of it
IMPURE = frozenset(
    (
        "socket",
        "ssl",
        "time",
        "os",
        "io",
        "pathlib",
        "logging",
        "threading",
        "select",
        "subprocess",
        "random",
        "pydicom",
    )
)
HEAVY = frozenset(("pydicom", "rich", "tomllib", "asyncio", "logging", "dataclasses"))


class Import(NamedTuple):
    """One module that another imports; ``is_lazy`` within a function, ``is_typing`` for the type checker alone."""

    importer: str
    imported: str
    is_lazy: bool
    is_typing: bool
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports_of(name: str) -> Iterator[Import]:
    yield from _walk(name, TREES[name], is_lazy=False, is_typing=False)


def _walk(name: str, node: ast.AST, is_lazy: bool, is_typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name, alias.name, is_lazy, is_typing, child.lineno)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{name}:{child.lineno}: imports are absolute here"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield Import(name, whole if whole in MODULES else str(child.module), is_lazy, is_typing, child.lineno)
        else:
            is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            is_guard = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
            yield from _walk(name, child, is_lazy or is_function, is_typing or is_guard)


def layer(module: str) -> str:
    """The layer of a module of the package; "" for others."""
    first, _, rest = module.partition(".")
    if first != "dcmnet_cli":
        return ""
    if rest in RESULTS:
        return "results"
    return {"": "version", "__main__": "main"}.get(rest, rest.partition(".")[0])


EVERY_IMPORT = [each for name in MODULES for each in imports_of(name)]


def test_the_walk_sees_the_package() -> None:
    """So that none of the tests below is content because it looked at nothing."""
    assert {"dcmnet_cli.core.pdu", "dcmnet_cli.net.server", "dcmnet_cli.ops.echo", "dcmnet_cli.cli.app"} <= set(MODULES)
    arrows = {(layer(each.importer), layer(each.imported)) for each in EVERY_IMPORT}
    assert {("core", "errors"), ("net", "core"), ("ops", "net"), ("cli", "ops"), ("render", "results")} <= arrows
    assert any(each.is_lazy for each in EVERY_IMPORT)
    assert any(each.is_typing for each in EVERY_IMPORT)


def test_every_module_belongs_to_a_layer() -> None:
    assert {layer(name) for name in MODULES} <= set(ALLOWED)


def test_no_arrow_points_back() -> None:
    wrong = []
    for each in EVERY_IMPORT:
        source, target = layer(each.importer), layer(each.imported)
        if target and target != source and target not in ALLOWED[source] and (each.importer, target) not in EXCEPTIONS:
            wrong.append(str(each))
    assert wrong == []


def test_the_core_is_pure() -> None:
    found = [str(each) for each in EVERY_IMPORT if layer(each.importer) == "core" and _top(each) in IMPURE]
    assert found == []


def test_errors_import_nothing() -> None:
    assert list(imports_of("dcmnet_cli.errors")) == []


def test_heavy_modules_are_imported_where_they_are_needed() -> None:
    eager = [each for each in EVERY_IMPORT if _top(each) in HEAVY and not (each.is_lazy or each.is_typing)]
    # The screen is itself imported for a terminal only.
    assert [str(each) for each in eager if each.importer != "dcmnet_cli.render.screen"] == []


def test_pydicom_stays_off_the_way_of_bytes() -> None:
    assert [
        str(each) for each in EVERY_IMPORT if _top(each) == "pydicom" and layer(each.importer) in ("core", "net")
    ] == []


def test_typer_is_known_to_the_command_line_alone() -> None:
    strangers = {layer(each.importer) for each in EVERY_IMPORT if _top(each) in ("typer", "click")}
    assert strangers == {"cli"}


def _top(each: Import) -> str:
    return each.imported.partition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_no_file_is_too_long(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("name", MODULES)
def test_no_function_is_too_long(name: str) -> None:
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(TREES[name])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []
