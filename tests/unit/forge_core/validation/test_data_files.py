"""Files that are no Python are parsed where they can be, and only what a change broke counts."""

import pytest
from forge_core.validation.data_files import check_data


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("data.json", b'{"a": 1,\n', "data.json: not JSON: "),
        ("pkg/Data.JSON", b"", "pkg/Data.JSON: not JSON: "),
        ("pyproject.toml", b"[project\n", "pyproject.toml: not TOML: "),
        ("index.js", b"```javascript\nlet a = 1;\n```\n", "index.js: the whole file stands in"),
        ("data.json", b"```\n{}\n```", "data.json: the whole file stands in"),
        ("Makefile", b"~~~make\r\nall:\r\n~~~\r\n", "Makefile: the whole file stands in"),
    ],
)
def test_file_that_is_not_what_its_name_says_fails(path: str, content: bytes, problem: str) -> None:
    verdict = check_data({path: content}, {})

    assert verdict is not None
    assert (verdict.check_name, verdict.passed) == ("syntax", False)
    assert (verdict.details or "").startswith(problem)


def test_fence_that_stood_before_may_stay() -> None:
    fenced = {"a.js": b"```\nlet a = 1;\n```\n"}

    assert check_data(fenced, fenced) is None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("README.md", b"```sh\nmake\n```\n"),
        ("a.js", b"```js\nlet a = 1;\n```\nlet b = `x`;\n"),
        ("tsconfig.base.json", b"{} // comment"),
        (".vscode/settings.json", b"{} // comment"),
        ("a.bin", b"\xff```\n```\n"),
        ("a.py", b"x = 1\n"),
    ],
)
def test_nothing_is_said_of_what_cannot_be_judged(path: str, content: bytes) -> None:
    assert check_data({path: content}, {}) is None


def test_what_can_be_parsed_passes() -> None:
    verdict = check_data({"a.json": b"\xef\xbb\xbf{}", "b.toml": b"a = 1\n"}, {"a.json": b"{"})

    assert verdict is not None
    assert (verdict.passed, verdict.summary) == (True, "2 files of JSON or TOML parsed")


def test_file_that_the_change_broke_is_told_from_one_that_was_broken() -> None:
    verdict = check_data({"a.json": b"{", "b.json": b"{"}, {"a.json": b"{}", "b.json": b"{ //"})

    assert verdict is not None
    assert verdict.summary == "1 file not what the name says"
    assert (verdict.details or "").startswith("a.json: ")
