"""What servers say of the texts that they give: kept beside these, and told where a reader must know of it.

A text that was cut at the longest length allowed counts as it is, as it does where a model writes in this process; one
that a server refused or filtered is empty.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Final

from subtrait.errors import escaped
from subtrait.models.base import Model
from subtrait.models.servers.replies import NOT_WRITTEN
from subtrait.models.servers.served_model import ServedModel
from subtrait.records import Row, Store

SHOWN: Final = 5
"""Backends, or endings, that a sentence names."""
CUT: Final = "length"
WHOLE: Final = "stop"


@contextmanager
def noted(model: Model, store: Store, name: str) -> Iterator[None]:
    """Keep in the store, under `name`, how the texts ended that `model` writes inside, and who answered.

    Of a model in this process there is nothing to keep. What is there already stays: a call that is made again after a
    kill gets the same texts.
    """
    if not isinstance(model, ServedModel):
        yield
        return
    before = {kind: counts.copy() for kind, counts in model.told.items()}
    yield
    said = {kind: dict(sorted((counts - before[kind]).items())) for kind, counts in model.told.items()}
    if said["endings"]:
        store.record(name, lambda: said)


def kept(store: Store, names: Iterable[str]) -> list[Row]:
    """What is kept under these names; texts of models in this process, and of earlier versions, have nothing."""
    found = []
    for name in dict.fromkeys(names):
        try:
            found.append(store.record(name, _absent))
        except LookupError:
            continue
    return found


def sentences(records: Sequence[Mapping[str, Mapping[str, int]]]) -> tuple[str, ...]:
    """What a reader must know of texts with these records; nothing where one backend wrote all of them to their end."""
    endings, backends = (_sum(record[kind] for record in records) for kind in ("endings", "backends"))
    refused = _among(endings, NOT_WRITTEN)
    other = _among(endings, set(endings) - {WHOLE, CUT, *NOT_WRITTEN})
    found, texts = [], f"of {endings.total():,} texts from the server"
    if endings[CUT]:
        as_here = "They count as they are, as those of a model on this machine do"
        found.append(f"{endings[CUT]:,} {texts} were cut by length. {as_here}.")
    if refused:
        found.append(f"{refused.total():,} {texts} were refused or filtered by it and are empty: {_listed(refused)}.")
    if other:
        found.append(f"{other.total():,} {texts} ended neither by themselves nor by length: {_listed(other)}.")
    if len(backends) > 1:
        told = f"{len(backends)} backends of the server answered, by number of texts: {_listed(backends)}"
        found.append(f"{told}. With the same seed they may write different ones.")
    return tuple(found)


def _among(counts: Counter[str], names: Set[str]) -> Counter[str]:
    return Counter({name: count for name, count in counts.items() if name in names})


def _sum(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _listed(counts: Counter[str]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{escaped(name, limit=40)} ({count:,})" for name, count in most[:SHOWN]]
    return ", ".join([*shown, *([f"{len(most) - SHOWN} more"] if len(most) > SHOWN else [])])


def _absent() -> Row:
    raise LookupError("nothing is kept")
