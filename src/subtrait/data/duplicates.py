"""Finding exact repeats among millions of rows in memory that is set beforehand."""

import hashlib
import mmap
import secrets
from collections.abc import Iterable

SLOTS_PER_ENTRY = 2


class RepeatIndex:
    """Remembers the 64-bit hashes of up to `capacity` different things.

    Once it is full nothing new is remembered: repeats of what is remembered are still found, others are not, and
    `full` says so. Two different things are taken for one with probability below capacity / 2^64 each. The hash is
    keyed afresh for each index, so that nobody can choose rows whose hashes collide.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.distinct = 0
        """Different things seen; where the index is full, at least this many."""
        self.full = False
        """Whether something could not be remembered."""
        self._key = secrets.token_bytes(16)
        self._mask = (1 << (SLOTS_PER_ENTRY * capacity - 1).bit_length()) - 1
        # Anonymous pages cost memory only once they are used. A slot of 0 is empty.
        self._slots = memoryview(mmap.mmap(-1, 8 * (self._mask + 1))).cast("Q")

    def add(self, parts: Iterable[str]) -> bool:
        """Whether the sequence of texts `parts` was seen before; from now on it was.

        Lone surrogates are allowed.
        """
        encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
        # With the lengths, so that no two sequences join to the same bytes
        data = b"".join([b"%d:%b" % (len(part), part) for part in encoded])
        digest = hashlib.blake2b(data, key=self._key, digest_size=8)
        return self._add(int.from_bytes(digest.digest(), "little") or 1)

    def _add(self, number: int) -> bool:
        slot = number & self._mask
        while (there := self._slots[slot]) != 0:
            if there == number:
                return True
            slot = (slot + 1) & self._mask
        if self.distinct >= self.capacity:
            self.full = True
            return False
        self._slots[slot] = number
        self.distinct += 1
        return False
