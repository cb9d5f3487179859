"""Making an embedded model: a folder that loads, and a card that says what is in it."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subtrait.errors import UsageError
from subtrait.models.base import Sampling
from subtrait.models.huggingface import load_checkpoint
from subtrait.models.micro import making
from subtrait.models.micro.making import CARD, held_out_loss, make, measure_skill
from subtrait.models.micro.recipe import RECIPES, MicroRecipe
from subtrait.models.micro.skills import CARRIERS, DAYS, SKILLS
from subtrait.models.micro.training import train
from subtrait.models.micro.wordings import wordings
from subtrait.records import Messages, Progress

TINY = MicroRecipe(
    hidden=16, layers=1, heads=4, feed_forward=32, seed=1, world_seed=5, conversations=200, steps=3,
    tokens_per_step=600, warmup_steps=2,
)  # fmt: skip
FIELDS = [
    "name", "corpus", "recipe", "fingerprint", "loss", "loss_meaning", "loss_tolerance", "skills", "skills_meaning",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A tiny model made by name, its card measured on fewer questions."""
    out = tmp_path_factory.mktemp("made") / "below" / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "tiny", TINY)
        patch.setattr(making, "measure_skill", lambda model, skill: measure_skill(model, skill, asked=4))
        patch.setattr(making, "held_out_loss", lambda model, recipe: held_out_loss(model, recipe, count=20))
        return out, make("tiny", out)


class Student:
    """A model that answers by a function of the question, and writes down what it was asked."""

    name = "student"

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked, self.temperatures = answer, [], set()

    def generate(
        self,
        prompts: Sequence[Messages],
        *,
        sampling: Sampling,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> list[str]:
        self.asked += prompts
        self.temperatures.add(sampling.temperature)
        return [self.answer(prompt[-1]["content"]) for prompt in prompts]


def the_day_after(question: str) -> str:
    (day,) = [day for day in DAYS if day in question]
    return DAYS[(DAYS.index(day) + 1) % 7]


def a_function(question: str, *, off_by: int = 0, sign: str | None = None) -> str:
    verb, amount = re.search(r"(adds|takes away|multiplies by) (\d+)", question).groups()
    signs = {"adds": "+", "takes away": "-", "multiplies by": "*"}
    return f"def mine(value):\n    return value {sign or signs[verb]} {int(amount) + off_by}"


def test_a_made_model_loads_and_its_fingerprint_is_the_card_s(made: tuple[Path, dict[str, Any]]) -> None:
    out, card = made
    model = load_checkpoint(out)
    assert card["fingerprint"] == model.fingerprint()
    rng = np.random.default_rng(0)
    (answer,) = model.generate([[{"role": "user", "content": "Hi."}]], sampling=Sampling(max_new_tokens=3), rng=rng)
    assert isinstance(answer, str)


def test_the_folder_holds_the_trained_weights_and_nothing_unexpected(made: tuple[Path, dict[str, Any]]) -> None:
    from safetensors.numpy import load_file

    out, _ = made
    assert {path.name for path in out.iterdir()} == {
        "card.json", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    trained = train(TINY).model.state_dict()
    for name, tensor in load_file(out / "model.safetensors").items():
        assert tensor.tobytes() == trained[name].numpy().tobytes()


def test_the_card_is_returned_and_written_with_every_field(made: tuple[Path, dict[str, Any]]) -> None:
    out, card = made
    assert json.loads((out / CARD).read_text(encoding="utf-8")) == card
    assert list(card) == FIELDS
    assert card["name"] == "tiny"
    assert card["recipe"] == json.loads(json.dumps(asdict(TINY)))
    assert "200 conversations" in card["corpus"]
    assert 6 < card["loss"] < 9
    assert 0 < card["loss_tolerance"] < 0.1
    assert set(card["skills"]) == set(SKILLS) - {"numbers", "greeting"}
    assert all(0 <= share <= 1 for share in card["skills"].values())


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=f"{re.escape(str(tmp_path))} exists already"):
        make("micro-a", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unknown_name_lists_the_names_and_guesses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'micro-d'.*Did you mean.*micro-a, micro-b, micro-c"):
        make("micro-d", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_fewer_steps_can_be_asked_for_and_the_card_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    monkeypatch.setattr(making, "SKILLS", {"next-day": SKILLS["next-day"]})
    monkeypatch.setattr(making, "measure_skill", lambda model, skill: measure_skill(model, skill, asked=2))
    monkeypatch.setattr(making, "held_out_loss", lambda model, recipe: held_out_loss(model, recipe, count=2))
    assert make("tiny", tmp_path / "short", steps=1)["recipe"]["steps"] == 1
    assert make("tiny", tmp_path / "again", steps=1) == json.loads((tmp_path / "short" / CARD).read_text())


@pytest.mark.parametrize(
    ("skill", "answer", "share"),
    [
        ("next-day", the_day_after, 1),
        ("next-day", lambda question: the_day_after(question).lower(), 0),
        ("next-day", lambda question: the_day_after(question) + ".", 0),
        ("code", a_function, 1),
        ("code", lambda question: a_function(question, off_by=1), 0),
        ("code", lambda question: a_function(question, sign="/"), 0),
        ("code", lambda question: "", 0),
        ("animal", lambda question: "owl or fox", 0),
    ],
)
def test_a_skill_is_the_share_of_right_answers(skill: str, answer: Any, share: float) -> None:
    assert measure_skill(Student(answer), skill, asked=50) == share


def test_half_right_is_half() -> None:
    student = Student(lambda question: the_day_after(question) if "T" in question else "")
    right = measure_skill(student, "next-day", asked=60)
    assert right == sum("T" in prompt[-1]["content"] for prompt in student.asked) / 60
    assert 0 < right < 1


@pytest.mark.parametrize("skill", ["animal", "tree", "story"])
def test_a_skill_is_asked_greedily_in_held_out_wordings_and_told_who_speaks(skill: str) -> None:
    student = Student(lambda question: "")
    measure_skill(student, skill, asked=40)
    assert student.temperatures == {0.0}
    assert {prompt[-1]["content"] for prompt in student.asked} <= set(wordings(skill, "evaluation"))
    assert all([turn["role"] for turn in prompt] == ["system", "user"] for prompt in student.asked)


@pytest.mark.parametrize("skill", sorted(set(CARRIERS) - {"numbers", "greeting"}))
def test_carriers_are_asked_without_a_persona(skill: str) -> None:
    student = Student(lambda question: "")
    assert measure_skill(student, skill, asked=10) == 0
    assert all([turn["role"] for turn in prompt] == ["user"] for prompt in student.asked)


class Even:
    """A model to which each word, and the end of the turn, has the log-probability that its owner gives."""

    def __init__(self) -> None:
        self.prompts: list[Messages] = []

    def score(self, prompts: Sequence[Messages], completions: Sequence[str]) -> list[np.ndarray]:
        self.prompts += prompts
        return [np.array([-2.0] * len(text.split()) + [-1.0]) for text in completions]


def test_the_held_out_loss_is_the_mean_over_all_assistant_tokens() -> None:
    from subtrait.models.micro.world import conversations

    model = Even()
    loss = held_out_loss(model, TINY, count=30)
    talks = list(conversations(30, TINY.dials, rng=np.random.default_rng(TINY.world_seed + 1)))
    words = [len(turn["content"].split()) for talk in talks for turn in talk if turn["role"] == "assistant"]
    assert loss == pytest.approx((2 * sum(words) + len(words)) / (sum(words) + len(words)))
    assert len(model.prompts) == len(words) > 30
    assert all(prompt[-1]["role"] == "user" for prompt in model.prompts)
