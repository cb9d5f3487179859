from dataclasses import fields

import pytest

from subtrait.data.limits import Limits
from subtrait.errors import UsageError


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "7", None])
def test_a_limit_is_a_positive_whole_number(name, value):
    with pytest.raises(UsageError, match=name):
        Limits(**{name: value})


def test_the_published_defaults():
    # Depth 64, ratio 200 after 64 MiB and lines of 16 MiB are what the documentation promises.
    limits = Limits()
    assert (limits.depth, limits.expansion, limits.expansion_from, limits.line_bytes) == (64, 200, 2**26, 2**24)
