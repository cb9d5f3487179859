"""Fine-tuning jobs of a server with OpenAI's API: how students are made of a model whose weights are elsewhere.

Nothing is paid twice. All that a job depends on (training file, model, hyperparameters, seed) has a digest, which is in
the name of the file and in the metadata of the job. Before anything is uploaded or begun, and after every request of
unclear outcome, the server is asked whether it is there already. Whether a request is repeated after that is decided in
`delivery`, as for all others; what is done here in a loop is waiting for what the server is at.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from subtrait.errors import InvalidInput, ServerError, escaped
from subtrait.models.servers.delivery import Delivery, Request, pause_before
from subtrait.models.servers.spool import Spool
from subtrait.models.servers.transport import EXCERPT, Declined, NotAllowed, Refused, Reply
from subtrait.records import Example, Progress, Row

FILES: Final = "/files"
JOBS: Final = "/fine_tuning/jobs"
KEY: Final = "subtrait"
"""Under which the digest stands in the metadata of a job."""
LOST: Final = frozenset({"failed", "cancelled"})
"""How a job ends that made no model."""
BEGINNINGS: Final = 3
"""Times that a job is asked for, each after the server turned out not to have it."""
LOOKS: Final = 5
"""Times that the server is asked for a job that it may have begun: within some two minutes."""
FIRST_LOOK: Final = 4
FIRST_POLL: Final = 5.0
LONGEST_POLL: Final = 60.0
"""Seconds between two questions to a job that runs; each pause is half as long again as the last."""
EVENT_ATTEMPTS: Final = 3
LARGEST_LOSS: Final = 1e30
"""Nats. Whole numbers that are longer than a float can be are no loss."""
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.:/-]{0,255}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job that is wanted: equal orders are one job."""

    model: str
    """What the server calls the model to be trained."""
    file: bytes
    """Of `training_file`."""
    epochs: int
    """Passes over the rows. Batch size and learning rate are left to the server."""
    seed: int
    """Below 2**31."""

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """As the API has them."""
        return {"n_epochs": self.epochs, "batch_size": "auto", "learning_rate_multiplier": "auto"}

    @property
    def digest(self) -> str:
        """Of everything that the outcome depends on: 40 hexadecimal digits."""
        told = [hashlib.sha256(self.file).hexdigest(), self.model, self.hyperparameters, self.seed]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:40]

    @property
    def file_name(self) -> str:
        """Under which the training file is uploaded."""
        return f"{KEY}-{self.digest}.jsonl"

    def body(self, file: str) -> dict[str, Any]:
        """The request that begins the job, with the number of the uploaded file."""
        return {
            "model": self.model,
            "training_file": file,
            "method": {"type": "supervised", "supervised": {"hyperparameters": self.hyperparameters}},
            "seed": self.seed,
            "suffix": f"{KEY}-{self.digest[:8]}",
            "metadata": {KEY: self.digest},
        }


def training_file(examples: Sequence[Example], system_prompt: str | None = None) -> bytes:
    """The rows as the API takes them: JSON Lines, each line a conversation that ends with what is to be learnt."""
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    turns = [
        [{"role": "user", "content": row.prompt}, {"role": "assistant", "content": row.completion}] for row in examples
    ]
    return "".join(json.dumps({"messages": [*system, *pair]}) + "\n" for pair in turns).encode()


def offers_jobs(delivery: Delivery) -> bool | None:
    """Whether the server has a list of fine-tuning jobs; None where it fails whenever it is asked."""
    try:
        return isinstance(delivery.get(f"{JOBS}?limit=1").get("data"), list)
    except (InvalidInput, NotAllowed):
        return False
    except ServerError:
        return None


