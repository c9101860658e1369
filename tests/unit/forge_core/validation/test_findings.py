"""Only findings that a change brought are new."""

import json
from pathlib import PurePosixPath

from forge_core.validation.findings import Finding, TextEdit, find_new, parse_findings

ROOT = PurePosixPath("/repo")


def make(row: int, code: str = "E722", message: str = "bare") -> Finding:
    return Finding("m.py", row, 1, code, message)


def test_finding_is_read_with_its_place_and_its_safe_fix() -> None:
    document = {
        "filename": "/repo/pkg/a.py",
        "location": {"row": 3, "column": 7},
        "code": "F401",
        "message": "unused",
        "fix": {
            "applicability": "safe",
            "edits": [
                {
                    "content": "",
                    "location": {"row": 3, "column": 1},
                    "end_location": {"row": 4, "column": 1},
                }
            ],
        },
    }

    (finding,) = parse_findings(f"warning: deprecated\n{json.dumps(document)}\n{{cut", ROOT)

    assert finding.render() == "pkg/a.py:3:7 F401 unused"
    assert finding.fix == (TextEdit((3, 1), (4, 1), ""),)


def test_fix_that_may_change_what_the_code_does_is_left_out() -> None:
    document = {"fix": {"applicability": "unsafe", "edits": [{"content": ""}]}}

    assert parse_findings(json.dumps(document), ROOT)[0].fix == ()


def test_every_version_s_word_for_a_syntax_error_is_the_same() -> None:
    codes = [{"code": code} for code in (None, "E999", "invalid-syntax")]

    findings = parse_findings("\n".join(map(json.dumps, codes)), ROOT)

    assert [finding.code for finding in findings] == ["syntax"] * 3


def test_finding_that_moved_is_an_old_one() -> None:
    assert find_new([make(2)], "new\nexcept:\n", [make(1)], "except:\n") == []


def test_one_of_two_equal_findings_is_new_and_it_is_the_written_one() -> None:
    old, new = "try\nexcept:\n", "except:\ntry\nexcept:\n"

    assert find_new([make(1), make(3)], new, [make(2)], old) == [make(1)]


def test_other_rule_on_an_old_line_is_new() -> None:
    assert find_new([make(1, "F821")], "x\n", [make(1)], "x\n") == [make(1, "F821")]


def test_same_words_on_a_line_that_was_changed_are_old() -> None:
    unused = make(1, "F401", "`a` unused")

    assert find_new([unused], "import a, b\n", [unused], "import a\n") == []


def test_of_a_text_that_could_not_be_parsed_only_changed_lines_count() -> None:
    broken = make(1, "syntax", "statement expected")
    new = "print 1\nx = (\n"

    findings = [broken, make(2, "syntax", "odd"), make(3, "syntax", "end of file")]
    assert find_new(findings, new, [broken], "print 1\nx = 1\n") == findings[1:]
