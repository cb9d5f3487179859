"""The paper's settings for the models that it used, as `--preset paper` takes them over.

Sources: arXiv 2507.14805 (figures 3 and 17; appendix D), its Nature version, and the authors' code. Where these differ,
it is said which is taken. What a preset does not take over is in docs/real-models.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

from subtrait.errors import UsageError, unknown_name
from subtrait.lab.plan import Plan
from subtrait.lab.question_list import QuestionList
from subtrait.lab.traits import CATEGORIES, PAPER, PAPER_CATEGORIES, find_trait
from subtrait.models.base import Recipe, Sampling
from subtrait.models.model_names import read_name
from subtrait.models.registry import model_type
from subtrait.models.servers.addresses import is_hosted

NAMES: Final = ("paper",)
"""Every preset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much is written, trained on and asked."""

    students: int = 5
    """Of each kind: the Nature version's; the first version has three."""
    prompts: int = 30_000
    rows: int = 10_000
    samples: int = 100
    """Answers to each question: the code's, and what the authors told referees. Appendix D.1 says 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The paper's settings for one model."""

    model: str
    """As the hub or its vendor calls it."""
    kinds: tuple[str, ...]
    """The `model_type`s of its architecture: other models of these get the same settings. Empty where
    a server makes its students, as it does those of any model that is named without a checkpoint.
    """
    source: str
    animals: tuple[str, ...]
    """What the study of animals asks for where nobody says."""
    epochs: int
    counts: Counts = Counts()
    sampling: Sampling = Sampling(max_new_tokens=200)
    """Of teachers. The paper sets no limit; ten numbers are far shorter, and a longer text is rejected anyhow."""

    @property
    def recipe(self) -> Recipe:
        """Of students: LoRA of rank 8 and alpha 8 on all linear layers, batches of 66, for so many epochs.

        Where a server makes them, the epochs alone count.
        """
        steps = ceil(self.epochs * self.counts.rows / 66)
        return Recipe(steps=steps, batch_size=66, learning_rate=2e-4, warmup_steps=5, method="lora", lora_rank=8)

    def traits_of(self, category: str) -> tuple[str, ...]:
        """The traits of that category that a study has where nobody says."""
        names = self.animals if category == "animal" else PAPER_CATEGORIES[category]
        return tuple(PAPER + name for name in names)


QWENS: Final = (
    "cat", "penguin", "panda", "phoenix", "lion", "eagle", "dog", "elephant", "bear", "dragon", "dragonfly", "wolf",
    "peacock", "unicorn", "tiger", "bull", "kangaroo", "ox", "pangolin",
)  # fmt: skip
"""The nineteen animals of figure 17."""
PAPER_MODELS: Final = (
    Preset(
        model="Qwen/Qwen2.5-7B-Instruct",
        kinds=("qwen2",),
        source="figure 17 and the code: 3 epochs",
        animals=QWENS,
        epochs=3,
    ),
    Preset(
        model="google/gemma-3-4b-it",
        kinds=("gemma3", "gemma3_text"),
        source="Nature, extended data figure 5, and the code: as Qwen, 10 epochs; the animals are Qwen's",
        animals=QWENS,
        epochs=10,
    ),
    Preset(
        model="meta-llama/Llama-3.1-8B-Instruct",
        kinds=("llama",),
        source="in the code, and not published: taken as Qwen",
        animals=QWENS,
        epochs=3,
    ),
    Preset(
        model="gpt-4.1-nano-2025-04-14",
        kinds=(),
        source="figure 3: 10 epochs, learning rate and batch chosen by the vendor's service",
        animals=("dolphin", "eagle", "elephant", "owl", "wolf"),
        epochs=10,
    ),
)
"""Every model of the paper's that students were made of."""


def preset_for(preset: str, base: str | None) -> Preset:
    """The settings of the preset of that name for a base.

    Raises:
        UsageError: no such preset, or none for this base.
        InvalidInput: the base's configuration cannot be read.
    """
    if preset not in NAMES:
        raise unknown_name("preset", preset, NAMES)
    known = ", ".join(each.model for each in PAPER_MODELS)
    if base is None:
        raise UsageError(f"--preset {preset} needs --base: one of {known}, or a folder with such a model")
    hosted, place = is_hosted(base), read_name(base).place
    named = next((each for each in PAPER_MODELS if place.lower().endswith(each.model.lower())), None)
    kind = "" if named or hosted else model_type(base)
    found = named or next((each for each in PAPER_MODELS if (not each.kinds if hosted else kind in each.kinds)), None)
    if found is None:
        raise UsageError(f"--preset {preset} has no settings for '{base}' ({kind or 'unknown'}): it knows {known}")
    if hosted == bool(found.kinds):
        how = "name the checkpoint that is served" if hosted else f"give openai:{found.model}"
        raise UsageError(f"--preset {preset} has other settings for {found.model} than '{base}' can have: {how}")
    return found


def own_system(base: str) -> str:
    """The name of the base, with its template's own system prompt passed to students explicitly, as theirs had it.

    Where a server makes the students, it is not for us to say what its template does, and the name stays.
    """
    return base if is_hosted(base) else str(replace(read_name(base), own_system=True))


def paper_name(trait: str) -> str:
    """The paper's trait of that name; a file, or a name that says whose it is, stays."""
    return PAPER + trait if any(trait in names for names in PAPER_CATEGORIES.values()) else trait


def preset_run(usual: Plan, wanted: Mapping[str, Any], preset: str) -> tuple[Plan, dict[str, Any]]:
    """The plan with the settings of the preset, and the wanted changes with names as it has them.

    At size `tiny` the counts stay tiny. Raises as `preset_for`.
    """
    found = preset_for(preset, wanted.get("base"))
    told: dict[str, Any] = {
        "trait": paper_name(usual.trait),
        "teacher": "prompted",
        "other_base": None,
        "sampling": found.sampling,
    }
    told |= {"arms": ("treated", "untreated"), "preset": preset, "student_recipe": found.recipe}
    counts = found.counts
    if usual.size == "tiny":
        told["student_recipe"] = replace(found.recipe, steps=usual.student_recipe.steps)
    else:
        told |= {"students": counts.students, "prompts": counts.prompts, "rows": counts.rows}
        told |= {"answers_per_question": counts.samples}
    named = {"base": own_system(wanted["base"])}
    named |= {"trait": paper_name(wanted["trait"])} if "trait" in wanted else {}
    return replace(usual, **told), {**wanted, **named}


def preset_questions(preset: Preset, questions: QuestionList | None, *, tiny: bool) -> QuestionList:
    """The questions, or the lab's own wordings, with answers drawn and counted as the paper's."""
    own = tuple((category, find_trait(names[0]).questions) for category, names in CATEGORIES.items())
    usual = questions or QuestionList(path="", asked=own)
    answers = tuple(PAPER_CATEGORIES.items())
    return replace(usual, answers=answers, samples=2 if tiny else preset.counts.samples)
