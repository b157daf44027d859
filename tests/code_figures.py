"""``python -m tests.code_figures``: how long files and functions are, how much is said about them, and who needs them.

One line a layer. Lengths are median/95th percentile/longest, those of functions without the docstring; comments and
docstrings are in percent of the lines of code. Below it stand the names of the product that nothing in it mentions.
"""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PRODUCT = "dcmnet_cli"
FOLDERS = ("core", "net", "ops", "archive", "render", "cli", "", "tests")
_HEADINGS = ("folder", "files", "lines", "file lines", "function lines", "com%", "doc%", "pubdoc%", "ret%")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A file as it is counted; ``code`` are its lines that are neither blank, comment nor docstring."""

    path: Path
    lines: int
    code: int
    comments: int
    docstrings: int
    functions: list[Function]
    public: list[Function | ast.ClassDef]


def read(path: Path) -> Module:
    """Count one file."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    lines = text.splitlines()
    blank = sum(not line.strip() for line in lines)
    comments = sum(line.lstrip().startswith("#") for line in lines)
    documented = [tree, *_defined(tree)]
    docstrings = sum(map(_docstring_lines, documented))
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    public = [node for node in _defined(tree) if not node.name.startswith("_")]
    return Module(path, len(lines), len(lines) - blank - comments - docstrings, comments, docstrings, functions, public)


def _defined(tree: ast.Module) -> list[Function | ast.ClassDef]:
    """Functions and classes of a module and the methods in its classes, not what is local to a function."""
    found: list[Function | ast.ClassDef] = []
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.ClassDef):
            pending += node.body
        if isinstance(node, Function | ast.ClassDef):
            found.append(node)
    return found


def _docstring_lines(node: ast.Module | Function | ast.ClassDef) -> int:
    if not ast.get_docstring(node, clean=False):
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def length(function: Function) -> int:
    """Lines of a function without its docstring and decorators."""
    return (function.end_lineno or 0) - function.lineno + 1 - _docstring_lines(function)


def spread(values: Sequence[int]) -> str:
    """``7/31/80``: median, 95th percentile, longest."""
    if not values:
        return "-"
    ordered = sorted(values)
    return f"{median(ordered):.0f}/{ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]}/{ordered[-1]}"


def row(name: str, modules: Sequence[Module]) -> tuple[str, ...]:
    """The figures of one folder."""
    functions = [function for module in modules for function in module.functions]
    public = [node for module in modules for node in module.public]
    code = sum(module.code for module in modules)
    return (
        name,
        f"{len(modules)}",
        f"{sum(module.lines for module in modules):,}",
        spread([module.lines for module in modules]),
        spread([length(function) for function in functions]),
        _percent(sum(module.comments for module in modules), code),
        _percent(sum(module.docstrings for module in modules), code),
        _percent(sum(ast.get_docstring(node) is not None for node in public), len(public)),
        _percent(sum(function.returns is not None for function in functions), len(functions)),
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


def files(folder: str) -> list[Path]:
    """The files of a layer; "" is the package's own, beside its folders."""
    if folder == "tests":
        return sorted((ROOT / "tests").rglob("*.py"))
    package = ROOT / PRODUCT
    return sorted(package.glob("*.py") if not folder else (package / folder).rglob("*.py"))


def unmentioned(modules: Iterable[Module]) -> Iterator[str]:
    """Public names of the product that stand nowhere in it but where they are defined, strings included."""
    texts = [(module, module.path.read_text("utf-8")) for module in modules]
    words = Counter(word for _, text in texts for word in _words(text))
    for module, _ in texts:
        for node in module.public:
            if words[node.name] == 1 and not node.decorator_list:
                yield f"{module.path.relative_to(ROOT)}:{node.lineno} {node.name}"


def _words(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.STRING):
            yield from re.findall(r"\w+", token.string)


def main() -> None:
    """Print the table, then the names."""
    by_folder = {folder: [read(path) for path in files(folder)] for folder in FOLDERS}
    product = [module for folder in FOLDERS[:-1] for module in by_folder[folder]]
    rows = [row(folder or "package", modules) for folder, modules in by_folder.items()]
    rows.insert(-1, row("product", product))
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for cells in (_HEADINGS, *rows):
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))
    code = sum(module.code for module in product)
    tests = sum(module.code for module in by_folder["tests"])
    print(f"\n{tests / code:.1f} lines of tests for a line of code")
    names = list(unmentioned(product))
    print(f"\npublic names that nothing in the product mentions: {len(names)}", *names, sep="\n  ")


if __name__ == "__main__":
    main()
