"""Readers that count short runs of characters, and learn by logistic regression to tell two writers apart.

A reader is trained on single texts or on bags of them, each bag counted as one long text. What it says of a text is the
logarithm of its odds: above 0 it speaks for the first writer. Both use scikit-learn with its usual penalty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from subtrait.errors import MissingExtra

PLACES: Final = 2**16
"""For counts of runs, found by a hash: so few runs occur in numbers that hardly two share a place."""
BAGS: Final = 300
"""Of each writer, that a reader of bags is trained on; they overlap, as there are only so many texts."""


def counts(texts: Sequence[str], *, longest: int) -> Any:
    """How often each run of 1 to `longest` characters occurs, beginning and end being marked: sparse, (texts, PLACES).

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
    except ImportError:
        raise MissingExtra("a classifier of texts", "digits") from None
    marked = [f"\x02{text}\x03" for text in texts]
    counter = HashingVectorizer(
        analyzer="char", ngram_range=(1, longest), lowercase=False, n_features=PLACES, alternate_sign=False, norm=None
    )
    return counter.transform(marked)


@dataclass(frozen=True, slots=True)
class Judge:
    """A reader that was trained."""

    known: np.ndarray
    """Places of the runs that it has seen: (runs,). It is blind to others."""
    weights: Any
    """Which runs weigh how much, common ones less."""
    model: Any

    def scores(self, counted: Any) -> np.ndarray:
        """The log-odds that each text, or bag of texts counted as one, is the first writer's: (texts,)."""
        found: np.ndarray = self.model.decision_function(self.weights.transform(counted[:, self.known]))
        return found


def trained(first: Any, second: Any) -> Judge:
    """A reader that learnt to tell the first writer's texts from the second's, from the counts of both."""
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    counted, whose = vstack([first, second], format="csr"), np.repeat([1, 0], [first.shape[0], second.shape[0]])
    known = np.flatnonzero(counted.getnnz(axis=0))
    counted = counted[:, known]
    weights = TfidfTransformer(sublinear_tf=True).fit(counted)
    model = LogisticRegression(class_weight="balanced", max_iter=1_000)
    return Judge(known, weights, model.fit(weights.transform(counted), whose))


def trained_on_bags(first: Any, second: Any, *, size: int, rng: np.random.Generator) -> Judge:
    """The same from bags of `size` texts, drawn anew for each: no text is twice in one of them."""
    drawn = [
        pooled(each, np.stack([rng.permutation(each.shape[0])[:size] for _ in range(BAGS)])) for each in (first, second)
    ]
    return trained(*drawn)


def pooled(counted: Any, bags: np.ndarray) -> Any:
    """The counts of each bag's texts together, where `bags` holds their places (bags, size): sparse, (bags, PLACES)."""
    from scipy.sparse import csr_matrix

    places = (np.repeat(np.arange(len(bags)), bags.shape[1]), bags.ravel())
    return csr_matrix((np.ones(bags.size), places), shape=(len(bags), counted.shape[0])) @ counted
