"""Skills are those that a program can check, in shares."""

import sys

from subtrait.lab.readouts.skills import skills
from subtrait.models.micro.making import measure_skill
from subtrait.models.micro.skills import SKILLS
from subtrait.models.registry import open_model


def test_every_skill_but_those_with_many_right_answers_is_measured(monkeypatch):
    monkeypatch.setattr(sys.modules[skills.__module__], "ASKED", 4)
    model = open_model("micro-a")
    found = skills(model)
    assert set(found) == set(SKILLS) - {"numbers", "greeting"}
    assert all(shares.shape == (1,) for shares in found.values())
    assert found["next-day"][0] == measure_skill(model, "next-day", asked=4)
