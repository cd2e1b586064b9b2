"""The library's modules and what they import."""

import ast
from collections.abc import Iterator

from repository import ROOT


def modules() -> dict[str, ast.Module]:
    """The syntax trees of the library's modules, by their names without ``ecglib.``."""
    trees = {}
    for path in (ROOT / "ecglib").rglob("*.py"):
        name = ".".join(path.relative_to(ROOT / "ecglib").with_suffix("").parts)
        trees[name.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    del trees["__init__"]
    return trees


def imports(tree: ast.AST) -> Iterator[str]:
    """All that is imported anywhere in the tree, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import: write ecglib.NAME, as everywhere"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
