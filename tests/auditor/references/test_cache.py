"""References serve again for the same design and prompts of the same kind, and for nothing else."""

import shutil
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.audit import read_subject
from subtrait.auditor.audit_plan import design_of
from subtrait.auditor.lists.trait_lists import load_trait_list
from subtrait.auditor.references import cache as reference_cache
from subtrait.auditor.references.cache import (
    ALIKE,
    default_root,
    find,
    frequencies,
    is_finished,
    key,
    references_for,
    total_variation,
)
from subtrait.auditor.references.work import Design
from subtrait.errors import RunLocked
from subtrait.lab.carriers import CARRIERS
from subtrait.lab.team import Alone
from subtrait.runs import open_run

TRAITS = load_trait_list("embedded").traits[:3]
DESIGN = Design(base="micro-a", others=("micro-b",), traits=TRAITS, filter="numbers", tokens=64)
OTHER = {
    "base": "micro-b",
    "others": (),
    "traits": TRAITS[:2],
    "filter": "none",
    "tokens": 32,
    "looks": (300,),
    "fit": 47,
    "calibration": 99,
    "planted": 5,
    "dilution": 0.5,
    "seed": 1,
}


def numbers(count, seed=0):
    prompts = CARRIERS["numbers"]().prompts(count, rng=np.random.default_rng(seed))
    return [[{"role": "user", "content": prompt}] for prompt in prompts]


def chat(*texts):
    return [[{"role": "user", "content": text}] for text in texts]


class Idle(Alone):
    """Fails where there is anything to build."""

    def each(self, name, stage, tasks):
        raise AssertionError(f"{name} would be built")


def test_every_field_of_a_design_is_in_its_key():
    assert set(OTHER) == {each.name for each in fields(Design)}
    keys = {key(DESIGN), *(key(replace(DESIGN, **{name: value})) for name, value in OTHER.items())}
    assert len(keys) == 1 + len(OTHER)
    assert key(DESIGN) == key(replace(DESIGN))
    assert len(key(DESIGN)) == 16


@pytest.mark.parametrize("changed", ["micro-a", "micro-b"])
def test_the_fingerprint_of_every_model_is_in_the_key(changed, monkeypatch):
    before = key(DESIGN)
    opened = reference_cache.open_model
    other = SimpleNamespace(fingerprint=lambda: "another")
    monkeypatch.setattr(reference_cache, "open_model", lambda name: other if name == changed else opened(name))
    assert key(DESIGN) != before


def test_the_version_of_the_families_is_in_the_key(monkeypatch):
    before = key(DESIGN)
    monkeypatch.setattr(reference_cache, "VERSION", reference_cache.VERSION + 1)
    assert key(DESIGN) != before


def test_a_trait_that_is_no_unicode_has_a_key():
    assert key(replace(DESIGN, traits=(replace(TRAITS[0], name="\udcff"),)))


def test_frequencies_count_words_and_take_all_numbers_for_one():
    found = frequencies(chat("Go on: 1, 22, 333", "Go ON"))
    assert found == {"user:": 2 / 9, "go": 2 / 9, "on": 2 / 9, "#": 3 / 9}
    assert frequencies([]) == {}


def test_total_variation_is_none_for_equal_and_one_for_disjoint_prompts():
    first = frequencies(chat("a b"))
    assert total_variation(first, first) == 0
    assert total_variation({"a": 1.0}, {"b": 1.0}) == 1
    assert total_variation({"a": 0.5, "b": 0.5}, {"a": 1.0}) == 0.5


def test_two_samples_of_one_carrier_are_of_one_kind_and_other_prompts_are_not():
    first, second = frequencies(numbers(1000, 1)), frequencies(numbers(1000, 2))
    assert total_variation(first, second) < ALIKE / 2
    assert total_variation(first, frequencies(chat(*["Write a poem about the sea."] * 1000))) > 5 * ALIKE


def stored(root, pool, design=DESIGN, *, number=1):
    with open_run(root / key(design) / str(number), {"references": key(design)}, environment={}) as store:
        store.rows("prompts.jsonl", lambda: [{"messages": prompt} for prompt in pool])
        return store.path


def test_references_are_found_by_design_and_kind_of_prompts(tmp_path):
    assert find(DESIGN, numbers(300), tmp_path) is None
    first = stored(tmp_path, numbers(300))
    poems = chat(*[f"Write a poem about {word}." for word in ["sea", "sun", "moon", "wind"]] * 50)
    second = stored(tmp_path, poems, number=2)
    assert find(DESIGN, numbers(300, 5), tmp_path) == first
    assert find(DESIGN, poems[:80], tmp_path) == second
    assert find(DESIGN, chat("What is two and two?"), tmp_path) is None
    assert find(replace(DESIGN, fit=50), numbers(300), tmp_path) is None


def test_what_was_begun_is_not_finished(tmp_path):
    assert not is_finished(DESIGN, stored(tmp_path, numbers(5)))


@pytest.fixture
def finished(tiny_audit, audited, tmp_path):
    """A copy of finished references, with their design and prompts."""
    root = shutil.copytree(audited.folder / "references", tmp_path / "references")
    subject, _ = read_subject(tiny_audit.plan(audited.folder / "own.jsonl", audited.folder), announce=lambda _: None)
    return design_of(subject), subject.setting.pool, root


def test_finished_references_serve_again_and_nothing_is_built(finished):
    design, pool, root = finished
    found, again = (references_for(design, pool, root, team=Idle()) for _ in range(2))
    assert found.digest == again.digest
    assert np.array_equal(found.references.scores, again.references.scores)
    assert is_finished(design, found.folder)


def test_finished_references_are_read_while_another_process_holds_them(finished):
    design, pool, root = finished
    folder = find(design, pool, root)
    with open_run(folder, {"references": key(design)}, environment={}):
        assert references_for(design, pool, root, team=Idle()).folder == folder


def test_references_that_are_being_built_are_locked(finished):
    design, pool, root = finished
    folder = find(design, pool, root)
    (folder / "planted" / "1.json").unlink()
    with open_run(folder, {"references": key(design)}, environment={}), pytest.raises(RunLocked):
        references_for(design, pool, root, team=Idle())


@pytest.mark.parametrize("lost", ["filter", "owners.json", "calibration/2.json"])
def test_references_of_which_a_part_is_gone_are_not_finished(finished, lost):
    design, pool, root = finished
    folder = find(design, pool, root)
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert not is_finished(design, folder)
    with pytest.raises(AssertionError, match="would be built"):
        references_for(design, pool, root, team=Idle())


def test_the_digest_is_of_filters_and_scores(finished):
    cached = references_for(*finished, team=Idle())
    changed = replace(cached.references, scores=cached.references.scores + 1e-9)
    assert reference_cache._digest(changed) != cached.digest


def test_references_go_to_the_cache_folder_of_the_user(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/cache")
    assert default_root() == Path("/some/cache/subtrait/references")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/owl")
    assert default_root() == Path("/home/owl/.cache/subtrait/references")
