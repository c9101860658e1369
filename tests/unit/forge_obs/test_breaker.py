"""When a failed store is tried again and when losses are spoken of."""

from forge_obs.breaker import LONGEST_PAUSE_S, MOST_KINDS, WARN_EVERY_S, Breaker, Losses


def test_new_breaker_lets_calls_through() -> None:
    assert Breaker().allows(now=0.0)


def test_failure_holds_calls_back_for_a_while() -> None:
    broken = Breaker().failed(now=100.0)

    assert not broken.allows(now=100.5)
    assert broken.allows(now=101.0)


def test_pause_doubles_up_to_a_limit() -> None:
    breaker, pauses, now = Breaker(), [], 0.0
    for _ in range(6):
        breaker = breaker.failed(now)
        pauses.append(breaker.closed_until - now)
        now = breaker.closed_until

    assert pauses == [1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_calls_that_fail_together_are_one_failure() -> None:
    broken = Breaker().failed(now=100.0)

    assert broken.failed(now=100.5) == broken


def test_each_kind_of_failure_is_warned_about_once_a_minute() -> None:
    losses = Losses().warned("full", now=10.0)

    assert not losses.should_warn("full", now=10.0 + WARN_EVERY_S - 1)
    assert losses.should_warn("full", now=10.0 + WARN_EVERY_S)
    assert losses.should_warn("locked", now=10.0)


def test_what_is_said_once_has_an_end_however_it_varies() -> None:
    losses = Losses()
    said = [kind for kind in map(str, range(1000)) if losses.is_new(kind)]
    assert len(said) == 1000

    for kind in said:
        if losses.is_new(kind):
            losses = losses.warned(kind, now=0.0)

    assert list(losses.warned_at) == said[:MOST_KINDS]
    assert losses.should_warn("full", now=0.0), "failures are told all the same"


def test_losses_add_up() -> None:
    assert Losses().lost().lost().total == 2
