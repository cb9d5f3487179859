"""How conversations of a served model become tokens: read from the checkpoint that is served, without its weights."""

import importlib.util
from pathlib import Path
from typing import Any

from subtrait.errors import MissingExtra
from subtrait.models.checkpoints import read_json, read_template
from subtrait.models.encoding import ChatEncoder
from subtrait.models.templates import Template
from subtrait.models.transformers_adapter import special_tokens


def encoder_of(folder: Path, name: str, *, own_system: bool = False) -> ChatEncoder:
    """The encoder of a checkpoint folder that may lack weights. `name` is what messages call it.

    Raises:
        MissingExtra: transformers is not installed.
        InvalidInput: E_CONFIG or E_TEMPLATE… where tokenizer or template cannot be accepted.
    """
    from subtrait.models.huggingface import SHIPPED
    from subtrait.models.loading import load_tokenizer
    from subtrait.models.template_trial import try_out

    if importlib.util.find_spec("transformers") is None:
        raise MissingExtra("scoring with a served model", "hf")
    source = read_template(folder)
    if not folder.resolve().is_relative_to(SHIPPED):
        try_out(source, (folder / "tokenizer.json").read_text(encoding="utf-8", errors="replace"), name)
    tokenizer = load_tokenizer(folder)
    template = Template(source, name, variables=special_tokens(tokenizer), own_system=own_system)
    return ChatEncoder(tokenizer.backend_tokenizer, template, stops=_stops(folder, tokenizer))


def _stops(folder: Path, tokenizer: Any) -> tuple[int, ...]:
    """The tokens that end a turn, as `transformers_adapter.stop_tokens` finds them in a loaded model."""
    settings = [
        read_json(folder / file) for file in ("generation_config.json", "config.json") if (folder / file).is_file()
    ]
    found = [tokenizer.eos_token_id, *(each.get("eos_token_id") for each in settings)]
    return tuple(
        sorted({stop for each in found for stop in (each if isinstance(each, list) else [each]) if stop is not None})
    )