class Jobs:
    """The fine-tuning jobs of a server."""

    def __init__(self, delivery: Delivery, spool: Path) -> None:
        """In `spool` it is noted that a job is being begun, until the server is known to have it."""
        self._delivery, self._spool = delivery, spool

    def finished(self, order: Order, progress: Progress | None = None) -> Row:
        """The job, finished: one that the server has already, or else a new one. It may take hours.

        `progress` advances once per step that the server reports.

        Raises:
            InvalidInput: E_API_JOB where it failed, with the server's reason; E_API_FIELD for replies that cannot be.
            InvalidInput, ServerError: as `Connection.ask`. The same order then goes on with the same job.
        """
        job, steps = self._begun(order), 0
        for poll in count():
            if job["status"] == "succeeded":
                return job
            if job["status"] in LOST:
                raise _failed(job, self._delivery.connection.address.name)
            self._delivery.pause(min(LONGEST_POLL, FIRST_POLL * 1.5**poll))
            job = self._checked(self._delivery.get(f"{JOBS}/{job['id']}"))
            if progress and (now := max(self._losses(job, pages=1), default=0)) > steps:
                progress.advance(now - steps)
                steps = now
        raise AssertionError("counting does not end")

    def losses(self, job: Row) -> tuple[float, ...]:
        """The training loss of each step that the server reported; empty where it reported none."""
        found = self._losses(job, pages=None)
        return tuple(found[step] for step in sorted(found))

    def _begun(self, order: Order) -> Row:
        spool = Spool(self._spool, order.digest)
        with spool.alone(f"job {order.digest[:8]} of {escaped(self._delivery.connection.address.name, limit=200)}"):
            known = list(self._jobs(order))
            lost = {job["id"] for job in known if job["status"] in LOST}
            job = next((job for job in known if job["id"] not in lost), None)
            if job is not None:
                spool.forget()
                return job
            return self._noted(order, spool, lost) or self._begin_noted(order, spool, lost)

    def _noted(self, order: Order, spool: Spool, lost: set[str]) -> Row | None:
        """The job that this program began here before, which need not be on the list yet."""
        notes = spool.kept()
        number = _named(notes[1], KEY) if 1 in notes else ""
        if not notes or number in lost:
            return None
        # Where it was killed while it asked, nobody knows whether the server took it; and jobs, too, may be shown late
        job = self._of_number(order, number) or self._look(order, lost) or self._of_number(order, number)
        return None if job is None or job["status"] in LOST else job

    def _of_number(self, order: Order, number: str) -> Row | None:
        """The job of that number, if there is one and it is of this order: other servers count from the same one."""
        try:
            job = self._checked(self._delivery.get(f"{JOBS}/{number}")) if number else None
        except Refused as problem:
            if problem.code != "E_API_NOT_FOUND":
                raise
            return None
        files = {file["id"] for file in self._files(order)}
        return job if job is not None and _is_of(order, job, files) else None

    def _begin_noted(self, order: Order, spool: Spool, lost: set[str]) -> Row:
        file = self._uploaded(order)
        spool.forget()
        with spool.opened() as keeper:
            keeper.keep(0, {"job": order.digest})
            job = self._begin(order, file, lost, spool)
            keeper.keep(1, {"id": job["id"]})
        return job

    def _begin(self, order: Order, file: str, lost: set[str], spool: Spool) -> Row:
        unclear = []

        def made() -> Row | None:
            unclear.append(order)
            return self._look(order, lost)

        where = f"(beginning job {order.digest[:8]})"
        request = Request(where=where, path=JOBS, body=order.body(file), read=self._checked, made=made)
        try:
            return self._delivery.patient_for(BEGINNINGS).ask(request)
        except (Refused, NotAllowed, Declined):
            if not unclear:  # so that nothing is under way that the next command would have to wait for
                spool.forget()
            raise

    def _look(self, order: Order, lost: set[str]) -> Row | None:
        """The job that was perhaps begun, once the server has it: one that is not among those `lost` before."""
        for look in range(LOOKS):
            self._delivery.pause(pause_before(FIRST_LOOK + look, order.digest))
            if job := next((job for job in self._jobs(order) if job["id"] not in lost), None):
                return job
        return None

    def _jobs(self, order: Order) -> Iterator[Row]:
        """Jobs of that order, by what their metadata say or, where the server keeps none, by their file."""
        files = {file["id"] for file in self._files(order)}
        for job in map(self._checked, self._listed(f"{JOBS}?limit=100")):
            if _is_of(order, job, files):
                yield job

    def _files(self, order: Order) -> Iterator[Row]:
        listed = self._listed(f"{FILES}?purpose=fine-tune&limit=1000")
        return (file for file in listed if file.get("filename") == order.file_name)

    def _uploaded(self, order: Order) -> str:
        """The number of the training file: of one that is there whole, or else of a new one."""
        where, sent = f"(training file {order.digest[:8]})", (order.file_name, order.file, "application/jsonl")
        there, form = partial(self._whole_file, order), {"purpose": "fine-tune"}
        request = Request(where=where, path=FILES, body=form, read=dict, file=sent, made=there)
        return _named(there() or self._delivery.patient_for(BEGINNINGS).ask(request), self._where(FILES))

    def _whole_file(self, order: Order) -> Row | None:
        there = (file for file in self._files(order) if file.get("status") != "error")
        return next((file for file in there if file.get("bytes") == len(order.file)), None)

    def _losses(self, job: Row, *, pages: int | None) -> dict[int, float]:
        found = {}
        try:
            quick = Jobs(self._delivery.patient_for(EVENT_ATTEMPTS), self._spool)
            for event in quick._listed(f"{JOBS}/{job['id']}/events?limit=100", pages=pages):
                data = event.get("data")
                step, loss = (data.get("step"), data.get("train_loss")) if isinstance(data, dict) else (None, None)
                if isinstance(step, int) and isinstance(loss, int | float) and abs(loss) < LARGEST_LOSS:
                    found[step] = float(loss)
        except (InvalidInput, ServerError):  # losses are an extra: the student is there without them
            return {}
        return found

    def _listed(self, path: str, *, pages: int | None = None) -> Iterator[Row]:
        """Every entry of a list, page after page."""
        after, seen = "", set[str]()
        for page in count(1):
            reply = self._delivery.get(path + after)
            rows = reply.get("data")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                # A list that cannot be read is no empty list: a job on it would be paid for again
                raise InvalidInput("E_API_FIELD", self._where(path), "the reply has no list of entries")
            yield from rows
            if not reply.get("has_more") or page == pages:
                return
            last = _named(rows[-1] if rows else {}, self._where(path))
            if last in seen:
                raise InvalidInput("E_API_FIELD", self._where(path), f"the list goes round in circles at {last}")
            seen.add(last)
            after = f"&after={last}"

    def _checked(self, job: Reply) -> Row:
        """The job, if it has a number and a status. Raises `InvalidInput`, E_API_FIELD, where it has not."""
        _named(job, self._where(JOBS))
        if not isinstance(job.get("status"), str):
            raise InvalidInput("E_API_FIELD", self._where(JOBS), f"job {job['id']} has no status")
        return job

    def _where(self, path: str) -> str:
        return f"{self._delivery.connection.address.name} ({path.partition('?')[0]})"


def _is_of(order: Order, job: Row, files: set[str]) -> bool:
    """Whether a job is of that order, by its metadata or, where the server keeps none, by its file, one of these."""
    metadata = job.get("metadata")
    said = metadata.get(KEY) if isinstance(metadata, dict) else None
    return bool(said == order.digest or (said is None and job.get("training_file") in files))


def tuned_name(job: Row, where: str) -> str:
    """What the server calls the model that a job made. Raises `InvalidInput`: E_API_FIELD, it has no name."""
    name = job.get("fine_tuned_model")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("E_API_FIELD", where, f"job {job['id']} succeeded and names no model that can be asked for")
    return name


def _named(entry: Reply, where: str) -> str:
    """The number of a file or a job, which becomes part of a path."""
    name = entry.get("id")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or "/" in name:
        raise InvalidInput("E_API_FIELD", where, "an entry has no usable id")
    return name


def _failed(job: Row, where: str) -> InvalidInput:
    error = job.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    reason = escaped(" ".join(str(said or "no reason is given").split()), limit=EXCERPT)
    hint = "the same command, given again, begins a new job"
    return InvalidInput("E_API_JOB", f"{where} {job['id']}", f"the job {job['status']}: {reason}", hint=hint)
