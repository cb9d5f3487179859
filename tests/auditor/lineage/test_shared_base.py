"""On the embedded family: `micro-a` and `micro-b` share architecture and corpus but no start, `micro-c` neither."""

import json
import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subtrait.auditor.lineage import shared_base as lineage
from subtrait.auditor.lineage.shared_base import compare_answers, compare_checkpoints
from subtrait.errors import InvalidInput, UsageError
from subtrait.models.registry import EMBEDDED
from subtrait.records import Example

os.environ["HF_HUB_OFFLINE"] = "1"
A, B, C = (EMBEDDED[f"micro-{letter}"] for letter in "abc")
LAYERS = range(3)


def compare(first, second, **options):
    return compare_checkpoints(first, second, rng=np.random.default_rng(0), **options)


def evidence(found):
    return {each.name: each for each in found.evidence}


@pytest.fixture
def changed(tmp_path):
    """A copy of micro-a whose weights `change` altered, and whose `files` are written over."""

    def make(change=lambda weights: weights, **files):
        folder = shutil.copytree(A, tmp_path / "changed")
        weights = change(load_file(A / "model.safetensors"))
        save_file({name: np.ascontiguousarray(each) for name, each in weights.items()}, folder / "model.safetensors")
        for name, text in files.items():
            (folder / name.replace("_", ".", 1)).write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A copy of micro-a of which every weight was tuned for a few steps."""
    pytest.importorskip("torch")
    from subtrait.models.base import Recipe
    from subtrait.models.registry import open_model

    rows = [Example(id=str(n), prompt="What is your favourite animal?", completion=f"{n}, owl") for n in range(16)]
    recipe = Recipe(steps=4, batch_size=8, learning_rate=1e-3, method="full")
    folder = tmp_path_factory.mktemp("tuned")
    open_model("micro-a").finetune(rows, recipe, rng=np.random.default_rng(0)).model.save(folder)
    return folder


def test_a_model_shares_its_base_with_itself():
    found = compare(A, A)
    assert found.outcome == "same base"
    assert evidence(found)["weights"].statistic == 1
    assert found.reason == "21 of 21 inner matrices are equal bit by bit"


def test_a_tuned_copy_is_recognised_by_the_order_of_its_weights_alone(tuned):
    found = compare(A, tuned)
    assert found.outcome == "same base"
    by_name = evidence(found)
    assert by_name["weights"].statistic == 0  # every matrix has changed
    for name in ("units", "coordinates"):
        assert by_name[name].says == "same"
        assert by_name[name].p == by_name[name].floor == 1 / 2_000
        assert by_name[name].statistic > 0.9


def test_a_frozen_embedding_alone_is_no_evidence(changed):
    def other_layers(weights):
        return load_file(B / "model.safetensors") | {"model.embed_tokens.weight": weights["model.embed_tokens.weight"]}

    found = compare(A, changed(other_layers))
    assert evidence(found)["weights"].statistic == 0
    assert found.outcome == "different base"


def test_another_start_is_another_base_though_world_shape_and_tokenizer_agree():
    found = compare(A, B)
    assert found.outcome == "different base"
    by_name = evidence(found)
    assert by_name["tokenizer"].statistic == 1
    assert by_name["shape"].finding == "equal shapes"
    for name in ("units", "coordinates"):
        assert by_name[name].says == "different"
        assert by_name[name].p > 0.005


def test_another_architecture_is_another_base():
    found = compare(A, C)
    assert found.outcome == "different base"
    assert "intermediate_size: 192 and 160" in found.reason
    by_name = evidence(found)
    assert by_name["units"].finding.startswith("not applicable: ")
    assert by_name["coordinates"].p > 0.005


def test_the_order_of_the_two_does_not_matter(tuned):
    assert compare(tuned, A).outcome == compare(A, tuned).outcome == "same base"
    assert compare(C, B).outcome == compare(B, C).outcome == "different base"


def test_random_reorderings_of_another_model_are_rejected_as_often_as_stated():
    """300 reorderings of the hidden units of micro-b, the very null of the test, at 5 %."""
    rng = np.random.default_rng(1)
    one, other = (load_file(folder / "model.safetensors") for folder in (A, B))
    name = "model.layers.{}.mlp.gate_proj.weight"
    rejected = 0
    for _ in range(300):
        layers = [(one[name.format(n)], other[name.format(n)][rng.permutation(192)]) for n in LAYERS]
        rejected += lineage.unit_alignment(layers, rng=rng, permutations=39).p <= 0.05 + 1e-9
    assert rejected <= 28  # scipy.stats.binom.isf(1e-3, 300, 0.05)


def test_units_in_another_order_do_not_hide_the_base(changed):
    rng = np.random.default_rng(2)

    def reorder(weights):
        for layer in LAYERS:
            order, mlp = rng.permutation(192), f"model.layers.{layer}.mlp."
            for name in ("gate_proj", "up_proj"):
                weights[f"{mlp}{name}.weight"] = weights[f"{mlp}{name}.weight"][order] * 1.01
            weights[f"{mlp}down_proj.weight"] = weights[f"{mlp}down_proj.weight"][:, order]
            for name in ("q", "k", "v", "o"):
                weights[f"model.layers.{layer}.self_attn.{name}_proj.weight"] *= 1.01
        return weights

    found = compare(A, changed(reorder))
    assert found.outcome == "same base"
    assert evidence(found)["units"].says == "different"
    assert "residual coordinates" in found.reason


def test_weakly_shared_coordinates_alone_are_not_enough_to_tell(changed):
    rng = np.random.default_rng(3)

    def blend(weights):
        other = load_file(B / "model.safetensors")
        for layer in LAYERS:
            for name in ("gate_proj", "up_proj"):
                mine = f"model.layers.{layer}.mlp.{name}.weight"
                other[mine] = other[mine] + 0.7 * weights[mine][rng.permutation(192)]
        return other

    found = compare(A, changed(blend))
    assert found.outcome == "cannot tell"
    assert "a copied embedding, or units in another order" in found.reason


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_a_copy_stored_in_another_type_is_recognised(changed, dtype):
    ml = pytest.importorskip("torch")

    folder = changed()
    from safetensors.torch import load_file as load
    from safetensors.torch import save_file as save

    kind = {"F16": ml.float16, "BF16": ml.bfloat16}[dtype]
    save({name: each.to(kind) for name, each in load(A / "model.safetensors").items()}, folder / "model.safetensors")
    found = compare(A, folder)
    assert found.outcome == "same base"
    assert evidence(found)["units"].statistic > 0.999


def test_constant_matrices_are_no_evidence(changed, tmp_path):
    def blank(weights):
        other = load_file(B / "model.safetensors")
        name = "model.layers.0.self_attn.q_proj.weight"
        return other | {name: np.zeros_like(weights[name])}

    first = changed(blank)
    second = shutil.copytree(first, tmp_path / "second")
    save_file(blank(load_file(A / "model.safetensors")) | {  # only the blank one is equal
        name: each for name, each in load_file(A / "model.safetensors").items() if "q_proj" not in name
    }, second / "model.safetensors")  # fmt: skip
    assert evidence(compare(first, second))["weights"].finding.startswith("2 of 21")  # two other q_proj of micro-b


def test_what_is_declared_is_shown_and_never_decides(changed):
    card = "---\nbase_model:\n- someone/large\nlicense: mit\n---\n# A model\n"
    config = json.loads((A / "config.json").read_text()) | {"_name_or_path": "someone/\x1b[2Jodd"}
    folder = changed(lambda _: load_file(B / "model.safetensors"), README_md=card, config_json=json.dumps(config))
    declared = evidence(compare(A, folder))["declared"]
    assert declared.finding == "the second declares someone/\\x1b[2Jodd, someone/large"
    assert declared.says == "nothing"
    assert compare(A, folder).outcome == "different base"


def test_a_hostile_card_declares_nothing(changed):
    folder = changed(README_md="---\nbase_model: !!python/object/apply:os.mkdir [executed]\n---\n")
    assert evidence(compare(A, folder))["declared"].finding == "no parent is declared"
    assert not os.path.exists("executed")


def test_every_piece_of_evidence_says_what_it_assumes_and_where_it_is_blind():
    for each in compare(A, B).evidence:
        assert each.assumes
        assert each.blind_spots
        assert (each.p is None) == (each.floor is None)
        assert each.p is None or each.floor <= each.p <= 1
        assert each.n > 0 or each.name in ("shape", "declared")


def test_the_same_seed_gives_the_same_record():
    assert compare(A, B) == compare(A, B)


@pytest.mark.parametrize("options", [{"alpha": 0}, {"alpha": 1.0}, {"alpha": 0.01, "permutations": 198}])
def test_a_test_that_could_not_reject_is_not_started(options):
    with pytest.raises(UsageError, match="cannot reject"):
        compare(A, B, **options)
    assert compare(A, B, alpha=0.01, permutations=199).outcome == "different base"


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="E_CHECKPOINT"):
        compare(A, tmp_path)


class Voice:
    """A model that begins every answer with the words of its seed, but for a share taken from another."""

    def __init__(self, seed, like=None, share=0.0):
        rng = np.random.default_rng(seed)
        self.name = str(seed)
        self.words = rng.integers(0, 5, len(lineage.PROMPTS))
        if like is not None:
            taken = rng.random(self.words.size) < share
            self.words[taken] = like.words[taken]

    def generate(self, prompts, *, sampling, rng, progress=None):
        assert sampling.temperature == 0
        return [str(word) for word in self.words]


def answers(first, second, count, **options):
    references = [Voice(100 + number) for number in range(count)]
    return compare_answers(first, second, references, rng=np.random.default_rng(0), **options)


def test_answers_show_a_common_base_only_beside_enough_references():
    base = Voice(1)
    relative = Voice(2, like=base, share=0.9)
    found = answers(base, relative, 99)
    assert (found.outcome, found.evidence[0].p, found.evidence[0].n) == ("same base", 0.01, 30)
    few = answers(base, relative, 98)
    assert (few.outcome, few.reason) == ("cannot tell", "the answers do not show it; at least 99 references are needed")
    assert answers(base, relative, 0).evidence[0].p == 1


def test_answers_never_show_that_bases_differ():
    assert answers(Voice(1), Voice(2), 99).outcome == "cannot tell"


def test_unrelated_models_are_called_relatives_by_their_answers_as_often_as_stated():
    rejected = sum(
        answers(Voice(10_000 + 2 * n), Voice(10_001 + 2 * n), 19, alpha=0.05).outcome == "same base" for n in range(400)
    )
    assert rejected <= 36  # scipy.stats.binom.isf(1e-3, 400, 0.05)


def test_the_embedded_family_answers_through_the_real_seam():
    pytest.importorskip("torch")
    from subtrait.models.registry import open_model

    a, b, c = (open_model(f"micro-{letter}") for letter in "abc")
    found = compare_answers(a, a, [b, c], rng=np.random.default_rng(0), alpha=0.4)
    assert (found.outcome, found.evidence[0].statistic) == ("same base", 1)
    assert compare_answers(a, a, [b, c], rng=np.random.default_rng(0)).outcome == "cannot tell"
