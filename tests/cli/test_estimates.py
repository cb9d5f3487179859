"""What an estimate says of students that a server makes, with prices and without."""

from dataclasses import replace

import pytest

import subtrait
from subtrait.cli.estimates import show_estimate, show_training
from subtrait.lab.budget import Budget, asking
from subtrait.lab.hosted import foreseen


@pytest.fixture
def plan():
    plan = subtrait.plan_run("owl-numbers", base="openai:m", preset="paper", size="tiny", prompts=50, rows=20)
    return replace(plan, students=1, answers_per_question=2)


def test_without_prices_no_cost_is_named_and_each_missing_price_is(plan, capsys):
    show_training(foreseen(plan), asking(plan), Budget())
    said = capsys.readouterr().out
    assert "training costs not known: give --training-price" in said
    assert "students answer costs not known: give --reading-price and --writing-price" in said
    assert "at most\n" not in said


def test_with_prices_both_costs_are_those_of_the_tokens_that_are_named(plan, capsys, tmp_path):
    budget = Budget(price=3.0, reading=1.0, writing=4.0)
    show_estimate(plan, 1, tmp_path, budget=budget)
    said = capsys.readouterr().out
    assert f"training costs {foreseen(plan).cost(3.0):,.2f} at most" in said
    takes = asking(plan)
    assert f"{takes.read:,} tokens read and {takes.written:,} written" in said
    assert f"students answer costs {(takes.read + 4 * takes.written) / 1e6:,.2f} at most" in said
    assert said.endswith("Leave out --dry-run to start.\n")
