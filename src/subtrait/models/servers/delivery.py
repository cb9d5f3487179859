"""Many requests: each is finished exactly once or the whole stops, and no more are asked at once than the server bears.

The one layer that asks again. It does so only after `Unanswered`, with growing pauses, and never to choose among
replies: the first that can be read counts. A request that must not be carried out twice brings a way to find out
whether it was, which comes before each repetition.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

from subtrait.errors import ServerError
from subtrait.models.servers.addresses import Address
from subtrait.models.servers.transport import RESUME, Connection, File, Reply, Unanswered
from subtrait.records import Row

ATTEMPTS: Final = 20
"""With the pauses between them some ten minutes: a server that is started anew is back by then."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, and how its reply is read."""

    where: str
    """What is asked for, such as `row 17`: unique within one delivery."""
    path: str
    body: Mapping[str, Any] | None
    """None to GET what is there."""
    read: Callable[[Reply], Row]
    """Takes from the reply what is wanted. Raises `Unanswered` where another reply may have it."""
    file: File | None = None
    """Uploaded with the body."""
    made: Callable[[], Row | None] | None = None
    """Finds what an attempt of unclear outcome may have made after all; None for requests that may be repeated."""


class Stopped(ServerError):
    """A request that was not made, since another of its call had failed."""


class Gate:
    """Lets only so many in at once: half as many after a refusal, and one more after each round that went well.

    Source: additive increase, multiplicative decrease, as in TCP (Chiu and Jain 1989).
    """

    def __init__(self, most: int) -> None:
        self.limit, self._most, self._inside, self._cuts = float(most), most, 0, 0
        self._changed = threading.Condition()

    def enter(self) -> int:
        """Wait for room. The number tells `narrow` when this one went in."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < int(self.limit))
            self._inside += 1
            return self._cuts

    def leave(self) -> None:
        """Make room for another."""
        with self._changed:
            self._inside -= 1
            self._changed.notify()

    def widen(self) -> None:
        """One request went well."""
        with self._changed:
            self.limit = min(self._most, self.limit + 1 / self.limit)
            self._changed.notify()

    def narrow(self, entered: int) -> None:
        """One request was refused; those that went in before the last cut do not cut again."""
        with self._changed:
            if entered == self._cuts:
                self.limit, self._cuts = max(1.0, self.limit / 2), self._cuts + 1


class Delivery:
    """Asks a server until every request is finished."""

    def __init__(
        self,
        connection: Connection,
        *,
        most: int = 32,
        attempts: int = ATTEMPTS,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`most` requests are asked at once at most; `pause` waits for so many seconds."""
        self.connection, self._attempts, self._gate, self._most = connection, attempts, Gate(most), most
        self._pause = pause

    def pause(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Wait for so many seconds, or until `stop` is set."""
        (self._pause or (stop or threading.Event()).wait)(seconds)

    def patient_for(self, attempts: int) -> "Delivery":
        """The same that gives up after so many attempts; connections, and how many are used at once, are shared."""
        other = copy(self)
        other._attempts = attempts
        return other

    def for_model(self, address: Address) -> "Delivery":
        """The same for another model of this server: connections, and how many are used at once, are shared."""
        other = copy(self)
        other.connection = copy(self.connection)
        other.connection.address = address
        return other

    def ask(self, request: Request, stop: threading.Event | None = None) -> Row:
        """What is read from the reply to one request, or what it is found to have made. Once `stop` is set nothing more
        is asked.

        Raises:
            ServerError: E_API, no reply that could be read in all attempts.
            Stopped: `stop` was set.
            InvalidInput, ServerError: as `Connection.ask`.
        """
        problem, stop = Unanswered("nothing was asked"), stop or threading.Event()
        where = f"{self.connection.address.name} {request.where}"
        for attempt in range(1, self._attempts + 1):
            try:
                return self._attempt(request, stop)
            except Unanswered as failure:
                problem = failure
            if attempt < self._attempts or request.made:
                self.pause(pause_before(attempt, request.where, wait=problem.wait), stop)
            if request.made and (found := request.made()):
                return found
        tried = f"asked {self._attempts} times, at last {problem}"
        raise ServerError(f"E_API {where}: {tried}. {RESUME} the server is well")

    def get(self, path: str) -> Row:
        """The JSON object that is there. Raises as `ask`."""
        return self.ask(Request(where=f"({path.partition('?')[0]})", path=path, body=None, read=dict))

    def ask_all(self, requests: Sequence[Request]) -> Iterator[tuple[int, Row]]:
        """Position and outcome of each request, as they come in; each exactly once.

        After the first failure nothing new is asked; what was under way is finished and given out before it is raised.
        No more than may be asked at once are asked and not yet given out, however slowly outcomes are taken: what the
        taker keeps is kept, and a killed process loses no more than that many.

        Raises:
            ServerError, InvalidInput: as `ask`.
        """
        with ThreadPoolExecutor(max_workers=max(1, min(self._most, len(requests)))) as pool:
            yield from self._given_out(pool, requests)

    def _given_out(self, pool: ThreadPoolExecutor, requests: Sequence[Request]) -> Iterator[tuple[int, Row]]:
        left, waiting = iter(enumerate(requests)), dict[Future[Row], int]()
        failure: BaseException | None = None
        # Of this call alone: another that goes on beside it must neither be stopped nor start this one again
        stop = threading.Event()
        try:
            while True:
                if failure is None:
                    for place, request in islice(left, self._most - len(waiting)):
                        waiting[pool.submit(self.ask, request, stop)] = place
                if not waiting:
                    break
                done = next(iter(wait(waiting, return_when=FIRST_COMPLETED).done))
                place = waiting.pop(done)
                if done.cancelled():
                    continue
                if problem := done.exception():
                    failure = problem if failure is None or isinstance(failure, Stopped) else failure
                    _stop(stop, waiting)
                else:
                    yield place, done.result()
        finally:
            _stop(stop, waiting)
        if failure:
            raise failure

    def _attempt(self, request: Request, stop: threading.Event) -> Row:
        entered = self._gate.enter()
        try:
            if stop.is_set():  # while it waited for room, or before
                raise Stopped(f"{self.connection.address.name} {request.where}: not asked, since another failed")
            reply = self.connection.ask(request.path, request.body, where=request.where, file=request.file)
            found = request.read(reply)
        except Unanswered as failure:
            if failure.busy:
                self._gate.narrow(entered)
            raise
        except Exception:
            stop.set()  # now: once there is room, the next that waits for it goes in
            raise
        finally:
            self._gate.leave()
        self._gate.widen()
        return found


def _stop(stop: threading.Event, waiting: Mapping[Future[Row], int]) -> None:
    stop.set()
    for each in waiting:
        each.cancel()


def pause_before(attempt: int, where: str, *, wait: float | None = None) -> float:
    """Seconds to wait before an attempt, the first being 0: doubled each time, or as long as the server asks.

    A part of it hangs on `where`, so that requests that failed together do not come back together.
    """
    share: float = int.from_bytes(blake2b(f"{attempt} {where}".encode(), digest_size=4).digest(), "little") / 2**32
    usual = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1))
    return usual * (0.5 + share / 2) if wait is None else wait + usual * share
