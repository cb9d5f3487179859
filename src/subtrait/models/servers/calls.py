"""A call of many requests: none is asked twice, also where the call is made again after a kill.

Nor where it is made twice at a time, if its outcome is kept.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from subtrait.errors import escaped
from subtrait.models.servers.delivery import Delivery, Request
from subtrait.models.servers.spool import Spool
from subtrait.records import Progress, Row


def finished(
    delivery: Delivery,
    requests: Sequence[Request],
    *,
    spool: Path,
    fingerprint: str,
    keep: bool,
    progress: Progress | None = None,
) -> list[Row]:
    """What came of each request, in order; `progress` advances once per request.

    Rows are kept in `spool` as they come in, and once all have come for a day if the call is to `keep` them. A call is
    known by the `fingerprint` of the model and by what is asked. An equal one that is under way elsewhere on this
    machine is waited for, which is said in one line.

    Raises:
        InvalidInput, ServerError: as `Delivery.ask_all`.
        StorageError: the disk refuses.
    """
    bodies = [[request.path, request.body] for request in requests]
    place = Spool(spool, hashlib.sha256(json.dumps([fingerprint, bodies]).encode()).hexdigest())
    with place.alone(f"{len(requests):,} requests to {escaped(delivery.connection.address.name, limit=200)}"):
        found = {at: row for at, row in place.kept().items() if at < len(requests)}
        if progress and found:
            progress.advance(len(found))
        if len(found) < len(requests):
            _ask(delivery, requests, found, place, progress)
        place.finish() if keep else place.forget()
    return [found[at] for at in range(len(requests))]


def _ask(
    delivery: Delivery, requests: Sequence[Request], found: dict[int, Row], place: Spool, progress: Progress | None
) -> None:
    """Ask for what is not `found` yet, and put it there."""
    left = [at for at in range(len(requests)) if at not in found]
    with place.opened() as keeper:
        for number, row in delivery.ask_all([requests[at] for at in left]):
            keeper.keep(left[number], row)
            found[left[number]] = row
            if progress:
                progress.advance()
