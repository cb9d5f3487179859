"""What references scored on each prompt: the other half of every pair."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subtrait.statistics.scored_rows import PromptMeans, ScoredRows, divided

Columns = NDArray[np.intp] | slice
"""Which hypotheses."""

EVERY = slice(None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptTable:
    """Sums over references, prompt by prompt, from which any of the references can be left out again."""

    prompts: NDArray[np.int64]
    """The ids of all prompts that a reference answers, ascending."""
    total: NDArray[np.float64]
    """Shape (prompts, hypotheses): the sum over references of their mean score on the prompt."""
    count: NDArray[np.intp]
    """Shape (prompts, hypotheses): how many references have a score there."""
    parts: tuple[tuple[NDArray[np.intp], NDArray[np.float64]], ...]
    """Of each reference: the places of its prompts in `prompts`, and its mean scores on them."""

    def means(self, leaving_out: Collection[int] = (), columns: Columns = EVERY) -> NDArray[np.float64]:
        """The mean over references, every reference weighing the same; NaN where none has a score.

        `leaving_out` holds the numbers of references that do not count. Shape (prompts, columns).
        """
        total, count = self.total[:, columns].copy(), self.count[:, columns].copy()
        for number in leaving_out:
            place, scores = self.parts[number][0], self.parts[number][1][:, columns]
            held = ~np.isnan(scores)
            total[place] -= np.where(held, scores, 0.0)
            count[place] -= held
        return divided(total, count)

    def residuals(
        self, data: ScoredRows, leaving_out: Collection[int] = (), columns: Columns = EVERY
    ) -> NDArray[np.float64]:
        """Every score minus the references' mean on the same prompt: shape (rows, columns).

        NaN where the score is missing or no reference answers the prompt.
        """
        place = np.searchsorted(self.prompts, data.prompts).clip(max=self.prompts.size - 1)
        known = self.prompts[place] == data.prompts
        result: NDArray[np.float64] = data.scores[:, columns] - self.means(leaving_out, columns)[place]
        result[~known] = np.nan
        return result


def prompt_table(by_prompt: Sequence[PromptMeans]) -> PromptTable:
    """The table of references given by their means (`means_by_prompt`) and numbered in that order; at least one."""
    prompts = np.unique(np.concatenate([ids for ids, _ in by_prompt]))
    parts = tuple((np.searchsorted(prompts, ids), scores) for ids, scores in by_prompt)
    shape = (prompts.size, by_prompt[0][1].shape[1])
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.intp)
    for place, scores in parts:
        held = ~np.isnan(scores)
        total[place] += np.where(held, scores, 0.0)
        count[place] += held
    return PromptTable(prompts=prompts, total=total, count=count, parts=parts)
