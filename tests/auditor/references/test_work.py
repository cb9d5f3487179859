"""Pieces of a calibration: what is mixed, at which weights, and what stands in where a writer is unusable."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
import pytest

from subtrait.auditor.references import work as reference_work
from subtrait.auditor.references.cache import said_by_servers
from subtrait.auditor.references.families import applicable
from subtrait.auditor.references.work import Design, Work, read_filters, scored
from subtrait.data import Pair
from subtrait.records import SilentProgress
from subtrait.runs import open_run
from subtrait.statistics.matched_filter import fit_filter

made_up = SimpleNamespace(**run_path(str(Path(__file__).parents[1] / "made_up.py")))
LOOKS = (4, 8)
DESIGN = Design(base="micro-a", others=(), traits=made_up.TRAITS, filter="none", tokens=8, looks=LOOKS, dilution=0.1)
WORK = Work(design=DESIGN, store=None, folder=Path("nowhere"), index=0)


@pytest.fixture
def base(monkeypatch):
    """A made-up base of 40 rows in place of the model."""
    found, pairs = made_up.rows(40, rng=np.random.default_rng(0))
    monkeypatch.setattr(reference_work, "setting_of", lambda _: SimpleNamespace(base=found))
    return found, pairs


def test_power_is_measured_at_the_policy_s_dilution_too():
    assert DESIGN.dilutions == (1.0, 0.5, 0.25, 0.1)
    assert replace(DESIGN, dilution=0.5).dilutions == (1.0, 0.5, 0.25)


def test_planted_data_hold_the_stated_share_of_carrying_rows_at_every_look(base):
    vectors, pairs = base[0].vectors, base[1]
    carrying, own = pairs[:20], pairs[20:]
    sides = (reference_work._at(WORK, rows, reference_work._counts(DESIGN)) for rows in (carrying, own))
    found = reference_work._diluted(DESIGN, *sides)
    assert list(found) == ["1.0", "0.5", "0.25", "0.1"]
    for share, gradients in found.items():
        for look, gradient in zip(LOOKS, gradients, strict=True):
            part = round(float(share) * look)
            theirs = vectors[:part].mean(axis=0) if part else np.zeros(made_up.SIZE)
            ours = vectors[20 : 20 + look - part].mean(axis=0) if part < look else np.zeros(made_up.SIZE)
            np.testing.assert_allclose(gradient, float(share) * theirs + (1 - float(share)) * ours, atol=1e-12)


def test_a_writer_whose_rows_never_pass_is_replaced_by_the_base(base, monkeypatch):
    monkeypatch.setattr(reference_work, "write", lambda setting, model, rows, *, rng: base[1][:rows])
    rng = np.random.default_rng(0)
    mute = reference_work._gradients(WORK, lambda *_: [Pair((), "0")] * 3, rng=rng)
    np.testing.assert_allclose(mute, [base[0].vectors[:look].mean(axis=0) for look in LOOKS])
    fewer = reference_work._gradients(WORK, lambda *_: base[1][:5], rng=rng)
    np.testing.assert_allclose(fewer, [base[0].vectors[:look].mean(axis=0) for look in (4, 5)])


def test_what_servers_say_of_the_texts_of_references_is_kept_and_told(hosted, tmp_path):
    """Every second one is cut by length. What a model in this process writes leaves no record."""
    tuning = hosted.server.script

    def cut(asked):
        say = tuning(asked)
        if asked.path == "/chat/completions":
            say.body["choices"][0]["finish_reason"] = "length" if asked.body["seed"] % 2 else "stop"
        return say

    hosted.server.script = cut
    design = replace(DESIGN, others=(f"{hosted.server.url}#m", "micro-b"))
    with open_run(tmp_path / "run", {"test": "references"}, environment={}) as store:
        prompts = tmp_path / "run/prompts.jsonl"
        prompts.write_text('{"messages": [{"role": "user", "content": "Go on: 1, 2."}]}\n', encoding="utf-8")
        each = Work(design=design, store=store, folder=tmp_path / "run", index=0)
        families = applicable(reference_work.setting_of(each), embedded=True)
        for index in range(2):
            place = families.index("other-writer") + index * len(families)
            reference_work.fit_reference(replace(each, index=place), SilentProgress())
    lengths = [one.body["seed"] % 2 for one in hosted.server.paths("/chat/completions") if one.body["max_tokens"] == 8]
    told = said_by_servers(tmp_path / "run")
    assert 0 < sum(lengths) < len(lengths)
    assert len(told) == 1
    assert told[0].startswith(f"{sum(lengths)} of {len(lengths)} texts from the server were cut by length.")


def test_data_with_fewer_looks_come_to_fewer_scores():
    filters = made_up.references().filters
    gradients = made_up.harmless(1, rng=np.random.default_rng(0))[0]
    whole, part = scored(filters, gradients), scored(filters, gradients[:1])
    assert part.scores.tolist() == whole.scores[:1].tolist()
    assert part.energies.tolist() == whole.energies[:1].tolist()
    assert whole.as_row() == {"scores": whole.scores.tolist(), "energies": whole.energies.tolist()}


def test_filters_that_were_built_anew_in_one_place_are_read_anew(tmp_path):
    def fitted(seed):
        rng = np.random.default_rng(seed)
        return fit_filter(rng.normal(size=(5, 8)), rng.normal(size=(2, 8)))

    for seed in (1, 2):
        each = fitted(seed)
        np.savez(tmp_path / "look-0.npz", **each.as_arrays())
        (found,) = read_filters(tmp_path, 1)
        assert found.unit == each.unit
        assert read_filters(tmp_path, 1)[0] is found


def test_models_and_prompts_of_a_design_are_opened_by_its_names(tmp_path):
    (tmp_path / "prompts.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi."}]}\n', encoding="utf-8")
    design = replace(DESIGN, others=("micro-b",), filter="numbers")
    found = reference_work.setting_of(replace(WORK, design=design, folder=tmp_path))
    assert (found.base.name, [other.name for other in found.others]) == ("micro-a", ["micro-b"])
    assert (list(found.pool), found.filter, found.tokens) == ([[{"role": "user", "content": "Hi."}]], "numbers", 8)
