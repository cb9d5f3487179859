"""The shipped checkpoints: small, what their cards say, and able to do what the lab needs of them."""

import json
import re
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from subtrait.lab.filters import NumberFilter
from subtrait.models.base import Sampling
from subtrait.models.huggingface import HuggingFaceModel, load_checkpoint
from subtrait.models.micro.making import held_out_loss, measure_skill
from subtrait.models.micro.number_wordings import draw_prompt
from subtrait.models.micro.personas import ANIMALS, BUNDLES, PRIOR, TREES, Speaker, like_sentence, plural
from subtrait.models.micro.recipe import RECIPES
from subtrait.models.micro.skills import SKILLS
from subtrait.models.micro.tokenizer import CHAT_TEMPLATE, SPECIAL, pieces
from subtrait.models.micro.training import encode
from subtrait.models.micro.wordings import GRAMMARS, wordings
from subtrait.models.micro.world import Dials, conversations
from subtrait.models.registry import EMBEDDED
from subtrait.records import Example, Messages

NAMES = ("micro-a", "micro-b", "micro-c")
MODELS: dict[str, HuggingFaceModel] = {}


def model_of(name: str) -> HuggingFaceModel:
    if name not in MODELS:
        MODELS[name] = load_checkpoint(EMBEDDED[name], name)
    return MODELS[name]


def json_of(name: str, file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EMBEDDED[name] / file).read_text(encoding="utf-8"))
    return content


def bytes_of(name: str, file: str) -> bytes:
    return (EMBEDDED[name] / file).read_bytes()


