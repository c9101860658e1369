"""What a prompt showed of files, read back from its text."""

from forge_cli.views.calls.shown_files import ShownPart, read_shown_files
from forge_core.context.excerpt import show_rows
from forge_core.context.sections import Section, fence, render_sections

TEXT = "".join(f"line {number}\n" for number in range(1, 501))


def build_prompt(*sections: Section) -> str:
    task = Section("task", "", "Do it.\n\n## Target file: task.py\n\nnothing", "what is to be done")
    return render_sections([Section("instructions", "", "Work.", ""), *sections, task])


def test_whole_file_is_read_back() -> None:
    text = "A = '''\n## Target file: b.py\n\n```\nfenced\n```\n'''\n"
    prompt = build_prompt(Section("target_file", "dir/a.py", fence(text), "", "full"))

    assert read_shown_files(prompt) == {"dir/a.py": [ShownPart(text, 1, is_whole=True)]}


def test_parts_of_a_file_have_the_numbers_of_their_lines() -> None:
    excerpt = show_rows(TEXT, [300], 1500)
    assert excerpt is not None
    prompt = build_prompt(Section("target_file", "a.py", excerpt.text, "", "excerpt"))

    *_, part = reversed(read_shown_files(prompt)["a.py"])

    assert [(p.first, p.is_whole) for p in read_shown_files(prompt)["a.py"]] == [
        (first, False) for first, _ in reversed(excerpt.ranges)
    ]
    assert part.text.startswith(f"line {part.first}\n")


def test_signatures_and_what_an_answer_wrote_are_no_file() -> None:
    prompt = build_prompt(
        Section("target_file", "a.py", fence("def f(): ..."), "", "signatures"),
        Section("refused_file", "b.py", fence("B = 2"), "", "full"),
    )

    assert read_shown_files(prompt) == {}


def test_what_is_shown_last_comes_first() -> None:
    sections = [Section("target_file", "a.py", fence(text), "", "full") for text in ("1\n", "2\n")]

    shown = read_shown_files(build_prompt(*sections))

    assert [part.text for part in shown["a.py"]] == ["2\n", "1\n"]
