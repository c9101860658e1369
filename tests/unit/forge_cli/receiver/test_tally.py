"""A receiver tells what it does in lines that are rare enough to be read."""

from forge_cli.receiver.tally import EVERY_S, MOST_PROGRAMS, Tally


def test_the_first_call_is_told_at_once_and_the_next_ones_together() -> None:
    tally = Tally(100)
    tally.add_calls(["my-app"], 1)
    first = tally.take_lines(100)
    tally.add_calls(["my-app"], 2)
    tally.add_calls(["my-app"], 1200)

    assert first == (["1 call of my-app"], [])
    assert tally.take_lines(100 + EVERY_S - 1) == ([], [])
    assert tally.take_lines(100 + EVERY_S) == (["1,202 calls of my-app"], [])
    assert tally.take_lines(1000) == ([], [])
    assert tally.total == 1203


def test_the_last_lines_do_not_wait() -> None:
    tally = Tally(0)
    tally.add_calls(["a"], 1)
    tally.take_lines(0)
    tally.add_calls(["a"], 1)

    assert tally.take_lines(1, at_once=True) == (["1 call of a"], [])


def test_a_problem_does_not_keep_calls_from_being_told() -> None:
    tally = Tally(0)
    tally.add_problem("no token")
    assert tally.take_lines(0) == ([], ["1 not taken: no token"])
    tally.add_calls(["a"], 1)
    tally.add_problem("no token")

    assert tally.take_lines(1) == (["1 call of a"], [])


def test_programs_of_one_body_are_named_together() -> None:
    tally = Tally(0)
    tally.add_calls(["b", "a", "b"], 3)
    tally.add_calls(["e", "d", "c", "b", "a"], 2)
    tally.add_calls([], 1)

    assert tally.take_lines(0)[0] == [
        "3 calls of a, b",
        "2 calls of a, b, c and 2 more",
        "1 call of a program without a name",
    ]


def test_names_are_strangers_texts() -> None:
    tally = Tally(0)
    tally.add_calls(["\x1b[31mred\n", "x" * 100], 1)

    [line] = tally.take_lines(0)[0]
    assert "\x1b" not in line
    assert "\n" not in line
    assert len(line) < 100


def test_a_flood_of_names_is_counted_as_others() -> None:
    tally = Tally(0)
    for number in range(MOST_PROGRAMS + 50):
        tally.add_calls([f"app-{number}"], 1)
        tally.add_problem(f"reason {number}")

    calls, problems = tally.take_lines(0)
    assert (calls[0], len(calls)) == ("50 calls of others", MOST_PROGRAMS + 1)
    assert len(problems) == MOST_PROGRAMS + 1
