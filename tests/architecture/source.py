"""The project's own modules as syntax trees, and what each of them imports from the others."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orgs", "sso", "scim", "portal", "sandbox")


@dataclass(frozen=True)
class Import:
    """`source` needs `target`; `is_for_types` when its names are read in annotations alone."""

    source: "Module"
    target: str
    line: int
    is_for_types: bool = False

    def __str__(self) -> str:
        return f"{self.source.place}:{self.line} imports {self.target}"


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def name(self) -> str:
        """The dotted name; a package is named by its folder."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def kind(self) -> str:
        return "services" if self.path.parent.name == "services" else self.path.stem

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def imports(self) -> Iterator[Import]:
        """Every import of ours, also those inside functions."""
        for_types = self._names_for_types()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (Import(self, alias.name, node.lineno) for alias in node.names if is_ours(alias.name))
            if isinstance(node, ast.ImportFrom) and node.module and is_ours(node.module):
                for alias in node.names:
                    is_for_types = (alias.asname or alias.name) in for_types
                    yield Import(self, resolve(node.module, alias.name), node.lineno, is_for_types)

    def _names_for_types(self) -> set[str]:
        """Return the names that occur in annotations and nowhere else."""
        annotations = [part for node in ast.walk(self.tree) for part in _annotations(node)]
        inside = {id(node) for part in annotations for node in ast.walk(part)}
        read = [node for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        elsewhere = {node.id for node in read if id(node) not in inside}
        return {node.id for node in read if id(node) in inside} - elsewhere


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    found = [getattr(node, "returns", None), getattr(node, "annotation", None)]
    yield from (part for part in found if isinstance(part, ast.expr))


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def resolve(package: str, name: str) -> str:
    """Return the module that `from package import name` needs."""
    inner = ROOT.joinpath(*package.split("."), name)
    return f"{package}.{name}" if inner.with_suffix(".py").exists() or inner.is_dir() else package


def modules(*folders: str) -> list[Module]:
    """Return the modules below these folders, all packages' unless some are named; migrations are left out."""
    found = (path for folder in folders or PACKAGES for path in sorted((ROOT / folder).rglob("*.py")))
    return [Module(path) for path in found if "migrations" not in path.parts]
