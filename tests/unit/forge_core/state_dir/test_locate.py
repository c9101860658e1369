"""Forge's directories follow the XDG base directory specification."""

from pathlib import Path

import pytest
from forge_core.errors import ServerUnavailable
from forge_core.state_dir.locate import locate_state_dir


@pytest.mark.parametrize(
    ("environ", "registered", "expected"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, None, "/s/forge"),
        ({"HOME": "/h"}, None, "/h/.local/state/forge"),
        ({"XDG_STATE_HOME": "", "HOME": "/h"}, None, "/h/.local/state/forge"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, None, "/h/.local/state/forge"),
        ({"HOME": ""}, "/registered", "/registered/.local/state/forge"),
        ({}, "/registered", "/registered/.local/state/forge"),
    ],
    ids=["xdg", "home", "empty-xdg", "relative-xdg", "empty-home", "no-home"],
)
def test_state_directory_follows_the_environment(
    environ: dict[str, str], registered: str | None, expected: str
) -> None:
    assert locate_state_dir(environ, registered) == Path(expected)


@pytest.mark.parametrize("home", ["", "relative"])
def test_no_home_at_all_is_an_error_with_the_way_out(home: str) -> None:
    with pytest.raises(ServerUnavailable, match="set XDG_STATE_HOME"):
        locate_state_dir({"HOME": home})
