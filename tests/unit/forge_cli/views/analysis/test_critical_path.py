"""The critical path is what the end of a run waited for."""

from dataclasses import replace

from forge_cli.views.analysis.critical_path import PAUSED, WAITING, find_critical_path
from forge_cli.views.analysis.timeline import Bar, Lane
from forge_cli.views.outline import AttemptOutline, UnitOutline
from forge_cli.views.spending import BETWEEN, END, PAUSE, REPEAT, START, UNANSWERED
from forge_obs import Interaction
from hypothesis import given
from hypothesis import strategies as st

NO_WAITS = dict.fromkeys((START, REPEAT, UNANSWERED, BETWEEN, END), 0.0)
ATTEMPT = AttemptOutline(1, "success", is_discarded=False)


def lane(name: str, *bars: Bar, parts: tuple[UnitOutline, ...] = ()) -> Lane:
    return Lane(UnitOutline("step", name, "success", parts=parts), ATTEMPT, bars)


def name_segments(lanes: list[Lane], whole_s: float) -> list[tuple[str, str]]:
    segments = find_critical_path(lanes, whole_s).segments
    return [
        (s.lane.unit.name if s.lane is not None and s.lane.unit is not None else "", s.purpose)
        for s in segments
    ]


def test_steps_follow_each_other_with_what_was_waited_for() -> None:
    lanes = [
        lane("a", Bar("context", 1, 2), Bar("model", 2, 5)),
        lane("b", Bar("model", 6, 8), Bar("git", 8, 9)),
    ]

    path = find_critical_path(lanes, 10)

    assert [(s.purpose, s.start_s, s.end_s) for s in path.segments] == [
        (WAITING, 0, 1),
        ("files", 1, 2),
        ("model", 2, 5),
        (WAITING, 5, 6),
        ("model", 6, 8),
        ("git", 8, 9),
        (WAITING, 9, 10),
    ]
    assert path.sum_by_purpose() == {"model": 5, WAITING: 3, "files": 1, "git": 1}
    assert path.sum_waits() == {**NO_WAITS, START: 1, BETWEEN: 1, END: 1}
    assert replace(path, has_ended=False).sum_waits() == {**NO_WAITS, START: 1, BETWEEN: 2}


def test_waiting_behind_a_failed_request_is_for_its_repetition() -> None:
    lanes = [lane("a", Bar("model", 0, 2, is_failed=True), Bar("model", 5, 6))]

    assert find_critical_path(lanes, 6).sum_waits() == {**NO_WAITS, REPEAT: 3}


def test_waiting_behind_a_lost_request_is_for_it_and_holds_the_pause() -> None:
    lanes = [lane("a", Bar("model", 1, 1, is_unanswered=True), Bar("model", 31, 33))]

    path = find_critical_path(lanes, 33, paused_s=26)

    assert path.sum_waits() == {**NO_WAITS, START: 1, UNANSWERED: 4, PAUSE: 26}
    assert path.sum_by_purpose() == {PAUSED: 26, WAITING: 5, "model": 2}


def test_pause_is_told_apart_from_other_waits() -> None:
    lanes = [lane("a", Bar("model", 1, 2), Bar("model", 62, 63))]

    path = find_critical_path(lanes, 64, paused_s=59)

    assert path.sum_by_purpose() == {PAUSED: 59, WAITING: 3, "model": 2}
    assert path.sum_waits() == {**NO_WAITS, START: 1, BETWEEN: 1, END: 1, PAUSE: 59}


def test_of_parallel_sub_tasks_the_last_to_end_is_on_it() -> None:
    short = lane("short", Bar("model", 1, 3))
    long = lane("long", Bar("context", 1, 2), Bar("model", 2, 7))
    step = lane("step", Bar("git", 7, 8), parts=(UnitOutline("sub-task", "x", "success"),))

    assert name_segments([short, long, step], 8) == [
        ("", WAITING),
        ("long", "files"),
        ("long", "model"),
        ("step", "git"),
    ]


def test_repair_of_a_sub_task_waits_for_its_own_first_attempt_and_not_for_its_sibling() -> None:
    repaired, sibling = (UnitOutline("sub-task", name, "success") for name in ("a", "b"))
    call = Interaction(step_id="step")
    first, second = (
        AttemptOutline(number, "success", is_discarded=False, calls=(call,), step_attempt=1)
        for number in (1, 2)
    )
    lanes = [
        lane("before", Bar("git", 0, 1)),
        Lane(repaired, first, (Bar("model", 1, 3),)),
        Lane(repaired, second, (Bar("model", 5, 8),)),
        Lane(sibling, first, (Bar("model", 1, 4),)),
        lane("step", Bar("git", 8, 9), parts=(repaired, sibling)),
    ]

    assert name_segments(lanes, 9) == [
        ("before", "git"),
        ("a", "model"),
        ("", WAITING),
        ("a", "model"),
        ("step", "git"),
    ]


def test_step_that_prepares_its_sub_tasks_waits_for_them_all_the_same() -> None:
    part = lane("part", Bar("model", 1, 7))
    parts = (UnitOutline("sub-task", "x", "success"),)
    step = lane("step", Bar("git", 0, 1), Bar("git", 7, 8), parts=parts)

    assert name_segments([part, step], 8) == [("step", "git"), ("part", "model"), ("step", "git")]


def test_run_without_any_work_is_waiting() -> None:
    assert [s.purpose for s in find_critical_path([], 3).segments] == [WAITING]
    assert find_critical_path([], 0).segments == ()


times = st.floats(0, 100, allow_nan=False)
bars = st.builds(lambda a, b: Bar("model", min(a, b), max(a, b)), times, times)


@given(st.lists(st.lists(bars, max_size=4)), times)
def test_segments_cover_the_run_without_a_gap(bars_of_lanes: list[list[Bar]], whole: float) -> None:
    lanes = [lane(str(number), *bars) for number, bars in enumerate(bars_of_lanes)]

    path = find_critical_path(lanes, whole)

    ends = [0.0, *(segment.end_s for segment in path.segments)]
    starts = [*(segment.start_s for segment in path.segments), ends[-1]]
    assert ends == starts
    assert path.duration_s == max([whole, *(lane.end_s for lane in lanes)])
