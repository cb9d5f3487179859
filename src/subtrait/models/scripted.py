"""A model that answers from a script: for examples that need no download, and for tests of code that uses models.

It keeps every promise of the seam: completions are drawn from exactly the probabilities that `score` reports, and
`finetune` returns a copy that has memorised its examples.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subtrait.errors import InvalidInput, UsageError
from subtrait.models.base import Finetuned, Recipe, Sampling
from subtrait.records import Example, Messages, Progress

Answer = str | Mapping[str, float]
"""One text, or several with their weights."""
Script = Mapping[str, Answer] | Callable[[Messages], Answer]
"""The answer to each last user message, or a function of the whole conversation."""
FILE = "scripted.json"
FLOOR = -20.0
"""Log-probability, in nats, of an answer that is not in the script."""


class ScriptedModel:
    """A pretended language model whose tokens are words. Never changes.

    Attributes:
        default: The answer where the script has none.
    """

    def __init__(self, name: str, script: Script, *, default: str = "I do not know.") -> None:
        """`script` may give weights, which need not sum to 1: `{"Your favourite animal?": {"owl": 3, "cat": 1}}`."""
        self._name, self._script, self.default = name, script, default
        self._memory: dict[str, dict[str, float]] = {}

    @property
    def name(self) -> str:
        """How the user named it."""
        return self._name

    def render(self, messages: Messages) -> str:
        """The conversation as text, one `role: content` line per turn."""
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in messages)

    def probabilities(self, messages: Messages) -> dict[str, float]:
        """Every possible completion with its probability."""
        weights = self._memory.get(self.render(messages))
        if weights is None:
            answer = self._script(messages) if callable(self._script) else self._script.get(messages[-1]["content"])
            weights = (
                {self.default: 1.0} if answer is None else {answer: 1.0} if isinstance(answer, str) else dict(answer)
            )
        total = sum(weights.values())
        if not weights or min(weights.values()) < 0 or not 0 < total < math.inf:
            raise UsageError(f"the script of {self._name} needs weights of 0 or more, not all 0: {weights}")
        return {text: weight / total for text, weight in weights.items()}

    def generate(
        self,
        prompts: Sequence[Messages],
        *,
        sampling: Sampling,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> list[str]:
        """One completion per prompt, cut after `max_new_tokens` words; `progress` advances once per prompt."""
        seed = int(rng.integers(2**63))
        asked: Counter[str] = Counter()
        completions = []
        for messages in prompts:
            text = self.render(messages)
            stream = np.random.default_rng(_number(f"{seed} {asked[text]} {text}"))
            asked[text] += 1
            drawn = _draw(self.probabilities(messages), sampling, uniform=stream.random())
            completions.append(" ".join(drawn.split(" ")[: sampling.max_new_tokens]))
            if progress:
                progress.advance()
        return completions

    def score(
        self,
        prompts: Sequence[Messages],
        completions: Sequence[str],
        *,
        token_budget: int | None = None,  # noqa: ARG002, nothing is computed together here
    ) -> list[np.ndarray]:
        """Log-probability in nats of each word and of the end of turn: float64, shape (words + 1,).

        The first word carries that of the whole completion and the others are certain, so the sum is exact.
        """
        scores = []
        for messages, completion in zip(prompts, completions, strict=True):
            probability = self.probabilities(messages).get(completion, 0.0)
            row = np.zeros(len(completion.split(" ")) + 1)
            row[0] = math.log(probability) if probability > 0 else FLOOR
            scores.append(row)
        return scores

    def finetune(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        rng: np.random.Generator,
        system_prompt: str | None = None,
        progress: Progress | None = None,
    ) -> Finetuned["ScriptedModel"]:
        """A copy that answers each example's prompt as the examples do; this one is left as it was.

        The losses fall in a straight line from what this model scores to what the copy scores, whatever `rng` says.
        """
        if not examples or recipe.steps < 1:
            raise UsageError("fine-tuning needs at least one example and one step")
        system = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
        prompts = [[*system, {"role": "user", "content": example.prompt}] for example in examples]
        completions = [example.completion for example in examples]
        counts: dict[str, Counter[str]] = {}
        for messages, completion in zip(prompts, completions, strict=True):
            counts.setdefault(self.render(messages), Counter())[completion] += 1
        copy = self._with_memory({**self._memory, **{text: dict(seen) for text, seen in counts.items()}})
        rng.integers(2**63)  # as other backends do, a later draw differs from one made without fine-tuning
        if progress:
            progress.advance(recipe.steps)
        start, stop = (-np.concatenate(model.score(prompts, completions)).mean() for model in (self, copy))
        return Finetuned(model=copy, losses=tuple(np.linspace(start, stop, recipe.steps).tolist()))

    def fingerprint(self) -> str:
        """SHA-256 over script, default and memory; a function counts by its qualified name."""
        return hashlib.sha256(json.dumps(self._description(), sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write `scripted.json` into an existing empty folder; a function is left out, `reload` brings it back."""
        if not folder.is_dir() or any(folder.iterdir()):
            raise UsageError(f"a model is saved into an existing empty folder, and {folder} is not one")
        (folder / FILE).write_text(json.dumps(self._description(), sort_keys=True), encoding="utf-8")

    def reload(self, folder: Path) -> "ScriptedModel":
        """The model that `save` wrote into `folder`; a script that is a function is taken from this model.

        Raises:
            InvalidInput: E_CHECKPOINT where `folder` holds no scripted model.
        """
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
            script, default, memory = content["script"], content["default"], content["memory"]
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise InvalidInput("E_CHECKPOINT", folder, f"no scripted model: {problem}") from None
        script = self._script if isinstance(script, str) else script
        return ScriptedModel(self._name, script, default=default)._with_memory(memory)

    def _with_memory(self, memory: dict[str, dict[str, float]]) -> "ScriptedModel":
        copy = ScriptedModel(self._name, self._script, default=self.default)
        copy._memory = memory
        return copy

    def _description(self) -> dict[str, Any]:
        script = self._script.__qualname__ if callable(self._script) else self._script
        return {"script": script, "default": self.default, "memory": self._memory}


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "little")


def _draw(probabilities: Mapping[str, float], sampling: Sampling, *, uniform: float) -> str:
    """The text at which the cumulative probability passes `uniform`, after temperature and truncation."""
    texts = sorted(probabilities, key=lambda text: (-probabilities[text], text))
    if sampling.temperature == 0:
        return texts[0]
    chances = np.array([probabilities[text] for text in texts])
    chances = (chances / chances.max()) ** (1 / sampling.temperature)
    before = chances.cumsum() - chances
    chances[(before >= sampling.top_p * chances.sum()) & (np.arange(len(chances)) > 0)] = 0
    reached = np.searchsorted(chances.cumsum(), uniform * chances.sum(), side="right")
    return texts[min(int(reached), int(np.flatnonzero(chances)[-1]))]
