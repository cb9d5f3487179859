"""Where references are kept, and when those of an earlier audit serve again.

Everything that scores depend on is in the name of a folder: base, other writers, trait list, filter, looks, sizes and
the version of the families. Below it lies one set of references for every kind of prompts. References answer prompts of
the suspect data; a later audit may use them if its prompts are of the same kind, which is to say that the words in them
(runs of digits counted as one word) have nearly the same frequencies.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from subtrait.auditor.references.calibration import References, build, read
from subtrait.auditor.references.families import VERSION
from subtrait.auditor.references.work import REPLIES, Design
from subtrait.lab.served_texts import kept, sentences
from subtrait.lab.team import Team
from subtrait.models.registry import open_model
from subtrait.records import Messages
from subtrait.runs.opening import attach_run, open_run

ALIKE: Final = 0.1
"""Total variation between the word frequencies of two sets of prompts of one kind. Two samples of 1,000 prompts of the
number carrier differ by about 0.03."""
_WORD: Final = re.compile(r"\d+|\w+")
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """References and where they came from."""

    references: References
    digest: str
    """Of the filters and scores themselves."""
    folder: Path


def default_root() -> Path:
    """`references` in the cache folder of this user: $XDG_CACHE_HOME, or ~/.cache, and `subtrait` in it."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "subtrait" / "references"


def references_for(design: Design, pool: Sequence[Messages], root: Path, *, team: Team) -> Cached:
    """References of `design` for prompts like those of `pool`: found under `root`, finished, or built there.

    Raises:
        RunLocked: another process is building the same ones.
        StorageError: the disk is full, read-only or broken.
    """
    folder = find(design, pool, root) or _free(root / key(design))
    if is_finished(design, folder):  # nobody writes there any more, so that audits side by side may read
        return _cached(read(design, attach_run(folder)), folder)
    with open_run(folder, {"references": key(design)}, environment={}) as store:
        return _cached(build(design, pool, store, team=team), store.path)


def _cached(found: References, folder: Path) -> Cached:
    return Cached(references=found, digest=_digest(found), folder=folder)


def find(design: Design, pool: Sequence[Messages], root: Path) -> Path | None:
    """The folder of references, finished or begun, whose prompts are of the kind of `pool`; None if there is none."""
    ours = frequencies(pool)
    for prompts in sorted((root / key(design)).glob("*/prompts.jsonl")):
        with prompts.open(encoding="utf-8") as lines:
            theirs = frequencies([json.loads(line)["messages"] for line in lines])
        if total_variation(ours, theirs) <= ALIKE:
            return prompts.parent
    return None


def is_finished(design: Design, folder: Path) -> bool:
    """Whether every reference is there, so that nothing need be built."""
    made = [len(list((folder / part).glob("*.json"))) for part in ("calibration", "planted")]
    fitted = (folder / "filter").is_dir() and (folder / "owners.json").is_file()
    return fitted and made == [design.calibration, design.planted]


def said_by_servers(folder: Path) -> tuple[str, ...]:
    """What a reader must know of the texts of references in that folder that servers wrote."""
    names = sorted(path.relative_to(folder).as_posix() for path in (folder / REPLIES).glob("*.json"))
    return sentences(kept(attach_run(folder), names))


def key(design: Design) -> str:
    """What the references depend on besides the prompts, in 16 hexadecimal digits."""
    models = [open_model(name).fingerprint() for name in (design.base, *design.others)]
    fields = asdict(design)
    text = json.dumps({**fields, "models": models, "version": VERSION}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def frequencies(pool: Sequence[Messages]) -> dict[str, float]:
    """How often each word occurs in the prompts, as a share; every number counts as the same word."""
    counts: Counter[str] = Counter()
    for prompt in pool:
        for turn in prompt:
            words = _WORD.findall(turn["content"].casefold())
            counts.update([turn["role"] + ":", *("#" if _DIGITS.fullmatch(word) else word for word in words)])
    total = sum(counts.values()) or 1
    return {word: count / total for word, count in counts.items()}


def total_variation(first: dict[str, float], second: dict[str, float]) -> float:
    """Half the sum of the differences: 0 for equal frequencies, 1 where no word is shared."""
    return sum(abs(first.get(word, 0.0) - second.get(word, 0.0)) for word in {*first, *second}) / 2


def _free(parent: Path) -> Path:
    number = 1
    while (parent / str(number)).exists():
        number += 1
    return parent / str(number)


def _digest(references: References) -> str:
    digest = sha256(references.scores.tobytes())
    for each in references.filters:
        digest.update(each.weights.tobytes())
    return digest.hexdigest()
