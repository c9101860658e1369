"""Files are parsed where that cannot mislead, and only what a change broke counts."""

from typing import TYPE_CHECKING

import pytest
from forge_core.validation.syntax.check import check_syntax

if TYPE_CHECKING:
    from forge_core.validation.syntax.python_text import PythonVersion


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("data.json", b'{"a": 1,\n', "data.json: not JSON: "),
        ("pkg/Data.JSON", b"", "pkg/Data.JSON: not JSON: "),
        ("pyproject.toml", b"[project\n", "pyproject.toml: not TOML: "),
        ("tsconfig.json", b'{"a": [1, // x\n}', "tsconfig.json: not JSON: "),
        ("a.jsonc", b'{"a": "// no comment}', "a.jsonc: not JSON: "),
        ("package.json", b'{"a": 1,}', "package.json: not JSON: "),
        ("ci.yml", b"a:\n\tb: 1\n", "ci.yml: not YAML: found character"),
        ("a.yaml", b"a: [1,\n", "a.yaml: not YAML: did not find expected node content (line 2"),
        ("index.js", b"```javascript\nlet a = 1;\n```\n", "index.js: the whole file stands in"),
        ("data.json", b"```\n{}\n```", "data.json: the whole file stands in"),
        ("Makefile", b"~~~make\r\nall:\r\n~~~\r\n", "Makefile: the whole file stands in"),
    ],
)
def test_file_that_is_not_what_its_name_says_fails(path: str, content: bytes, problem: str) -> None:
    verdict = check_syntax({path: content}, {})

    assert verdict is not None
    assert (verdict.check_name, verdict.passed) == ("syntax", False)
    assert (verdict.details or "").startswith(problem)


def test_fence_that_stood_before_may_stay() -> None:
    fenced = {"a.js": b"```\nlet a = 1;\n```\n"}

    assert check_syntax(fenced, fenced) is None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("README.md", b"```sh\nmake\n```\n"),
        ("a.js", b"```js\nlet a = 1;\n```\nlet b = `x`;\n"),
        ("tsconfig.base.json", b"{} // comment"),
        ("src/tsconfig.json", b'{"a": [1, /* 2 */ 3,], // x\n}'),
        (".devcontainer/a.json", b"{} // comment"),
        ("a.jsonc", b"{} // comment"),
        ("new/invalid.json", b"{"),
        ("tests/fixtures/a.json", b"{"),
        ("bad-config.yaml", b"a: ["),
        ("chart/templates/a.yaml", b"a: ["),
        ("a.yaml", b"a: {{ .Values.a }}\n  {{- end }}\n b"),
        ("a.json", b'{"a": {{ value }}}'),
        ("a.toml", b"a = {% value %}"),
        ("bulk.json", b'{"a": 1}\n{"b": 2}\n'),
        (".vscode/settings.json", b"{} // comment"),
        ("a.bin", b"\xff```\n```\n"),
        ("a.py", b"x = 1\n"),
    ],
)
def test_nothing_is_said_of_what_cannot_be_judged(path: str, content: bytes) -> None:
    verdict = check_syntax({path: content}, {})

    assert verdict is None or verdict.passed


def test_what_can_be_parsed_passes() -> None:
    verdict = check_syntax({"a.json": b"\xef\xbb\xbf{}", "b.toml": b"a = 1\n"}, {"a.json": b"{"})

    assert verdict is not None
    assert (verdict.passed, verdict.summary) == (True, "2 files of JSON and TOML parsed")


def test_file_that_the_change_broke_is_told_from_one_that_was_broken() -> None:
    verdict = check_syntax({"a.json": b"{", "b.json": b"{"}, {"a.json": b"{}", "b.json": b"{ //"})

    assert verdict is not None
    assert verdict.summary == "1 file not what the name says"
    assert (verdict.details or "").startswith("a.json: ")


def test_file_whose_kind_allows_comments_may_get_the_first_one() -> None:
    verdict = check_syntax({"tsconfig.json": b"{} // why"}, {"tsconfig.json": b"{}"})

    assert verdict is not None
    assert verdict.passed


def test_sample_that_was_sound_is_not_broken() -> None:
    verdict = check_syntax({"fixtures/a.json": b"{"}, {"fixtures/a.json": b"{}"})

    assert verdict is not None
    assert not verdict.passed


def test_python_is_judged_where_nothing_else_does() -> None:
    files = {"a.py": b"def f(:\n", "b.py": b"def f(:\n", "c.py": b"x = 1\n"}
    pythons: dict[str, PythonVersion] = {"a.py": (3, 9), "c.py": (3, 9)}

    verdict = check_syntax(files, {}, pythons)

    assert verdict is not None
    assert verdict.details == "a.py: not Python 3.9: invalid syntax (line 1)"
    alone = check_syntax({"c.py": files["c.py"]}, {}, pythons)
    assert alone is not None
    assert alone.summary == "1 file of Python parsed"
