"""An answer becomes files that are to stand, computed from the commit alone, or nothing at all."""

from collections.abc import Mapping
from typing import Any

import pytest
from forge_core.edits.change_set import (
    ChangeSet,
    UnfitChanges,
    build_change_set,
    count_differences,
    list_paths,
)
from forge_core.edits.sight import build_sight
from forge_core.models.call.context import ShownFile
from forge_core.models.call.llm import LLMResponse
from forge_core.models.changes import BaseFile, FileChange, PlannedFile

APP = "import os\n\n\ndef main():\n    return os.name\n"

BASE = {"app.py": BaseFile(APP.encode()), "run.sh": BaseFile(b"#!/bin/sh\n", executable=True)}


def build(base: Mapping[str, BaseFile] = BASE, **lists: Any) -> ChangeSet:
    return build_change_set(LLMResponse.model_validate(lists), base)


def refuse(base: Mapping[str, BaseFile] = BASE, **lists: Any) -> tuple[str, ...]:
    with pytest.raises(UnfitChanges) as unfit:
        build(base, **lists)
    return (*unfit.value.problems, *unfit.value.advice)


def whole(path: str, content: str, **more: Any) -> dict[str, Any]:
    return {"file_path": path, "content": content, **more}


def edit(path: str, search: str, replace: str) -> dict[str, Any]:
    return {"file_path": path, "search": search, "replace": replace}


def test_new_file_is_written_and_an_edited_one_spliced() -> None:
    done = build(
        files=[whole("new.py", "x = 1\n")],
        edits=[
            edit("app.py", "import os\n", "import os\nimport sys\n"),
            edit("app.py", "    return os.name\n", "    return sys.platform\n"),
        ],
    )

    spliced = b"import os\nimport sys\n\n\ndef main():\n    return sys.platform\n"
    assert done.files == (
        PlannedFile("new.py", None, b"x = 1\n", executable=False),
        PlannedFile("app.py", APP.encode(), spliced),
    )
    assert done.changes == (
        FileChange(path="new.py", kind="added", lines_added=1),
        FileChange(
            path="app.py", kind="modified", lines_added=2, lines_removed=1, rungs={"exact": 2}
        ),
    )


def test_file_that_goes_comes_last_and_a_renamed_one_keeps_what_it_is() -> None:
    done = build(
        deletions=["app.py"],
        renames=[{"file_path": "run.sh", "new_path": "bin/start.sh"}],
    )

    assert done.files == (
        PlannedFile("bin/start.sh", None, b"#!/bin/sh\n", executable=True),
        PlannedFile("app.py", APP.encode(), None),
        PlannedFile("run.sh", b"#!/bin/sh\n", None),
    )
    assert [(change.kind, change.path, change.old_path) for change in done.changes] == [
        ("deleted", "app.py", None),
        ("renamed", "bin/start.sh", "run.sh"),
    ]


def test_renamed_file_is_edited_under_its_old_name() -> None:
    done = build(
        renames=[{"file_path": "app.py", "new_path": "main.py"}],
        edits=[edit("app.py", "def main():\n", "def start():\n")],
    )

    assert done.files[0].path == "main.py"
    assert done.files[0].content == APP.replace("main", "start").encode()
    assert done.changes[0].rungs == {"exact": 1}


def test_renamed_file_may_be_no_text() -> None:
    base = {"a.bin": BaseFile(b"\xff\x00")}

    done = build(base, renames=[{"file_path": "a.bin", "new_path": "b.bin"}])

    assert done.files[0].content == b"\xff\x00"


@pytest.mark.parametrize(
    ("file", "executable"),
    [
        (whole("new.sh", "#!/bin/sh\n"), True),
        (whole("new.sh", "#!/bin/sh\n", executable=False), False),
        (whole("new.sh", "echo\n"), False),
        (whole("new.sh", "echo\n", executable=True), True),
        (whole("run.sh", "echo\n"), None),
        (whole("app.py", "#!/usr/bin/env python3\n"), None),
    ],
)
def test_script_is_executable_if_it_is_new_or_the_answer_says_so(
    file: dict[str, Any], executable: bool | None
) -> None:
    assert build(files=[file]).files[0].executable is executable


MISSING = (
    "no regular file of the repository stands at {!r}; name one as it is shown, and write a new "
    "one in files"
)

CRLF = [
    ("one\r\ntwo\r\n", "a\nb\n", "a\r\nb\r\n"),
    ("one\r\ntwo\n", "a\nb\n", "a\nb\n"),
    ("one\r\n", "a\r\nb\n", "a\r\nb\n"),
    ("one\n", "a\r\nb\r\n", "a\r\nb\r\n"),
    ("one", "a\n", "a\n"),
    ("", "a\n", "a\n"),
]


@pytest.mark.parametrize(("old", "new", "written"), CRLF)
def test_whole_file_keeps_crlf_where_all_lines_had_it(old: str, new: str, written: str) -> None:
    done = build({"a.txt": BaseFile(old.encode())}, files=[whole("a.txt", new)])

    assert done.files[0].content == written.encode()


def test_same_content_is_written_but_is_no_change() -> None:
    done = build(files=[whole("app.py", APP)], edits=[])

    assert done.paths == ("app.py",)
    assert done.changes == ()


