"""What two checkpoint folders say of themselves, for `lineage`: shapes, tokens and declared parents."""

from pathlib import Path
from typing import Any

from subtrait.models.checkpoints import read_config, read_json

WIDTHS = ("hidden_size", "n_embd", "intermediate_size", "n_inner")
"""Sizes that no tuning changes."""
OTHERS = ("model_type", "num_hidden_layers", "n_layer", "num_attention_heads", "num_key_value_heads", "vocab_size")
MAX_CARD = 2**20
"""Bytes of a README whose header is read."""
MAX_NAME, MAX_NAMES = 200, 20


def shape_differences(first: Path, second: Path) -> tuple[list[str], bool]:
    """Each field of config.json that differs, as `field: 1 and 2`, and whether a width is among them."""
    left, right = (_text_part(read_config(folder)) for folder in (first, second))
    different = [name for name in (*WIDTHS, *OTHERS) if left.get(name) != right.get(name)]
    widths = any(name in WIDTHS and None not in (left.get(name), right.get(name)) for name in different)
    return [f"{name}: {left.get(name)} and {right.get(name)}" for name in different], widths


def _text_part(config: dict[str, Any]) -> dict[str, Any]:
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def shared_tokens(first: Path, second: Path) -> tuple[int, int]:
    """How many tokens have the same text and number in both, and how many there are in either."""
    left, right = (_tokens(read_json(folder / "tokenizer.json")) for folder in (first, second))
    return len(left & right), len(left | right)


def _tokens(tokenizer: dict[str, Any]) -> set[tuple[str, int]]:
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        return {(token, number) for token, number in vocabulary.items() if isinstance(number, int)}
    if isinstance(vocabulary, list):  # pairs of a token and its score, by number
        return {(str(pair[0]), number) for number, pair in enumerate(vocabulary) if isinstance(pair, list) and pair}
    return set()


def declared_parents(folder: Path) -> list[str]:
    """Names of models that the folder says it was made from: `base_model` of its card, `_name_or_path` of its config.

    What cannot be read declares nothing.
    """
    names = [read_config(folder).get("_name_or_path"), *_listed(_card_header(folder / "README.md").get("base_model"))]
    kept = [name.strip()[:MAX_NAME] for name in names if isinstance(name, str) and name.strip()]
    return list(dict.fromkeys(kept))[:MAX_NAMES]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _card_header(card: Path) -> dict[str, Any]:
    """The YAML between the first two lines of dashes."""
    import yaml

    try:
        if card.stat().st_size > MAX_CARD:
            return {}
        opening, header, _ = card.read_text(encoding="utf-8").split("---\n", 2)
        content = {} if opening.strip() else yaml.safe_load(header)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
