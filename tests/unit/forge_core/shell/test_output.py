"""Output of any length is kept within a limit: its beginning and its end."""

from forge_core.shell.output import CappedOutput
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(max_size=30)), st.integers(min_value=1, max_value=200))
def test_kept_and_missing_bytes_add_up(chunks: list[bytes], limit: int) -> None:
    output = CappedOutput(limit)

    for chunk in chunks:
        output.add(chunk)

    total = sum(map(len, chunks))
    assert output.missing == max(0, total - limit)


@given(st.lists(st.binary(max_size=30)))
def test_short_output_is_kept_whole(chunks: list[bytes]) -> None:
    output = CappedOutput(10_000)

    for chunk in chunks:
        output.add(chunk)

    assert output.text() == b"".join(chunks).decode("utf-8", "backslashreplace")


def test_long_output_keeps_its_first_quarter_and_its_end() -> None:
    output = CappedOutput(8)

    output.add(b"abcdefgh")
    output.add(b"ijklmnop")

    assert output.text() == "ab\n… 8 bytes left out …\nklmnop"
