"""What is said of the files that an answer was to change."""

import pytest
from forge_core.models.call.llm import Untouched
from forge_core.validation.targets import judge_targets, normalize_targets


def leave(path: str, reason: str = "it is right") -> Untouched:
    return Untouched(file_path=path, reason=reason)


@pytest.mark.parametrize(
    ("targets", "untouched", "touched", "missing", "summary"),
    [
        pytest.param(
            ["a.py", "b.py"],
            [],
            {"a.py"},
            {"b.py"},
            "named, but missing afterwards: b.py",
            id="missing",
        ),
        pytest.param(
            ["a.py"],
            [leave("a.py")],
            {"c.py"},
            {"a.py"},
            "named, but missing afterwards: a.py",
            id="missing-although-explained",
        ),
        pytest.param(
            ["a.py", "b.py"],
            [],
            {"c.py"},
            (),
            "none of the named files was changed: a.py, b.py",
            id="none",
        ),
        pytest.param(
            ["a.py", "b.py"],
            [leave("a.py")],
            {"c.py"},
            (),
            "none of the named files was changed: a.py, b.py",
            id="none-and-one-without-a-reason",
        ),
        pytest.param(["a.py"], [], (), (), "the answer changes nothing of a.py", id="nothing"),
        pytest.param([], [], (), (), "the answer changes nothing", id="nothing-and-none-named"),
        pytest.param(
            ["a.py"],
            [leave("a.py", " \n")],
            (),
            (),
            "the answer changes nothing of a.py",
            id="blank-reason",
        ),
        pytest.param(
            ["a.py", "b.py"],
            [leave("a.py")],
            (),
            (),
            "the answer changes nothing of b.py",
            id="one-of-two-explained",
        ),
    ],
)
def test_answer_that_does_not_keep_to_its_targets_fails(
    targets: list[str],
    untouched: list[Untouched],
    touched: set[str],
    missing: set[str],
    summary: str,
) -> None:
    verdict = judge_targets(targets, untouched, touched=touched, missing=missing)

    assert verdict is not None
    assert (verdict.check_name, verdict.passed, verdict.summary) == ("targets", False, summary)
    assert "untouched" in (verdict.details or "")


@pytest.mark.parametrize(
    ("targets", "touched", "missing"),
    [
        pytest.param(["a.py"], {"a.py"}, (), id="changed"),
        pytest.param(["a.py"], {"a.py"}, {"a.py"}, id="deleted-or-renamed"),
        pytest.param(["lib"], {"lib/a.py"}, (), id="below-a-directory"),
        pytest.param(["."], {"lib/a.py"}, (), id="anywhere"),
        pytest.param([], {"a.py"}, (), id="none-named"),
    ],
)
def test_nothing_is_said_where_all_targets_were_changed(
    targets: list[str], touched: set[str], missing: set[str]
) -> None:
    assert judge_targets(targets, [], touched=touched, missing=missing) is None


def test_target_left_alone_among_others_is_a_warning() -> None:
    verdict = judge_targets(["a.py", "b.py"], [], touched={"a.py"}, missing=())

    assert verdict is not None
    assert (verdict.passed, verdict.warning) == (True, True)
    assert verdict.summary == "named, but not changed: b.py"


def test_target_left_alone_with_a_reason_is_a_note() -> None:
    verdict = judge_targets(
        ["a.py", "b.py"], [leave("./b.py", "it\nis right")], touched={"a.py"}, missing=()
    )

    assert verdict is not None
    assert (verdict.passed, verdict.warning) == (True, False)
    assert verdict.summary == "left as they stand: b.py (it is right)"


def test_no_change_is_a_success_that_gives_the_reason() -> None:
    verdict = judge_targets(["a.py"], [leave("a.py", "done already")], touched=(), missing=())

    assert verdict is not None
    assert (verdict.passed, verdict.warning) == (True, False)
    assert verdict.summary == "no change needed: done already"


def test_no_change_needs_no_named_target() -> None:
    verdict = judge_targets([], [leave("a.py", "done already")], touched=(), missing=())

    assert verdict is not None
    assert verdict.summary == "no change needed: done already"


def test_long_reason_is_cut() -> None:
    verdict = judge_targets(["a"], [leave("a", "x" * 5000)], touched=(), missing=())

    assert verdict is not None
    assert len(verdict.summary) < 400


def test_targets_are_compared_as_git_spells_them() -> None:
    assert normalize_targets(["./a.py", "lib/", "a.py"]) == ("a.py", "lib")
