"""Whatever slip a model makes, an edit is applied as it is meant or refused: never otherwise."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.slips import SLIPS, judge, make_case

CASES = 300
"""Of each kind of slip, those that find nothing to spoil included."""

DRAWS = 12
"""Draws of one example, of which a quarter are cases."""

TRIALS = 300_000


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_mixture_of_slips_leads_to_another_place(rng: random.Random) -> None:
    cases = [case for _ in range(DRAWS) if (case := make_case(rng)) is not None]
    assume(cases)

    for case in cases:
        assert judge(case) != "WRONG", case


@pytest.mark.parametrize("slip", SLIPS)
def test_one_slip_is_tolerated_often_and_never_wrongly(slip: str) -> None:
    rng = random.Random(slip)  # noqa: S311 - no secret
    cases = [case for _ in range(CASES) if (case := make_case(rng, [slip])) is not None]

    verdicts = [judge(case) for case in cases]

    assert "WRONG" not in verdicts
    assert verdicts.count("right") > len(verdicts) / 10


@pytest.mark.soak
def test_no_hostile_trial_leads_to_another_place() -> None:
    rng = random.Random(2)  # noqa: S311 - no secret
    verdicts = {"right": 0, "refused": 0}
    while sum(verdicts.values()) < TRIALS:
        case = make_case(rng)
        if case is not None:
            verdict = judge(case)
            assert verdict != "WRONG", case
            verdicts[verdict] += 1

    assert verdicts["right"] > TRIALS / 2
