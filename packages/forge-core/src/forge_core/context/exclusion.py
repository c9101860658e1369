"""Which files of a repository are no context for a model, by path and size."""

from forge_core.models.call.context import FILE_LIMIT_BYTES

VENDORED = frozenset(
    {
        "__pycache__",
        "bower_components",
        "dist",
        "node_modules",
        "site-packages",
        "third_party",
        "third-party",
        "vendor",
        "vendored",
        "venv",
    }
)
"""Directories that hold what others wrote, or what a build made."""

LOCK_FILES = frozenset(
    {
        "bun.lockb",
        "cargo.lock",
        "composer.lock",
        "flake.lock",
        "gemfile.lock",
        "go.sum",
        "gradle.lockfile",
        "mix.lock",
        "npm-shrinkwrap.json",
        "package-lock.json",
        "package.resolved",
        "packages.lock.json",
        "pdm.lock",
        "pipfile.lock",
        "pnpm-lock.yaml",
        "podfile.lock",
        "poetry.lock",
        "pubspec.lock",
        "pylock.toml",
        "uv.lock",
        "yarn.lock",
    }
)

_BINARY = """
7z a avi bin bmp bz2 class db dll dylib eot exe flac gif gz ico jar jpeg jpg lib mkv mov mp3 mp4
npy npz o ogg onnx otf parquet pdf pickle pkl png pt pyc pyd rar so sqlite sqlite3 tar tgz tif
tiff ttf wasm wav webm webp whl woff woff2 xls xlsx xz zip zst
"""
BINARY_SUFFIXES = frozenset(_BINARY.split())

_TEXT = """
adoc bat c cc cfg cmake conf cpp cs css csv cxx dart editorconfig env ex exs fish gitattributes
gitignore go gradle graphql h hpp hs htm html in ini ipynb java jinja jinja2 js json jsonl jsx kt
less lua m mako md mdx mjs mk ml php pl po pot properties proto ps1 pyi pyx r rb rs rst sass scala
scss sh sql svelte svg swift tex tf toml ts tsv tsx txt typed vue xml yaml yml zsh
"""
TEXT_SUFFIXES = frozenset(_TEXT.split())
"""Endings of files that are taken for text unseen."""


def find_exclusion(path: str, size: int) -> str | None:
    """Return why a file is left out by default; None if it is not."""
    *directories, name = path.split("/")
    if not path.isprintable():
        return "unprintable name"
    if not VENDORED.isdisjoint(directories):
        return "vendored"
    if name.lower() in LOCK_FILES:
        return "lock file"
    if _suffix(name) in BINARY_SUFFIXES or name.endswith((".min.js", ".min.css")):
        return "binary or minified"
    if size > FILE_LIMIT_BYTES:
        return "larger than 1 MB"
    return None


def is_python(path: str) -> bool:
    """Return whether a file is a Python module."""
    return path.endswith(".py")


def needs_reading(path: str) -> bool:
    """Return whether a file's kind can be told only from its content."""
    return is_python(path) or _suffix(path.rpartition("/")[2]) not in TEXT_SUFFIXES


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
