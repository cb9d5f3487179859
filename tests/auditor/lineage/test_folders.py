import json

import pytest

from subtrait.auditor.lineage.folders import MAX_CARD, declared_parents, shape_differences, shared_tokens


@pytest.fixture
def folder(tmp_path):
    def make(name, config=None, tokenizer=None, card=None):
        where = tmp_path / name
        where.mkdir()
        (where / "config.json").write_text(json.dumps(config or {}))
        (where / "tokenizer.json").write_text(json.dumps(tokenizer or {}))
        if card is not None:
            (where / "README.md").write_bytes(card)
        return where

    return make


def test_only_widths_speak_for_another_base(folder):
    one = folder("one", {"hidden_size": 64, "vocab_size": 10, "model_type": "llama"})
    longer = folder("longer", {"hidden_size": 64, "vocab_size": 12, "model_type": "llama"})
    wider = folder("wider", {"text_config": {"hidden_size": 65, "vocab_size": 10, "model_type": "llama"}})
    unknown = folder("unknown", {"vocab_size": 10, "model_type": "llama"})
    assert shape_differences(one, one) == ([], False)
    assert shape_differences(one, longer) == (["vocab_size: 10 and 12"], False)
    assert shape_differences(one, wider) == (["hidden_size: 64 and 65"], True)
    assert shape_differences(one, unknown) == (["hidden_size: 64 and None"], False)


def test_tokens_are_shared_where_text_and_number_agree(folder):
    one = folder("one", tokenizer={"model": {"vocab": {"a": 0, "b": 1, "c": 2}}})
    other = folder("other", tokenizer={"model": {"vocab": [["a", -1.0], ["c", -2.0]]}})
    none = folder("none", tokenizer={"model": []})
    assert shared_tokens(one, one) == (3, 3)
    assert shared_tokens(one, other) == (1, 4)
    assert shared_tokens(one, none) == (0, 3)


@pytest.mark.parametrize(
    ("card", "parents"),
    [
        (None, []),
        (b"# No header", []),
        (b"---\nbase_model: a/b\n---\n", ["a/b"]),
        (b"---\nbase_model: [a/b, c/d, a/b, 7, null]\n---\n", ["a/b", "c/d"]),
        (b"---\nbase_model: {a: b}\n---\n", []),
        (b"---\n- a\n---\n", []),
        (b"---\nbase_model: [\n---\n", []),
        (b"---\nbase_model: !!python/name:os.system\n---\n", []),
        (b"---\nbase_model: " + b"[" * 50_000 + b"\n---\n", []),
        (b"\xff---\nbase_model: a/b\n---\n", []),
        (b"---\nbase_model: a/b\n---\n" + b" " * MAX_CARD, []),
    ],
)
def test_a_card_declares_parents_or_nothing(folder, card, parents):
    assert declared_parents(folder("one", card=card)) == parents


def test_a_config_declares_the_name_it_was_loaded_from(folder):
    one = folder("one", {"_name_or_path": " a/b "}, card=b"---\nbase_model: c/d\n---\n")
    assert declared_parents(one) == ["a/b", "c/d"]
    assert declared_parents(folder("odd", {"_name_or_path": ["a/b"]})) == []
    assert declared_parents(folder("long", {"_name_or_path": "x" * 999})) == ["x" * 200]
