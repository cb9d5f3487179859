from hypothesis import given
from hypothesis import strategies as st

from subtrait.data.duplicates import RepeatIndex

PARTS = st.lists(st.sampled_from(["", "a", "b", "ab", "1:a", "\ud800"]), max_size=3)


@given(st.lists(PARTS, max_size=40))
def test_it_agrees_with_a_set_while_it_has_room(things):
    index, seen = RepeatIndex(64), set()
    for thing in things:
        assert index.add(thing) == (tuple(thing) in seen)
        seen.add(tuple(thing))
    assert (index.distinct, index.full) == (len(seen), False)


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(1, 8))
def test_full_it_finds_repeats_of_what_it_remembers_and_says_so(numbers, capacity):
    index, remembered = RepeatIndex(capacity), set()
    for number in numbers:
        assert index.add([str(number)]) == (number in remembered)
        if len(remembered) < capacity:
            remembered.add(number)
    assert index.distinct == len(remembered)
    assert index.full == (len(set(numbers)) > capacity)


def test_sequences_that_join_to_the_same_text_differ():
    index = RepeatIndex(8)
    assert [index.add(parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""])] == [False] * 4


def test_two_indexes_hash_differently():
    # So that nobody can write rows that collide.
    first, second = RepeatIndex(4), RepeatIndex(4)
    for index in (first, second):
        index.add(["a"])
    assert first._slots.tobytes() != second._slots.tobytes()
