"""How large a model is, from `config.json` and the headers of its weights: nothing is loaded.

The architecture is laid out without numbers (torch's meta device). Times come from how fast this machine multiplies and
reads just now.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from subtrait.models.base import Recipe
from subtrait.models.lora import reads_pictures
from subtrait.models.registry import config_of, named
from subtrait.models.transformers_adapter import pass_tokens_of, quiet, require

STATE_BYTES: Final = 16
"""Of each number that is trained: itself, its gradient and AdamW's two means, in float32."""
ACTIVATIONS: Final = 34
"""Bytes that training keeps of each token, layer and unit of width, in 16-bit numbers and with fused attention
(Korthikanti et al. 2022, "Reducing activation recomputation in large transformer models", section 4.1)."""
SMALLEST_TRIED, LARGEST_TRIED = 256, 4_096
"""Sides of the matrices that are multiplied to see how fast that goes; some devices are slow with some formats."""
LONG_ENOUGH: Final = 0.05
"""Seconds after which no larger ones are tried."""
READ: Final = 128 * 2**20
"""Bytes that are read for the same purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The sizes of one model as it is computed: with the format and on the device that its name says."""

    numbers: int
    """Weights, each counted once."""
    dtype: str
    bytes_each: int
    sides: int
    """Rows and columns of all linear layers that LoRA adapts: so many numbers has an adapter of rank 1."""
    layers: int
    width: int
    cached: int
    """Numbers that are kept of each token while a text is written: keys and values of all layers."""
    pass_tokens: int
    """Tokens that are computed together in training."""
    in_files: int = 0
    """Weights that stay in their files: see `stored_weights`."""
    output_layer: int
    """Weights of the output layer."""

    @property
    def weight_bytes(self) -> int:
        """The model itself."""
        return self.numbers * self.bytes_each

    @property
    def held_bytes(self) -> int:
        """What of the model is in memory: of weights in files the output layer alone, which some work needs whole."""
        held = self.numbers - self.in_files + (self.output_layer if self.in_files else 0)
        return held * self.bytes_each

    def trained(self, recipe: Recipe) -> int:
        """How many numbers the recipe trains, token embeddings included."""
        return recipe.lora_rank * self.sides if recipe.method == "lora" else self.numbers

    def training_bytes(self, recipe: Recipe) -> int:
        """What training takes besides the model that is trained from."""
        kept = self.layers * self.width * self.pass_tokens * ACTIVATIONS * self.bytes_each // 2
        return STATE_BYTES * self.trained(recipe) + kept

    def writing_bytes(self, tokens: int) -> int:
        """What writing takes besides the model, with so many tokens in the cache."""
        return tokens * self.cached * self.bytes_each


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a device does in a second."""

    products: float
    """Multiplications and additions of numbers of one format, in large matrix products."""
    reads: float
    """Bytes of memory."""


def footprint(name: str) -> Footprint:
    """The sizes of the model of that name; of a hub's model `config.json` alone is fetched.

    Raises:
        UsageError: no such model.
        InvalidInput: the configuration cannot be accepted, or does not fit the weights where these are there.
        MissingExtra: the libraries that run models are not installed.
    """
    require()
    from subtrait.errors import InvalidInput
    from subtrait.models.loading import left_in_files, outline_of

    asked, folder = named(name), config_of(name).parent
    device, dtype = asked.device or "cpu", asked.dtype or "float32"
    try:
        with quiet():
            outline = outline_of(folder, dtype)
            _, in_files = left_in_files(folder, device=device, dtype=dtype)
        output_layer = outline.get_output_embeddings().weight.numel()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as problem:
        raise InvalidInput("E_CONFIG", folder, f"transformers cannot build this model: {problem}") from problem
    text = outline.config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    weights = {id(one): one for one in outline.parameters()}
    return Footprint(
        numbers=sum(one.numel() for one in weights.values()),
        dtype=dtype,
        bytes_each=next(iter(weights.values())).element_size(),
        sides=_sides(outline),
        layers=text.num_hidden_layers,
        width=text.hidden_size,
        cached=2 * text.num_hidden_layers * heads * head,
        pass_tokens=pass_tokens_of(device, text),
        in_files=in_files,
        output_layer=output_layer,
    )


def _sides(outline: Any) -> int:
    """Of every linear layer but the output layer and those that read pictures."""
    import torch

    head = outline.get_output_embeddings()
    parts = [(name, part) for name, part in outline.named_modules() if isinstance(part, torch.nn.Linear)]
    linear = [part for name, part in parts if part is not head and not reads_pictures(outline, name)]
    return sum(part.in_features + part.out_features for part in linear)


def speed_of(name: str) -> Speed:
    """What the device of that model does in a second with numbers of its format: tried for a moment.

    Raises:
        UsageError: this machine has no such device.
    """
    import torch

    from subtrait.models.loading import check_device

    asked = named(name)
    device, dtype = asked.device or "cpu", getattr(torch, asked.dtype or "float32")
    check_device(device)
    large = torch.ones(READ // 8, dtype=torch.float64, device=device)

    def seconds(work: Any) -> float:
        work()
        started = time.perf_counter()
        for _ in range(3):
            float(work())  # which waits until it is done
        return (time.perf_counter() - started) / 3

    side, taken = SMALLEST_TRIED, 0.0
    while taken < LONG_ENOUGH and side < LARGEST_TRIED:
        side *= 2
        square = torch.ones(side, side, dtype=dtype, device=device)
        taken = seconds(lambda square=square: (square @ square)[0, 0])
    return Speed(products=2 * side**3 / taken, reads=READ / seconds(large.sum))
