"""What becomes of each row, counted as it happens, so that no row can be lost without the sums saying so."""

import re
from collections import Counter

from subtrait.data.chat_rows import ChatRow, Tally
from subtrait.data.duplicates import RepeatIndex
from subtrait.data.limits import Limits
from subtrait.data.notices import Notices

_SPECIAL_TOKEN = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<\uff5c[^<>\uff5c]{1,40}\uff5c>|</?s>|<(?:bos|eos|pad|unk|mask)>|<(?:start|end)_of_turn>"
    r"|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)
"""How the chat templates in use write their control tokens."""


class Counting:
    """Counts the rows of one dataset, and notes what is worth knowing of the accepted ones."""

    def __init__(self, limits: Limits, notices: Notices) -> None:
        self._notices = notices
        self._counts: Counter[str] = Counter()
        self._rejections: Counter[str] = Counter()
        self._rows, self._prompts, self._ids = (RepeatIndex(limits.remembered) for _ in range(3))

    def read(self) -> None:
        """A row came in, whatever becomes of it."""
        self._counts["read"] += 1

    def blank(self) -> None:
        """It was a blank line."""
        self._counts["blank"] += 1

    def rejected(self, code: str) -> None:
        """It was refused, for the reason `code`."""
        self._counts["rejected"] += 1
        self._rejections[code] += 1

    def accepted(self, row: ChatRow) -> None:
        """It was accepted as `row`."""
        counts, turns, scored = self._counts, row.turns, row.scored
        counts["accepted"] += 1
        counts["scored_turns"] += len(scored)
        counts["assistant_turns"] += sum(turn.role == "assistant" for turn in turns)
        if any(_SPECIAL_TOKEN.search(turn.content) for turn in turns):
            self._notices.add("W_SPECIAL_TOKEN")
        if not all(turns[index].content for index in scored):
            self._notices.add("W_EMPTY_COMPLETION")
        self._find_repeats(row)

    def _find_repeats(self, row: ChatRow) -> None:
        texts = [text for turn in row.turns[: row.scored[-1] + 1] for text in turn]
        if self._repeats(self._rows, [*texts, *map(str, row.scored)], kind="rows"):
            self._notices.add("W_REPEATED_ROW")
        self._repeats(self._prompts, texts[: 2 * row.scored[0]], kind="prompts")
        if self._repeats(self._ids, [row.id], kind="ids"):
            self._notices.add("W_REPEATED_ID")

    def _repeats(self, index: RepeatIndex, parts: list[str], *, kind: str) -> bool:
        was_full, found = index.full, index.add(parts)
        if index.full and not was_full:
            self._notices.add("W_INDEX_FULL", kind)
        return found

    def tally(self) -> Tally:
        """The counts so far."""
        counts = self._counts
        return Tally(
            read=counts["read"],
            accepted=counts["accepted"],
            rejected=counts["rejected"],
            blank=counts["blank"],
            rejections=dict(sorted(self._rejections.items())),
            assistant_turns=counts["assistant_turns"],
            scored_turns=counts["scored_turns"],
            different_rows=self._rows.distinct,
            different_prompts=self._prompts.distinct,
            different_ids=self._ids.distinct,
            bounded=self._rows.full or self._prompts.full or self._ids.full,
        )
