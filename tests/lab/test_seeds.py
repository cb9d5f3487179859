"""One random stream per purpose."""

import numpy as np
import pytest

from subtrait.lab.arms import ARMS
from subtrait.lab.seeds import stream


def drawn(*purpose):
    return stream(*purpose).integers(2**63, size=8).tolist()


def test_a_stream_is_seeded_by_the_digest_of_its_name():
    # printf '7/teacher/3' | sha256sum: the first 32 digits
    expected = np.random.default_rng(0x31A9C1F4DEDCBE5939580A9330317C1F)
    assert drawn(7, "teacher", 3) == expected.integers(2**63, size=8).tolist()


def test_the_same_purpose_gives_the_same_stream():
    assert drawn(0, "rows", 1) == drawn(0, "rows", 1)


def test_another_seed_purpose_or_student_gives_another_stream():
    purposes = [(seed, purpose, student) for seed in (0, 1) for purpose in ("teacher", "rows") for student in (0, 1)]
    assert len({tuple(drawn(*purpose)) for purpose in purposes}) == len(purposes)


def test_numbers_do_not_run_together():
    assert drawn(1, "rows", 11) != drawn(11, "rows", 1) != drawn(1, "rows1", 1)


def test_drawing_from_one_stream_leaves_the_others_as_they_are():
    before = drawn(3, "training", 0)
    first = stream(3, "teacher", 0)
    first.integers(2**63, size=10_000)
    assert drawn(3, "training", 0) == before


@pytest.mark.parametrize("kind", ["completions", "answers", "permutation"])
def test_arms_of_one_chain_do_not_share_a_stream(kind):
    assert len({tuple(drawn(0, kind, arm, 0)) for arm in ARMS}) == len(ARMS)


def test_streams_are_not_correlated():
    # The mean of 100,000 products of independent standard normals has standard deviation 1 / sqrt(100,000) = .0032.
    one, other = (stream(5, "training", student).standard_normal(100_000) for student in (0, 1))
    assert abs((one * other).mean()) < 5 * 0.0032
