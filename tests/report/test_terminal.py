import io

from rich.console import Console

from subtrait.report.terminal import indented, listed, plain, ruled_table, titled


def shown(*parts, width=80):
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None)
    for part in parts:
        console.print(part)
    return stream.getvalue()


def test_markup_in_text_stays_text():
    assert shown(plain("[bold]x[/bold] [link=http://a]\x1b[31m\u202e")).strip() == (
        "[bold]x[/bold] [link=http://a]\\x1b[31m\\u202e"
    )


def test_a_build_machine_finds_no_command_in_text():
    lines = shown(listed("Why", ["::error::x", "a " * 38 + "::stop-commands::y", "##vso[task.complete]z", "##[error]"]))
    assert "::" not in lines
    assert "##" not in lines
    assert ":\\x3aerror:\\x3ax" in lines


def test_sentences_are_set_in_on_every_line():
    lines = shown(indented("word " * 40, by=4)).splitlines()
    assert len(lines) > 2
    assert all(line.startswith("    word") for line in lines)


def test_a_line_break_in_text_begins_no_line():
    assert "a\\nb" in shown(indented("a\nb"))


def test_names_are_folded_and_numbers_are_not():
    table = ruled_table("name", "number", "rest", width=8)
    table.add_row(plain("n" * 60), "123,456", "r")
    text = shown(titled("T", [table]), width=40)
    assert "123,456" in text
    assert max(map(len, text.splitlines())) <= 40
