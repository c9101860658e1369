"""Where the database is, from the environment alone."""

from pathlib import PurePath

import pytest
from forge_obs.environment.location import locate
from forge_obs.errors import StoreUnavailable


def place(
    db_path: str | None = None,
    state_home: str | None = None,
    home: str | None = "/home/ada",
    cwd: str = "/work/repo",
) -> PurePath | None:
    return locate(db_path, state_home=state_home, home=home, cwd=cwd)


def test_default_is_the_state_directory_of_the_home() -> None:
    assert place() == PurePath("/home/ada/.local/state/forge/forge.db")


def test_state_home_replaces_the_default() -> None:
    assert place(state_home="/state") == PurePath("/state/forge/forge.db")


def test_relative_state_home_is_ignored() -> None:
    assert place(state_home="state") == PurePath("/home/ada/.local/state/forge/forge.db")


def test_db_path_wins_over_state_home() -> None:
    assert place(db_path="/x/y.db", state_home="/state") == PurePath("/x/y.db")


def test_empty_db_path_turns_the_store_off() -> None:
    assert place(db_path="", state_home="/state") is None


@pytest.mark.parametrize(
    ("db_path", "found"),
    [("~/a.db", "/home/ada/a.db"), ("~", "/home/ada"), ("~x/a.db", "/work/repo/~x/a.db")],
    ids=["below the home", "the home", "not ours"],
)
def test_tilde_means_the_own_home(db_path: str, found: str) -> None:
    assert place(db_path=db_path) == PurePath(found)


def test_relative_db_path_starts_at_the_current_directory() -> None:
    assert place(db_path="run/a b.db") == PurePath("/work/repo/run/a b.db")


@pytest.mark.parametrize("home", [None, "", "relative/home"], ids=["none", "empty", "relative"])
def test_without_a_home_the_error_says_what_to_set(home: str | None) -> None:
    with pytest.raises(StoreUnavailable, match="set FORGE_DB_PATH"):
        place(home=home)


@pytest.mark.parametrize("name", ["100%.db", "a b.db", "a#b.db", "a?mode=ro.db"])
def test_special_characters_stay_as_they_are(name: str) -> None:
    assert place(db_path=f"/x/{name}") == PurePath("/x", name)
