"""Fine-tuning by `trl`, for models whose names say so (`+trl`): its trainer takes the very steps of our own loop.

Batches, their order, learning rates and optimiser are ours, so that what differs is the trainer alone; tokens are ours
too, and that it learns from completions only is checked on the first batch. It trades time for memory where the device
is no CPU, by computing activations twice, and where memory runs out, as our own loop does, by taking the rows of a step
in parts. Needs torch: imported by `finetuning`.
"""

import importlib.util
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from subtrait.errors import InvalidInput, MissingExtra
from subtrait.models.backing_off import attempt
from subtrait.models.base import Recipe
from subtrait.models.loading import load_tokenizer
from subtrait.models.padded_rows import Pair
from subtrait.models.transformers_adapter import Network, quiet
from subtrait.records import Progress

IGNORED = -100
"""The label of a token that is not learnt."""


def train(
    network: Network,
    batches: Iterable[Sequence[Pair]],
    recipe: Recipe,
    *,
    rates: Sequence[float],
    progress: Progress | None,
) -> Iterator[float]:
    """Train what of the network asks for gradients, one batch and rate a step; the mean loss of each step, in nats.

    Raises:
        MissingExtra: trl is not installed.
        InvalidInput: E_MASK where it would not learn exactly the completions.
        UsageError: a single row takes more memory than there is.
    """
    if importlib.util.find_spec("trl") is None:
        raise MissingExtra("training by trl", "trl")
    steps = [list(batch) for batch in batches]
    with TemporaryDirectory() as scratch, warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        trainer = _trainer(network, steps, recipe, rates=rates, scratch=scratch)
        _check_mask(network, next(iter(trainer.get_train_dataloader())), steps[0])
        trainer.train()
    if progress:
        progress.advance(recipe.steps)
    yield from (entry["loss"] for entry in trainer.state.log_history if "loss" in entry)


def _trainer(
    network: Network, steps: Sequence[Sequence[Pair]], recipe: Recipe, *, rates: Sequence[float], scratch: str
) -> Any:
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig

    weights = [weight for weight in network.module.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=1.0, eps=recipe.epsilon, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rates[min(step, len(rates) - 1)])
    on_cpu = network.device.type == "cpu"
    settings = SFTConfig(
        output_dir=scratch, max_steps=recipe.steps, per_device_train_batch_size=recipe.batch_size,
        max_grad_norm=recipe.max_grad_norm, gradient_checkpointing=not on_cpu, use_cpu=on_cpu, bf16=False,
        completion_only_loss=True, max_length=None, packing=False, logging_steps=1, save_strategy="no", report_to=[],
        disable_tqdm=True, dataloader_pin_memory=False, seed=torch.initial_seed() % 2**32,
    )  # fmt: skip
    tokenizer = load_tokenizer(Path(network.where))
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    rows = Dataset.from_list([_row(pair) for batch in steps for pair in batch])
    trainer = _kind(recipe.batch_size)(
        model=network.module, args=settings, train_dataset=rows, processing_class=tokenizer,
        optimizers=(optimiser, schedule),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def _kind(at_once: int) -> Any:
    """The trainer, made to take rows in the order of the data set, `at_once` or as few as there is memory for."""
    from trl import SFTTrainer

    class InOrder(SFTTrainer):  # type: ignore[misc]
        """Begins a step anew with half as many rows at once where memory runs out; what it needed once stays."""

        rows_at_once = at_once

        def _get_train_sampler(self, *_: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def training_step(self, model: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> Any:
            # Every part is divided by the tokens of all: the step is that of the whole batch
            count = (inputs["labels"][:, 1:] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
            step = partial(super().training_step, model, num_items_in_batch=count)
            while (loss := attempt(partial(self._added, step, inputs), smaller=self.rows_at_once > 1)) is None:
                model.zero_grad(set_to_none=True)
                self.rows_at_once //= 2
            return loss

        def _added(self, step: Any, inputs: Mapping[str, Any]) -> Any:
            return sum(step(part) for part in _parts(inputs, self.rows_at_once))

    return InOrder


def _parts(inputs: Mapping[str, Any], rows: int) -> Iterator[dict[str, Any]]:
    """A batch in parts of so many rows."""
    for start in range(0, len(inputs["labels"]), rows):
        here = slice(start, start + rows)
        yield {name: value[here] if torch.is_tensor(value) else value for name, value in inputs.items()}


def _row(pair: Pair) -> dict[str, list[int]]:
    prompt, completion = pair
    return {"input_ids": [*prompt, *completion], "completion_mask": [0] * len(prompt) + [1] * len(completion)}


def _check_mask(network: Network, given: Any, batch: Sequence[Pair]) -> None:
    learnt = [row[row != IGNORED].tolist() for row in given["labels"]]
    if learnt != [list(completion) for _, completion in batch]:
        what = "trl would learn other tokens than those of the completions"
        raise InvalidInput("E_MASK", network.where, what, hint="leave +trl out of the name, and report its version")
