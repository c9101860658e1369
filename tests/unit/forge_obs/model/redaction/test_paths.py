"""Paths lose what says whose they are."""

import pytest
from forge_obs.model.redaction.paths import Paths


@pytest.mark.parametrize(
    ("root", "text", "expected"),
    [
        ("/home/ann/src/pantry", "/home/ann/src/pantry/db.py:3", "pantry/db.py:3"),
        ("/home/ann/src/pantry", 'File "/home/ann/src/pantry"', 'File "pantry"'),
        ("/home/ann/src/pantry", "in /home/ann/src/pantry.", "in pantry."),
        ("/home/ann/src/pantry", "/home/ann/src/pantry-2/db.py", "~/src/pantry-2/db.py"),
        ("/home/ann/src/pantry", "/home/ann/src/pantry.git/x", "~/src/pantry.git/x"),
        ("/home/ann/src/pantry", "PYTHONPATH=/home/ann/lib:/opt", "PYTHONPATH=~/lib:/opt"),
        ("/home/ann/src/pantry", "/home/anna/lib", "/home/anna/lib"),
        ("/home/ann/src/pantry", "https://x.org/home/ann/a", "https://x.org/home/ann/a"),
        ("/Users/ann/pantry/", "scripted:/Users/ann/a.json", "scripted:~/a.json"),
        ("/mnt/c/Users/ann/pantry", "/mnt/c/Users/ann/x", "~/x"),
        ("/srv/git/pantry", "/srv/git/pantry/a /srv/git/b", "pantry/a /srv/git/b"),
        ("/home/ann", "/home/ann/a", "~/a"),
        ("pantry", "pantry/a", "pantry/a"),
        ("/", "/a", "/a"),
        ("/root", "/root/item", "/root/item"),
    ],
)
def test_repository_is_its_name_and_the_home_around_it_a_tilde(
    root: str, text: str, expected: str
) -> None:
    paths = Paths()
    paths.add_repository(root)

    assert paths.shorten(text) == expected


def test_paths_of_several_repositories_are_told_apart() -> None:
    paths = Paths()
    for root in ("/home/ann/a", "/home/ann/a/vendor/b"):
        paths.add_repository(root)

    assert paths.shorten("/home/ann/a/vendor/b/x, /home/ann/a/x, /home/ann") == "b/x, a/x, ~"
