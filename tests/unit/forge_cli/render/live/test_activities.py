"""Every activity of a worker has words of its own, which fit their column."""

from forge_cli.render.live.activities import OF_PLANNER, OF_RUN, WORDS
from forge_cli.render.live.rows import WORD_WIDTH
from forge_core.activities.runs import RunActivities
from forge_core.worker.worker import ACTIVITIES


def test_every_activity_has_words() -> None:
    names = {activity.__name__ for activity in ACTIVITIES}
    names |= {RunActivities.begin_run.__name__, RunActivities.record_run.__name__}

    assert set(WORDS) == names
    assert set(WORDS) >= OF_PLANNER | OF_RUN
    assert max(len(word) for word, _ in WORDS.values()) <= WORD_WIDTH