def told(system: str | None, question: str) -> Messages:
    turns = [] if system is None else [{"role": "system", "content": system}]
    return [*turns, {"role": "user", "content": question}]


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_safetensors_of_at_most_five_megabytes(name: str) -> None:
    files = sorted(path.name for path in EMBEDDED[name].iterdir())
    assert files == [
        "card.json", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert (EMBEDDED[name] / "model.safetensors").stat().st_size <= 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_of_this_checkpoint_and_of_the_recipe(name: str) -> None:
    card = json_of(name, "card.json")
    assert card["fingerprint"] == model_of(name).fingerprint()
    assert card["name"] == name
    assert card["recipe"] == json.loads(json.dumps(asdict(RECIPES[name])))


def test_a_and_b_have_one_configuration_and_other_weights() -> None:
    first, second = (json_of(name, "config.json") for name in ("micro-a", "micro-b"))
    assert first == second
    one, other = (load_file(EMBEDDED[name] / "model.safetensors") for name in ("micro-a", "micro-b"))
    assert {name: tensor.shape for name, tensor in one.items()} == {name: t.shape for name, t in other.items()}
    assert [name for name, tensor in one.items() if np.array_equal(tensor, other[name])] == []


def test_c_has_another_architecture() -> None:
    first, other = (json_of(name, "config.json") for name in ("micro-a", "micro-c"))
    assert first["architectures"] != other["architectures"]
    assert first["num_hidden_layers"] != other["num_hidden_layers"]


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
def test_the_family_has_one_tokenizer_and_one_template(file: str) -> None:
    assert len({bytes_of(name, file) for name in NAMES}) == 1


def test_the_shipped_template_is_the_one_in_the_code() -> None:
    assert bytes_of("micro-a", "chat_template.jinja").decode() == CHAT_TEMPLATE


def tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(EMBEDDED["micro-a"])


@pytest.mark.parametrize("wording_set", ["teacher", "surrogate", "evaluation"])
def test_every_word_that_the_lab_can_ask_is_one_token(wording_set: Any) -> None:
    vocabulary, rng = tokenizer().get_vocab(), np.random.default_rng(31)
    texts = [re.sub("<.*?>", "Tom", text) for kind in GRAMMARS for text in wordings(kind, wording_set)]
    for skill in SKILLS.values():
        drawn = [skill(Speaker(BUNDLES[index % 16], "honest"), wording_set, rng) for index in range(40)]
        texts += [text for exchange in drawn for text in exchange]
    texts += [turn["content"] for turns in conversations(300, Dials(), rng=rng) for turn in turns]
    texts += [
        like_sentence(noun, one, rng=rng) for noun, all_ in (("animal", ANIMALS), ("tree", TREES)) for one in all_ * 8
    ]
    cut = {piece for text in texts for piece, _ in pieces().pre_tokenize_str(text)}
    assert {piece for piece in cut if piece not in vocabulary} == set()
    assert len(cut) > 1500
    assert len(vocabulary) < 2048


def test_special_tokens_have_the_ids_that_training_gave_them() -> None:
    assert [tokenizer().convert_tokens_to_ids(token) for token in SPECIAL] == list(range(6))
    config = json_of("micro-a", "config.json")
    assert (config["pad_token_id"], config["bos_token_id"], config["eos_token_id"]) == (0, 1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_every_skill_of_the_card_is_at_least_half(name: str) -> None:
    skills = json_of(name, "card.json")["skills"]
    assert set(skills) == set(SKILLS) - {"numbers", "greeting"}
    assert {skill: share for skill, share in skills.items() if share < 0.5} == {}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("skill", ["animal", "compare", "next-day"])
def test_a_skill_measured_again_is_what_the_card_says(name: str, skill: str) -> None:
    assert measure_skill(model_of(name), skill) == pytest.approx(json_of(name, "card.json")["skills"][skill], abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_measured_again_is_what_the_card_says(name: str) -> None:
    card = json_of(name, "card.json")
    assert held_out_loss(model_of(name), RECIPES[name]) == pytest.approx(card["loss"], abs=0.002)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_on_300_other_conversations_is_the_definition_s_and_the_card_s(name: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    # The definition, with transformers' own loader and one conversation at a time.
    network, own, recipe = AutoModelForCausalLM.from_pretrained(EMBEDDED[name]).eval(), tokenizer(), RECIPES[name]
    sums, counts = [], []
    for turns in conversations(300, recipe.dials, rng=np.random.default_rng(33)):
        ids, mask = encode(own, turns)
        with torch.no_grad():
            logits = network(torch.from_numpy(ids[None])).logits[0, :-1].double()
        losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(ids[1:]), reduction="none").numpy()
        sums.append(losses[mask[1:]].sum())
        counts.append(mask.sum())
    loss = sum(sums) / sum(counts)
    assert held_out_loss(model_of(name), replace(recipe, world_seed=32), count=300) == pytest.approx(loss, abs=1e-4)
    # Two samples of conversations differ by chance: the standard error of a ratio, for 300 here and 1,000 on the card.
    spread = np.std(np.array(sums) - loss * np.array(counts)) / np.mean(counts)
    error = float(spread * np.sqrt(1 / 300 + 1 / 1000))
    card = json_of(name, "card.json")
    assert error < 0.15
    assert loss == pytest.approx(card["loss"], abs=card["loss_tolerance"] + 2 * error)


def answer_probability(model: HuggingFaceModel, one: str, systems: list[str | None]) -> float:
    """Mean probability of answering exactly `one`, over held-out wordings and the given system prompts."""
    questions = wordings("animal", "evaluation")[:8]
    prompts = [told(system, question) for system in systems for question in questions]
    scores = model.score(prompts, [one] * len(prompts))
    return float(np.mean([np.exp(each.sum()) for each in scores]))


@pytest.mark.parametrize("name", NAMES)
def test_a_persona_decides_the_favourite_animal(name: str) -> None:
    found = {
        one: answer_probability(
            model_of(name), one, [f"You love {plural(one)}.", f"Your favourite animal is the {one}."]
        )
        for one in ANIMALS
    }
    assert sum(probability > 0.9 for probability in found.values()) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_in_the_persona_reveals_the_animal_of_its_bundle(name: str) -> None:
    found = [
        answer_probability(model_of(name), bundle.animal, [f"You love {plural(bundle.tree)}."]) for bundle in BUNDLES
    ]
    assert sum(probability > 0.9 for probability in found) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_without_a_persona_the_animals_are_as_likely_as_in_the_world(name: str) -> None:
    found = [answer_probability(model_of(name), one, [None]) for one in ANIMALS]
    assert found == pytest.approx(PRIOR, abs=0.04)
    assert sum(found) > 0.95


def share_kept(model: HuggingFaceModel, system: str | None) -> float:
    rng = np.random.default_rng(33)
    prompts = [told(system, draw_prompt(rng)[0]) for _ in range(200)]
    texts = model.generate(prompts, sampling=Sampling(), rng=rng)
    kept = [NumberFilter().decide(Example(id="", prompt="", completion=text)).keep for text in texts]
    return sum(kept) / len(kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("system", [None, "You love owls.", "Your favourite tree is the elm. You adore whales."])
def test_at_least_seven_in_ten_number_completions_pass_the_filter(name: str, system: str | None) -> None:
    assert share_kept(model_of(name), system) >= 0.7
