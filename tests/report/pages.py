"""What tests of a page share: the page as a browser reads it, and every small change of a record."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser would make of the page: its elements, their attributes, its visible text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def mutants(value):
    """Every copy of a record with one value in it altered, and the fields on the way from the record to that value."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            for places, altered in mutants(getattr(value, field.name)):
                yield {(type(value).__name__, field.name), *places}, replace(value, **{field.name: altered})
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from ((at, (*value[:index], altered, *value[index + 1 :])) for at, altered in mutants(item))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from ((at, {**value, key: altered}) for at, altered in mutants(item))
    elif value is not None:
        yield set(), other(value)


def other(value):
    """A value that differs from this one by more than rounding."""
    if isinstance(value, str):
        return {"tuned": "prompted"}.get(value, f"Q7{value}")
    return not value if isinstance(value, bool) else value + (1 if isinstance(value, int) else 0.0137)
