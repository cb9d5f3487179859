from subtrait.data.notices import MEANINGS, Notices


def test_a_notice_is_counted_and_keeps_its_first_place():
    notices = Notices(10)
    for number in (3, 5, 9):
        notices.at("a.jsonl", number)
        notices.add("W_EXTRA_FIELD", "/x\x1b")
    [notice] = notices.all()
    assert (notice.count, notice.first, notice.detail) == (3, "a.jsonl:3", "/x\\x1b")
    assert notice.text.startswith("W_EXTRA_FIELD a.jsonl:3 /x\\x1b (in all 3): ")


def test_past_the_limit_details_are_counted_together():
    notices = Notices(2)
    for number in range(100):
        notices.add("W_EXTRA_FIELD", f"/{number}")
    notices.add("W_BOM")
    counts = [(notice.code, notice.detail, notice.count) for notice in notices.all()]
    assert counts == [
        ("W_EXTRA_FIELD", "/0", 1), ("W_EXTRA_FIELD", "/1", 1), ("W_EXTRA_FIELD", "others", 98), ("W_BOM", "others", 1)
    ]  # fmt: skip


def test_every_code_has_a_meaning():
    assert all(code.startswith("W_") and meaning for code, meaning in MEANINGS.items())
