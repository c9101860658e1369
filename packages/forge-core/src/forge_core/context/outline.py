"""The outline of a Python module: its declarations as in a stub file, without their bodies."""

import ast
from collections.abc import Iterator, Sequence
from itertools import chain

SHOWN_DUNDERS = frozenset({"__all__", "__call__", "__init__"})
"""Names with leading underscores that belong to an interface."""

MAX_VALUE_LENGTH = 80
"""Characters of source up to which the value of a constant is shown."""

MAX_DOC_LENGTH = 100
"""Characters of the first line of a docstring that are shown."""

INDENT = "    "

_CONDITIONAL = (ast.If, ast.Try, ast.With)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_TYPE_ALIAS: tuple[type[ast.stmt], ...] = (
    (ast.TypeAlias,) if hasattr(ast, "TypeAlias") else ()  # Python 3.12
)


def render_outline(tree: ast.Module) -> str:
    """Render a module's public declarations and the first lines of their docstrings.

    Expressions are written as `ast.unparse` writes them.
    """
    doc = _render_doc(tree)
    return "\n".join([*([doc] if doc else []), *_render_body(tree.body, "")])


def _render_body(body: Sequence[ast.stmt], indent: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, _FUNCTIONS):
            if _is_public(node.name):
                yield from _render_function(node, indent)
        elif isinstance(node, ast.ClassDef):
            if _is_public(node.name):
                yield from _render_class(node, indent)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            yield from _render_assignment(node, indent)
        elif isinstance(node, _CONDITIONAL):
            for block in (node.body, getattr(node, "orelse", ())):
                yield from _render_body(block, indent)
        elif isinstance(node, _TYPE_ALIAS):
            yield indent + ast.unparse(node)


def _render_function(node: ast.FunctionDef | ast.AsyncFunctionDef, indent: str) -> Iterator[str]:
    yield from _render_decorators(node.decorator_list, indent)
    yield f"{indent}{render_signature(node)}: {_render_doc(node) or '...'}"


def _render_class(node: ast.ClassDef, indent: str) -> Iterator[str]:
    yield from _render_decorators(node.decorator_list, indent)
    keywords = (f"{word.arg}={_text(word.value)}" for word in node.keywords if word.arg)
    bases = ", ".join(chain(map(_text, node.bases), keywords))
    yield f"{indent}class {node.name}{_type_parameters(node)}{f'({bases})' if bases else ''}:"
    inner = indent + INDENT
    doc = _render_doc(node)
    if doc:
        yield inner + doc
    members = list(_render_body(node.body, inner))
    yield from members or ([] if doc else [f"{inner}..."])


def _render_decorators(decorators: Sequence[ast.expr], indent: str) -> Iterator[str]:
    for decorator in decorators:
        yield f"{indent}@{_text(decorator)}"


def _render_assignment(
    node: ast.Assign | ast.AnnAssign | ast.AugAssign, indent: str
) -> Iterator[str]:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name) or not _is_public(target.id):
        return
    if isinstance(node, ast.AugAssign):
        if target.id == "__all__":
            yield indent + ast.unparse(node)
        return
    annotation = f": {_text(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""
    value = "" if node.value is None else f" = {_render_value(target.id, node.value)}"
    yield f"{indent}{target.id}{annotation}{value}"


def _render_value(name: str, value: ast.expr) -> str:
    if name != "__all__" and (
        value.lineno != value.end_lineno
        or (value.end_col_offset or 0) - value.col_offset > MAX_VALUE_LENGTH
    ):
        return "..."
    return _text(value)


def render_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Render the head of a function as `ast.unparse` does, without its colon."""
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {_text(node.returns)}" if node.returns else ""
    arguments = ", ".join(_render_arguments(node.args))
    return f"{keyword} {node.name}{_type_parameters(node)}({arguments}){returns}"


def _render_arguments(arguments: ast.arguments) -> Iterator[str]:
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    for number, (argument, default) in enumerate(zip(plain, defaults, strict=True), start=1):
        yield _render_argument(argument, default)
        if number == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield "*" + _render_argument(arguments.vararg, None)
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _render_argument(argument, default)
    if arguments.kwarg:
        yield "**" + _render_argument(arguments.kwarg, None)


def _render_argument(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {_text(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{annotation}" + (f"={_text(default)}" if default else "")


def _type_parameters(node: ast.stmt) -> str:
    parameters = getattr(node, "type_params", ())
    return f"[{', '.join(map(ast.unparse, parameters))}]" if parameters else ""


def _render_doc(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    first = node.body[0] if node.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return ""
    doc = first.value.value
    if not isinstance(doc, str) or not doc.strip():
        return ""
    line = doc.strip().split("\n", 1)[0].strip()
    if len(line) > MAX_DOC_LENGTH:
        line = line[: MAX_DOC_LENGTH - 1] + "…"
    plain = '"' not in line and "\\" not in line and line.isprintable()
    return f'"""{line}"""' if plain else repr(line)


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in SHOWN_DUNDERS


def _text(node: ast.expr) -> str:
    """Write an expression as `ast.unparse` does, which takes long for the common simple ones."""
    return _simple_text(node) or ast.unparse(node)


def _simple_text(node: ast.expr) -> str | None:
    """Write names, plain constants, attributes and subscripts; None for whatever else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return repr(node.value) if isinstance(node.value, str | int | None) else None
    if isinstance(node, ast.Attribute):
        owner = _simple_text(node.value) if not isinstance(node.value, ast.Constant) else None
        return owner and f"{owner}.{node.attr}"
    if isinstance(node, ast.Subscript):
        return _simple_subscript(node)
    return None


def _simple_subscript(node: ast.Subscript) -> str | None:
    if isinstance(node.value, ast.Constant):
        return None
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if isinstance(node.slice, ast.Tuple) and len(parts) < 2:
        return None
    texts = [_simple_text(node.value), *map(_simple_text, parts)]
    if any(text is None for text in texts):
        return None
    owner, *inner = (text for text in texts if text is not None)
    return f"{owner}[{', '.join(inner)}]"
