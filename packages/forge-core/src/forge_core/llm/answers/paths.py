"""Spellings of one path, read as the path that they can only mean; pure."""


def normalise_path(path: str) -> str:
    """Return a path without `./`, doubled slashes and a Windows system's separators.

    No file may be written whose name holds a backslash, so one can only separate. What begins with
    a slash, and `..`, stay: they do not say one file of the repository.
    """
    parts = path.replace("\\", "/").split("/")
    first, *rest = parts
    kept = [part for part in rest[:-1] if part not in {"", "."}]
    last = rest[-1:] if rest[-1:] != ["."] else [""]
    head = [] if first == "." and rest else [first]
    normal = "/".join([*head, *kept, *last])
    return normal or ("." if path else "")
