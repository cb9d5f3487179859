import doctest

import pytest

from subtrait.report import markdown


def test_examples_hold():
    tried = doctest.testmod(markdown)
    assert (tried.attempted, tried.failed) == (2, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain words, 41.3 % (a-b): fine.", "plain words, 41.3 % (a-b): fine."),
        ("a | b", r"a \| b"),
        ("<img onerror=x>", r"\<img onerror=x\>"),
        ("[a](b) ![c](d)", r"\[a\](b) !\[c\](d)"),
        ("`code` *b* _i_ ~s~ $x$", r"\`code\` \*b\* \_i\_ \~s\~ \$x\$"),
        ("&lt; #1 a@b.example", r"\&lt; \#1 a\@b.example"),
        ("https://evil.example WWW.evil.example", r"https:\//evil.example www\.evil.example"),
        ("two\nlines\u202e", r"two\\nlines\\u202e"),
    ],
)
def test_no_sign_of_markdown_acts(text, said):
    assert markdown.inline(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [("- a", r"\- a"), ("+3 points", r"\+3 points"), ("1. a", r"1\. a"), ("12) a", r"12\) a"), ("=", r"\="),
     ("# a", r"\# a"), ("3.1 points", r"3\.1 points"), ("a - b", "a - b")],
)  # fmt: skip
def test_a_paragraph_begins_no_list_and_no_heading(text, said):
    assert markdown.paragraph(text) == said


def test_a_cell_ends_no_row():
    lines = markdown.table(("a", "b"), [("x | y", "two\nlines")])
    assert lines == ["| a | b |", "|---|---|", r"| x \| y | two\\nlines |"]


def test_long_text_is_cut():
    assert len(markdown.inline("x" * 9999)) == 400