def test_every_problem_is_told_at_once_and_what_fits_is_counted() -> None:
    problems = refuse(
        BASE | {"other.py": BaseFile(b"")},
        edits=[
            edit("app.py", "import os\n", "import sys\n"),
            edit("app.py", "import re\n", ""),
            edit("gone.py", "x\n", "y\n"),
        ],
        deletions=["never.py"],
        renames=[{"file_path": "run.sh", "new_path": "other.py"}],
    )

    assert [problem.split("\n")[0] for problem in problems] == [
        "edits[1] (app.py): search does not stand in the file.",
        "edits[2]: " + MISSING.format("gone.py"),
        "deletions: " + MISSING.format("never.py"),
        "renames: a file stands at 'other.py' already",
        "Nothing was written. Of the edits, 1 would fit. Send the whole answer again, mended.",
    ]


def test_file_that_is_no_text_has_no_lines_to_edit() -> None:
    base = {"a.bin": BaseFile(b"\xff\n")}

    assert refuse(base, edits=[edit("a.bin", "x\n", "y\n")])[0].startswith("edits of a.bin: ")


def test_placeholder_for_code_is_refused_in_files_and_in_edits() -> None:
    shortened = whole("app.py", "import sys\n\n# ... rest of the code unchanged ...\n")
    replaced = edit("app.py", "def main():\n", "def main():\n    # ... existing code ...\n")

    assert "line 3 stands for code that is left out" in refuse(files=[shortened])[0]
    assert "line 2 stands for code that is left out" in refuse(edits=[replaced])[0]


def test_whole_file_that_lost_most_of_the_old_one_is_refused() -> None:
    base = {"a.py": BaseFile(b"x = 1\n" * 60)}

    problems = refuse(base, files=[whole("a.py", "x = 1\n")])

    assert "the file has 60 lines that are not blank, the answer 1 of it" in problems[0]


def test_content_that_is_no_text_is_refused() -> None:
    assert "not valid Unicode" in refuse(files=[whole("a.py", "fine\n" + "\ud800")])[0]


def test_every_path_is_listed_once() -> None:
    response = LLMResponse.model_validate(
        {
            "files": [whole("a", "")],
            "edits": [edit("b", "x", "y"), edit("b", "y", "z")],
            "deletions": ["c"],
            "renames": [{"file_path": "b", "new_path": "d"}],
            "untouched": [{"file_path": "e", "reason": "right"}],
        }
    )

    assert list_paths(response) == ("a", "b", "c", "d")


def test_differences_are_counted_as_git_does() -> None:
    assert count_differences("a\nb\nc\n", "a\nx\ny\nc\n") == (2, 1)
    assert count_differences("a\nb\n", "b\na\n") == (1, 1)
    assert count_differences("a", "a\n") == (1, 1)


WHOLE, NAMED, PART = (
    ShownFile(path="app.py", ranges=ranges) for ranges in (None, (), ((1, 2), (4, 4)))
)

ANEW = {"files": [whole("app.py", "import sys\n\n\ndef main():\n    return sys.platform\n")]}
LAST = {"edits": [edit("app.py", "    return os.name\n", "    return 1\n")]}
FIRST = {"edits": [edit("app.py", "import os\n", "import sys\n")]}


@pytest.mark.parametrize(
    ("seen", "lists", "rows"),
    [
        ((), ANEW, (0, 4)),
        ((NAMED,), ANEW, (0, 4)),
        ((PART,), ANEW, (0, 4)),
        ((PART,), {"files": [whole("app.py", APP + "main()\n")]}, ()),
        ((), LAST, (4,)),
        ((NAMED,), LAST, (4,)),
        ((PART,), LAST, (4,)),
        ((), {"deletions": ["app.py"]}, ()),
        ((), {"renames": [{"file_path": "app.py", "new_path": "b.py"}]}, ()),
        ((), {"edits": [edit("app.py", "    return os.nam\n", "")]}, (4,)),
        ((PART,), {"edits": [edit("app.py", "    return os.nam(1)\n", "")]}, (4,)),
        ((), {"edits": [edit("app.py", "", "x")]}, ()),
    ],
)
def test_what_was_not_seen_is_not_changed(
    seen: tuple[ShownFile, ...], lists: dict[str, Any], rows: tuple[int, ...]
) -> None:
    with pytest.raises(UnfitChanges) as unfit:
        build_change_set(LLMResponse.model_validate(lists), BASE, build_sight(seen))

    assert unfit.value.unseen == {"app.py": rows}


@pytest.mark.parametrize(
    ("seen", "lists"),
    [
        ((WHOLE,), ANEW),
        ((PART, WHOLE), ANEW),
        ((WHOLE, PART), LAST),
        ((PART,), FIRST),
        ((NAMED, PART), FIRST),
        ((NAMED,), {"deletions": ["app.py"]}),
        ((NAMED,), {"renames": [{"file_path": "app.py", "new_path": "b.py"}]}),
        ((), {"files": [whole("app.py", APP)]}),
        ((), {"files": [whole("new.py", "x = 1\n")]}),
    ],
)
def test_what_was_seen_may_be_changed(seen: tuple[ShownFile, ...], lists: dict[str, Any]) -> None:
    assert build_change_set(LLMResponse.model_validate(lists), BASE, build_sight(seen)).files


def test_empty_file_may_be_filled_unseen() -> None:
    answer = LLMResponse.model_validate({"files": [whole("a/__init__.py", "X = 1\n")]})

    assert build_change_set(answer, {"a/__init__.py": BaseFile(b"")}, build_sight(())).files


def test_file_that_is_answered_twice_alike_is_written_once() -> None:
    twice = [whole("new.py", "x = 1\n"), whole("new.py", "x = 1\n", executable=False)]

    assert [file.path for file in build(files=twice).files] == ["new.py"]


def test_file_that_is_answered_twice_differently_is_refused() -> None:
    problems = refuse(files=[whole("new.py", "x = 1\n"), whole("new.py", "x = 2\n")])

    assert problems[0] == "files: new.py is answered twice with different contents: answer it once"
