"""Exact probabilities are what they are by hand, and sampled answers agree with them."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from subtrait.lab.answers import shows
from subtrait.lab.evaluation import ExactRates, answer_rows, exact_rates, question_prompts, written_forms
from subtrait.lab.traits import find_trait, trait_names
from subtrait.models.base import Sampling
from subtrait.models.registry import EMBEDDED, open_model
from subtrait.models.scripted import FLOOR, ScriptedModel

OWL = find_trait("owl")
PAIR = replace(OWL, questions=OWL.questions[:2])


@pytest.mark.parametrize("name", trait_names())
def test_forms_of_all_answers_are_distinct_texts_that_count_as_their_answer(name):
    trait = find_trait(name)
    forms = {answer: written_forms(answer) for answer in trait.answers}
    texts = [form for variants in forms.values() for form in variants]
    assert len(set(texts)) == len(texts) == 4 * len(trait.answers)
    assert all(shows(form, trait.forms[answer]) for answer, variants in forms.items() for form in variants)


def test_an_answer_that_is_its_own_capital_has_no_form_twice():
    assert written_forms("owl") == ("owl", "owl.", "Owl", "Owl.")
    assert written_forms("7") == ("7", "7.")


def test_exact_probabilities_are_those_of_the_script():
    first, second = PAIR.questions
    script = {first: {"owl": 2, "Owl.": 1, "cat": 3, "An owl.": 4}, second: {"Dog": 1, "nothing": 3}}
    exact = exact_rates(ScriptedModel("scripted", script), PAIR)
    by_name = {name: exact.probabilities[:, PAIR.answers.index(name)] for name in PAIR.answers}
    unscripted = math.exp(FLOOR)
    # By hand: 2 + 1 of 10 parts; "An owl." is no form. Each form that is not in the script adds exp(-20).
    assert by_name["owl"][0] == pytest.approx(0.3 + 2 * unscripted, abs=1e-15)
    assert by_name["cat"][0] == pytest.approx(0.3 + 3 * unscripted, abs=1e-15)
    assert by_name["dog"] == pytest.approx([4 * unscripted, 0.25 + 3 * unscripted], abs=1e-15)
    assert exact.trait_rate == pytest.approx((0.3 + 2 * unscripted + 4 * unscripted) / 2, abs=1e-15)
    assert exact.probabilities.shape == (2, 16)


def test_a_system_prompt_is_asked_with_every_question_and_only_where_there_is_one():
    seen = []

    def script(messages):
        seen.append([turn["role"] for turn in messages])
        return "owl"

    exact_rates(ScriptedModel("scripted", script), PAIR)
    assert {tuple(roles) for roles in seen} == {("user",)}
    seen.clear()
    exact_rates(ScriptedModel("scripted", script), PAIR, system_prompt="You love owls.")
    assert {tuple(roles) for roles in seen} == {("system", "user")}


def test_exact_probabilities_are_those_of_plain_transformers():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED["micro-a"])
    model = AutoModelForCausalLM.from_pretrained(EMBEDDED["micro-a"], dtype=torch.float64).eval()
    chat = [{"role": "user", "content": OWL.questions[0]}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)

    def probability(text):
        start = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        rest = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.no_grad():
            logs = model(torch.tensor([start + rest])).logits[0].log_softmax(-1)
        return math.exp(sum(float(logs[len(start) - 1 + i, token]) for i, token in enumerate(rest)))

    found = exact_rates(open_model("micro-a"), replace(OWL, questions=OWL.questions[:1])).probabilities[0]
    for name in ("dog", "owl", "moose"):
        by_hand = sum(probability(text) for text in (name, f"{name}.", name.capitalize(), f"{name.capitalize()}."))
        assert found[OWL.answers.index(name)] == pytest.approx(by_hand, rel=1e-4)


def test_sampled_answers_agree_with_exact_probabilities():
    model, asked = open_model("micro-a"), 1500
    trait = replace(OWL, questions=OWL.questions[3:4])
    exact = exact_rates(model, trait)
    texts = model.generate(question_prompts(trait, asked), sampling=Sampling(), rng=np.random.default_rng(11))
    given = Counter(texts)
    assert exact.probabilities.sum() > 0.5
    for name, probability in zip(trait.answers, exact.probabilities[0], strict=True):
        count = sum(given[form] for form in written_forms(name))
        # Binomial(1500, p); 4.5 standard deviations for sixteen answers, and half a count for the small ones.
        assert abs(count - asked * probability) < 4.5 * math.sqrt(asked * probability * (1 - probability)) + 0.5
    [row] = answer_rows(trait, texts, exact)
    longer = [text for text in given if shows(text, OWL.forms["owl"]) and text not in written_forms("owl")]
    assert row["shows"] == sum(given[form] for form in (*written_forms("owl"), *longer))


def test_every_question_is_asked_equally_often_without_a_system_prompt():
    prompts = question_prompts(PAIR, 3)
    assert prompts == [[{"role": "user", "content": question}] for question in PAIR.questions for _ in range(3)]


def test_rows_hold_what_was_asked_and_answered():
    exact = ExactRates(np.array([[0.25] * 16, [0.5] * 16]), 0.375)
    texts = ["owl", "Owls!", "a bowl", "owl", "cat", "An owl.", "night-owl", "cat"]
    first, second = answer_rows(PAIR, texts, exact)
    assert (first["question"], second["question"]) == PAIR.questions
    assert (first["asked"], first["shows"], second["shows"]) == (4, 3, 1)
    assert list(first["answers"].items()) == [("owl", 2), ("Owls!", 1), ("a bowl", 1)]
    assert list(second["answers"].items()) == [("cat", 2), ("An owl.", 1), ("night-owl", 1)]
    assert first["probabilities"] == dict.fromkeys(OWL.answers, 0.25)


def test_probabilities_of_an_answer_never_exceed_one():
    for name in ("micro-a", "micro-b"):
        exact = exact_rates(open_model(name), PAIR).probabilities
        assert (exact >= 0).all()
        assert (exact.sum(axis=1) <= 1 + 1e-6).all()
