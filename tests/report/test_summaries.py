from dataclasses import replace

import pytest

from subtrait.records import DatasetRecord, Example
from subtrait.report import summaries


def written(student, source, *, rows=(), rejected=(), rejections=None):
    return DatasetRecord(
        student=student,
        source=source,
        written=100,
        kept=80,
        rejections=rejections or {},
        kept_digest="0",
        examples=tuple(Example(id=str(i), prompt=p, completion=c) for i, (p, c) in enumerate(rows)),
        rejected_examples=tuple((Example(id=c, prompt="p", completion=c), why) for c, why in rejected),
        trait_words=1,
    )


def test_filter_totals_add_up_over_datasets():
    totals = summaries.filtered(
        [
            written(0, "treated", rejections={"long": 15, "banned": 5}),
            written(1, "treated", rejections={"long": 5}),
            written(0, "untreated", rejections={"odd": 20}),
        ]
    )
    treated, untreated = totals
    assert (treated.source, treated.datasets, treated.written, treated.kept) == ("treated", 2, 200, 160)
    assert (treated.share("long"), treated.share("odd"), treated.kept_share) == (0.1, 0.0, 0.8)
    assert treated.trait_words == 2
    assert untreated.share("odd") == 0.2
    assert summaries.reasons(totals) == ["long", "odd", "banned"]
    assert summaries.filtered([]) == []


def test_no_written_rows_give_no_share():
    empty = replace(written(0, "treated"), written=0, kept=0)
    (total,) = summaries.filtered([empty])
    assert (total.kept_share, total.share("long")) == (0.0, 0.0)


def test_rows_stand_beside_the_answer_to_the_same_prompt_of_the_same_student():
    pairs = summaries.row_pairs(
        [
            written(0, "treated", rows=[("alone", "1"), ("both", "2")]),
            written(0, "untreated", rows=[("both", "3")]),
            written(1, "untreated", rows=[("alone", "4")]),
            written(0, "untreated-again", rows=[("both", "5"), ("fresh", "6")]),
        ],
        limit=9,
    )
    assert [(pair.prompt, pair.treated, pair.untreated) for pair in pairs] == [
        ("both", "2", "3"),
        ("alone", "1", None),
        ("alone", None, "4"),
    ]
    assert len(summaries.row_pairs([written(0, "treated", rows=[("a", "1"), ("b", "2")])], limit=1)) == 1


def test_rejected_rows_show_every_kind_before_any_twice():
    first = written(0, "treated", rejected=[("a", ("long",)), ("b", ("long",)), ("c", ("odd", "long"))])
    second = written(1, "treated", rejected=[("d", ("banned",))])
    rows = summaries.rejected_rows([first, second], limit=4)
    assert [(row.id, why) for _, row, why in rows] == [
        ("a", ("long",)),
        ("c", ("odd", "long")),
        ("d", ("banned",)),
        ("b", ("long",)),
    ]


def test_answers_are_means_over_students_with_the_trait_first_and_the_rest_last(result):
    groups = summaries.answers(result)
    assert len(groups) == 17
    assert (groups[0].name, groups[-1].name) == ("owl", "other")
    treated = result.arms[0].students
    assert groups[0].values[0] == pytest.approx(sum(s.answer_probabilities["owl"] for s in treated) / 5)
    for column in range(3):
        assert sum(group.values[column] for group in groups) == pytest.approx(1.0)
    bases = [group.values[2] for group in groups[1:-1]]
    assert bases == sorted(bases, reverse=True)


def test_questions_keep_their_order_and_average_to_the_arm(result):
    groups = summaries.questions(result)
    assert [group.name for group in groups] == list(result.questions)
    for column, record in enumerate(summaries.compared(result)):
        mean = sum(group.values[column] for group in groups) / len(groups)
        assert mean == pytest.approx(record.rate.value)
    exact = summaries.questions(result, exact=True)
    assert sum(group.values[0] for group in exact) / len(exact) == pytest.approx(result.arms[0].exact.value)


def test_absent_conditions_have_no_value(result):
    bare = replace(result, arms=result.arms[:1], untouched=())
    assert all(group.values[1:] == (None, None) for group in summaries.questions(bare))
    assert all(group.values[1:] == (None, None) for group in summaries.answers(bare))


def test_arms_are_grouped_by_base_and_keep_their_order(result):
    groups = {base: [record.arm for record in records] for base, records in summaries.by_base(result)}
    assert groups == {
        "micro-a": ["treated", "untreated", "shuffled-within", "shuffled-across"],
        "micro-b": ["other-base", "other-base-untreated"],
    }
    assert summaries.untouched(result, "micro-b") == result.untouched[1]
    assert summaries.untouched(result, "elsewhere") is None
