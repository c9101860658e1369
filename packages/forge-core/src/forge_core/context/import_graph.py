"""The import graph of a source tree, resolved from its paths alone.

Nothing is imported and no search path of this process is consulted: a worktree's own module is
never mistaken for an installed one of the same name.

See D53.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from forge_core.context.python_source import Import

SOURCE_DIRECTORIES = frozenset({"lib", "python", "src"})
"""Names of directories that are commonly put on the search path."""

MAX_HOPS = 5
"""Packages through which a re-exported name is followed."""

Imports = Mapping[str, Sequence[Import]]
"""The imports of each Python file by its path."""


class _Candidate(NamedTuple):
    """Where a module may stand, as paths without ending."""

    top: str
    """The outermost package or directory that the import names."""
    module: str


class _Located(NamedTuple):
    """What the module of an import statement is in this tree."""

    prefixes: tuple[str, ...]
    """Where its submodules may stand, the likeliest first: what comes before their names.

    None where the module is not of this tree."""
    container: str | None
    """The file that names are taken from."""


class ModuleIndex:
    """Finds the file that an import of another file means.

    An absolute import is looked up in the directories that may be on the search path when the
    importing file runs: its own and those above, nearest first, as far as they are not inside a
    regular package; then the directories that hold the tree's top-level packages.

    Args:
        paths: The Python files of a tree.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._modules: dict[str, str] = {}
        self._packages: set[str] = set()
        self._directories: set[str] = {""}
        self._roots: dict[str, tuple[str, ...]] = {}
        self._located: dict[tuple[str, int, str], _Located] = {}
        for path in sorted(paths):
            self._add(path)
        self._shared_roots = self._find_shared_roots()

    def resolve(self, path: str, item: Import) -> Iterator[tuple[str, str]]:
        """Yield the files that an import in `path` refers to, each with the name taken from it.

        The name is empty where the file as a whole is meant.
        """
        located = self._locate(_directory(path), item.level, item.module)
        if not located.prefixes:
            return
        for name in item.names:
            file = self._find_submodule(located.prefixes, name)
            if file is not None:
                yield file, ""
            elif located.container is not None:
                yield located.container, name
        if not item.names and located.container is not None:
            yield located.container, ""

    def _locate(self, directory: str, level: int, module: str) -> _Located:
        """Resolve an import of a file in a directory; each is searched for once."""
        key = directory, level, module
        if key not in self._located:
            candidates = self._find_candidates(directory, level, module.replace(".", "/"))
            prefixes = tuple(
                f"{candidate.module}/" if candidate.module else "" for candidate in candidates
            )
            self._located[key] = _Located(prefixes, self._find_container(candidates))
        return self._located[key]

    def _find_submodule(self, prefixes: Sequence[str], name: str) -> str | None:
        for prefix in prefixes:
            file = self._modules.get(prefix + name)
            if file is not None:
                return file
        return None

    def _add(self, path: str) -> None:
        directory = _directory(path)
        module = _module_path(path)
        if is_package(path):
            self._packages.add(directory)
            self._modules[module] = path
        else:
            self._modules.setdefault(module, path)
        while directory not in self._directories:
            self._directories.add(directory)
            directory = _directory(directory)

    def _find_shared_roots(self) -> tuple[str, ...]:
        tops = {_directory(package) for package in self._packages if package}
        named = {d for d in self._directories if d.rpartition("/")[2] in SOURCE_DIRECTORIES}
        return tuple(sorted({"", *tops, *named} - (self._packages - {""})))

    def _find_candidates(self, directory: str, level: int, inside: str) -> tuple[_Candidate, ...]:
        """Return where the imported module may be; nowhere if it is not in this tree."""
        if not level:
            return tuple(self._search(self._get_roots(directory), inside))
        parts = list(filter(None, directory.split("/")))
        if level - 1 > len(parts):
            return ()
        top = "/".join(parts[: len(parts) - level + 1])
        return (_Candidate(top, _join(top, inside)),)

    def _search(self, roots: Sequence[str], inside: str) -> Iterator[_Candidate]:
        first = inside.split("/", 1)[0]
        for root in roots:
            top = _join(root, first)
            if top in self._modules or top in self._directories:
                yield _Candidate(top, _join(root, inside))

    def _find_container(self, candidates: Sequence[_Candidate]) -> str | None:
        """Find the module of which names are taken: the longest part of its path that is one."""
        for top, module in candidates:
            while module and len(module) >= len(top):
                if module in self._modules:
                    return self._modules[module]
                module = module.rpartition("/")[0]  # noqa: PLW2901
        return None

    def _get_roots(self, directory: str) -> tuple[str, ...]:
        if directory not in self._roots:
            above = (d for d in _ancestors(directory) if d not in self._packages)
            self._roots[directory] = tuple(dict.fromkeys((*above, *self._shared_roots)))
        return self._roots[directory]


@dataclass(frozen=True, slots=True)
class ImportGraph:
    """Which file imports which."""

    index: ModuleIndex
    imports: Imports
    edges: Mapping[str, tuple[str, ...]]
    """Importing file to imported files, in the order of its text, without itself."""

    def find_origins(self, path: str) -> tuple[str, ...]:
        """List the files that `path` imports, followed to where re-exported names come from."""
        origins = (
            origin
            for item in self.imports.get(path, ())
            for target, name in self.index.resolve(path, item)
            for origin in (target, *self._follow(target, name))
        )
        return tuple(origin for origin in dict.fromkeys(origins) if origin != path)

    def find_importers(self, paths: Iterable[str]) -> tuple[str, ...]:
        """List the files that import one of `paths`, in order, without these themselves."""
        group = set(paths)
        return tuple(
            sorted(
                path
                for path, targets in self.edges.items()
                if path not in group and not group.isdisjoint(targets)
            )
        )

    def _follow(self, target: str, name: str) -> Iterator[str]:
        for _ in range(MAX_HOPS):
            if not name or not is_package(target):
                return
            step = self._find_source(target, name)
            if step is None:
                return
            target, name = step
            yield target

    def _find_source(self, package: str, name: str) -> tuple[str, str] | None:
        for item in self.imports.get(package, ()):
            for original, alias in zip(item.names, item.aliases, strict=True):
                if alias == name:
                    single = item._replace(names=(original,), aliases=(alias,))
                    return next(self.index.resolve(package, single), None)
        return None


def build_graph(imports: Imports) -> ImportGraph:
    """Resolve the imports between the files of a tree."""
    index = ModuleIndex(imports)
    edges = {}
    for path, items in imports.items():
        targets = dict.fromkeys(target for item in items for target, _ in index.resolve(path, item))
        targets.pop(path, None)
        edges[path] = tuple(targets)
    return ImportGraph(index, imports, edges)


def is_package(path: str) -> bool:
    """Return whether a file makes its directory a regular package."""
    return path.rpartition("/")[2] == "__init__.py"


def _module_path(path: str) -> str:
    return _directory(path) if is_package(path) else path.removesuffix(".py")


def _directory(path: str) -> str:
    return path.rpartition("/")[0]


def _ancestors(directory: str) -> Iterator[str]:
    """Yield a directory and those above it, the tree's top last."""
    while directory:
        yield directory
        directory = _directory(directory)
    yield ""


def _join(root: str, name: str) -> str:
    return f"{root}/{name}" if root and name else root or name
