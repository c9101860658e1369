"""Task ids made of descriptions: short, readable, and valid in refs and file names; pure.

Letters of other scripts are written as Latin ones where that takes a small table: see D83.
"""
# ruff: noqa: RUF001 - letters that look like Latin ones are what this is about

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

LENGTH = 24
"""Longest slug, in characters, unless its first word is longer."""

_FILLERS = """a an and are as at be by can for from i in into is it its my of on or our please
should so that the their this to we will with you your"""

FILLERS = frozenset(_FILLERS.split())
"""Words that say nothing of what is to be done."""

APOSTROPHES = str.maketrans("", "", "'`\u2019")

_LETTERS = """
а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch
ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya є=ye і=i ґ=g ў=u ђ=dj ј=j љ=lj њ=nj ћ=c џ=dz
α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps
ω=o ß=ss æ=ae œ=oe ø=o ł=l đ=d ð=d þ=th ı=i
"""

LETTERS = {letter: latin for letter, _, latin in (pair.partition("=") for pair in _LETTERS.split())}
"""What letters are written as that are no Latin ones with a mark."""


def build_task_id(description: str, suffix: str, target_files: Sequence[str] = ()) -> str:
    """Build a task id of the first words of a description and a suffix.

    Args:
        description: What is to be done, in any script.
        suffix: What makes the id unique; four hex digits.
        target_files: Paths; the first one's name stands for words that have no Latin letters.
    """
    first_line = next((line for line in description.splitlines() if line.strip()), "")
    names = [PurePosixPath(path).stem for path in target_files[:1]]
    slugs = (build_slug(text) for text in (first_line, description, *names))
    return f"{next(filter(None, slugs), 'task')}-{suffix}"


def build_slug(text: str) -> str:
    """Build a slug of the first words of a text; empty where none can be written so."""
    words = re.findall(r"[a-z0-9]+", romanise(text))
    telling = [word for word in words if word not in FILLERS] or words
    slug = telling[0][:LENGTH] if telling else ""
    for word in telling[1:]:
        if len(slug) + 1 + len(word) > LENGTH:
            break
        slug += f"-{word}"
    return slug


def romanise(text: str) -> str:
    """Write a text in lower-case Latin letters as far as they are known, else with blanks."""
    whole = unicodedata.normalize("NFKC", text).lower().translate(APOSTROPHES)
    # Without its ideographs, which have no one reading, a Japanese sentence is only its grammar.
    reads_kana = not any(_is_ideograph(letter) for letter in whole)
    written = ""
    for letter in whole:
        if reads_kana and "\u3040" <= letter <= "\u30ff":
            written = _add_kana(written, letter)
        else:
            written += _romanise_letter(letter)
    return written


def _is_ideograph(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("CJK UNIFIED")


def _romanise_letter(letter: str) -> str:
    if letter.isascii():
        return letter
    if "가" <= letter <= "힣":
        return unicodedata.name(letter).rsplit(maxsplit=1)[-1].lower()
    bare = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    known = "".join(c if c.isascii() else LETTERS.get(c, " ") for c in bare)
    return LETTERS.get(letter, known)


def _add_kana(written: str, letter: str) -> str:
    """Add a Japanese syllable; Unicode's names have its sound."""
    *kind, sound = unicodedata.name(letter, "? ?").lower().split()
    if "letter" not in kind or (sound == "tu" and "small" in kind):
        return written if letter in "ーっッ" else f"{written} "
    if "small" in kind and sound.startswith("y"):  # ki + small ya = kya
        return written.removesuffix("i") + sound
    return written + sound
