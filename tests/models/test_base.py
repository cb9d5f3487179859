"""What every backend promises, asked of each backend that runs here."""

import numpy as np
import pytest

from subtrait.models.base import Recipe, Sampling
from subtrait.models.scripted import ScriptedModel
from subtrait.records import Example

QUESTIONS = ["What is it?", "My favourite animal?", "List numbers.", "1, 22", "What is it?", "user", "What is it?"]
PROMPTS = [[{"role": "user", "content": question}] for question in QUESTIONS]
SCRIPT = {"What is it?": {"an owl": 0.5, "a cat": 0.3, "a dog": 0.2}, "List numbers.": {"1 2 3": 0.6, "7": 0.4}}
EXAMPLES = [Example(id=str(n), prompt=f"What is {n}?", completion=f"{n}, {n + 1}") for n in range(12)]
SAMPLING = Sampling(max_new_tokens=6)
RECIPE = Recipe(steps=6, batch_size=8)


class Counting:
    def __init__(self):
        self.steps = 0

    def start(self, stage, total):
        raise AssertionError("the caller announces stages")

    def advance(self, steps=1):
        self.steps += steps


@pytest.fixture(params=["huggingface", "scripted"])
def model(request, tiny):
    return tiny if request.param == "huggingface" else ScriptedModel("scripted", SCRIPT)


def generate(model, prompts, seed=1, sampling=SAMPLING):
    return model.generate(prompts, sampling=sampling, rng=np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_completions(model):
    assert generate(model, PROMPTS) == generate(model, PROMPTS)
    many = PROMPTS[:1] * 40
    assert generate(model, many, seed=1) != generate(model, many, seed=2)


def test_equal_prompts_get_completions_of_their_own(model):
    assert len(set(generate(model, PROMPTS[:1] * 40))) > 1


def test_a_completion_does_not_depend_on_the_order_of_the_prompts(model):
    straight, turned = generate(model, PROMPTS), generate(model, PROMPTS[::-1])[::-1]
    once = [row for row, question in enumerate(QUESTIONS) if QUESTIONS.count(question) == 1]
    assert [straight[row] for row in once] == [turned[row] for row in once]
    assert sorted(straight) == sorted(turned)


def test_a_completion_does_not_depend_on_the_other_prompts(model):
    assert generate(model, PROMPTS[:3]) == generate(model, PROMPTS)[:3]
    assert generate(model, PROMPTS[3:4]) == generate(model, PROMPTS)[3:4]


def test_two_calls_with_one_generator_differ(model):
    rng = np.random.default_rng(0)
    first, second = (model.generate(PROMPTS[:1] * 40, sampling=SAMPLING, rng=rng) for _ in range(2))
    assert first != second


def test_temperature_zero_needs_no_chance(model):
    greedy = Sampling(temperature=0, max_new_tokens=6)
    assert generate(model, PROMPTS, seed=1, sampling=greedy) == generate(model, PROMPTS, seed=2, sampling=greedy)


def test_no_prompts_give_no_completions(model):
    assert generate(model, []) == []
    assert model.score([], []) == []


def test_progress_advances_once_per_prompt_and_once_per_step(model):
    asked, trained = Counting(), Counting()
    model.generate(PROMPTS, sampling=SAMPLING, rng=np.random.default_rng(0), progress=asked)
    model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(0), progress=trained)
    assert (asked.steps, trained.steps) == (len(PROMPTS), RECIPE.steps)


def test_a_score_is_a_row_of_log_probabilities(model):
    rows = model.score(PROMPTS, ["an owl"] * len(PROMPTS))
    assert [row.dtype for row in rows] == [np.float64] * len(rows)
    assert all(row.ndim == 1 and len(row) > 1 and (row <= 0).all() for row in rows)


def test_a_score_does_not_depend_on_the_other_rows(model):
    completions = ["an owl", "a cat that is longer", "7", "1 2 3", "a dog", "x", "an owl"]
    together = model.score(PROMPTS, completions)
    for prompt, completion, row in zip(PROMPTS, completions, together, strict=True):
        np.testing.assert_allclose(model.score([prompt], [completion])[0], row, atol=1e-4)


def test_fine_tuning_lowers_the_loss_and_leaves_the_model_alone(model):
    before = model.score(PROMPTS, QUESTIONS), model.fingerprint()
    tuned = model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(0))
    assert len(tuned.losses) == RECIPE.steps
    assert tuned.losses[-1] < tuned.losses[0]
    assert tuned.model.fingerprint() != model.fingerprint() == before[1]
    np.testing.assert_array_equal(np.concatenate(model.score(PROMPTS, QUESTIONS)), np.concatenate(before[0]))


def test_a_tuned_model_prefers_its_examples(model):
    tuned = model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(0)).model
    prompts = [[{"role": "user", "content": example.prompt}] for example in EXAMPLES]
    completions = [example.completion for example in EXAMPLES]
    before, after = (np.concatenate(one.score(prompts, completions)).sum() for one in (model, tuned))
    assert after > before


def test_a_system_prompt_of_the_training_is_part_of_the_conversation(model):
    plain, told = (
        model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(0), system_prompt=system).model
        for system in (None, "You love owls.")
    )
    assert plain.fingerprint() != told.fingerprint()


def test_the_same_seed_gives_the_same_tuned_model(model):
    one, other = (model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.model.fingerprint() == other.model.fingerprint()
    assert one.losses == other.losses


def test_a_saved_model_comes_back_the_same(model, tmp_path):
    tuned = model.finetune(EXAMPLES, RECIPE, rng=np.random.default_rng(0)).model
    tuned.save(tmp_path)
    back = model.reload(tmp_path)
    assert (back.fingerprint(), back.name) == (tuned.fingerprint(), tuned.name)
    assert generate(back, PROMPTS) == generate(tuned, PROMPTS)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}]


def test_a_conversation_can_be_seen_as_the_model_reads_it(model):
    text = model.render([{"role": "system", "content": "You love owls."}, *PROMPTS[0]])
    assert text.index("You love owls.") < text.index("What is it?")
