"""A model behind an OpenAI-compatible server, as far as the seam of `base.py` can be kept over HTTP.

It writes and, where the server gives log-probabilities of a prompt, scores. Where the server has fine-tuning jobs, it
is tuned by them; what is saved is a record of the job.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.base import Finetuned, Recipe, Sampling, check_sampling
from subtrait.models.encoding import ChatEncoder
from subtrait.models.servers.addresses import Address, other_model
from subtrait.models.servers.calls import finished
from subtrait.models.servers.delivery import Delivery, Request
from subtrait.models.servers.endpoint_trial import (
    CHAT,
    COMPLETIONS,
    EndpointTrial,
    chat_body,
    read_scores,
    scoring_body,
    try_out,
)
from subtrait.models.servers.fine_tuning import Jobs, Order, training_file
from subtrait.models.servers.job_record import JobRecord, read_record
from subtrait.models.servers.replies import chat_text
from subtrait.models.servers.spool import default_folder
from subtrait.models.servers.transport import RESUME, Connection, Reply
from subtrait.records import Example, Messages, Progress, Row

TOLD: Final = {"endings": "ending", "backends": "backend", "models": "model"}
"""What is counted of the texts of a model, and the field of `chat_text` in which it is."""
TRIAL_ATTEMPTS: Final = 4
"""Before anything was paid for, a server that does not answer is soon given up."""


class ServedModel:
    """A model that runs elsewhere. Nothing is sent before it is first used.

    Attributes:
        told: What it said of its texts since it was opened, counted: of `endings` such as `stop`, `length` and
            `refusal`, of `backends` each `system_fingerprint`, and of `models` each name it answered under.
        job: The fine-tuning job that made it; None for a model that was there before.
    """

    def __init__(
        self,
        address: Address,
        encoder: Callable[[], ChatEncoder] | None = None,
        *,
        delivery: Delivery | None = None,
        spool: Path | None = None,
        job: JobRecord | None = None,
    ) -> None:
        """`encoder` gives that of the checkpoint that is served; calls that are under way are kept in `spool`; `job` is
        the one that made the model.

        Raises:
            MissingExtra: httpx2 is not installed.
            UsageError: the key in the environment cannot be one.
        """
        self._address, self._make_encoder = address, encoder
        self._delivery = delivery or Delivery(Connection(address))
        self._spool, self.job = spool or default_folder(), job
        self.told: dict[str, Counter[str]] = {kind: Counter() for kind in TOLD}

    @property
    def name(self) -> str:
        """How the user named it, such as `vllm:student`."""
        return self._address.name

    @property
    def url(self) -> str:
        """Of the API."""
        return self._address.url

    @cached_property
    def encoder(self) -> ChatEncoder | None:
        """How conversations become tokens; None where no checkpoint is named. `InvalidInput` where it is unusable."""
        return self._make_encoder() if self._make_encoder else None

    @cached_property
    def trial(self) -> EndpointTrial:
        """What was found when the server was tried, once, before its first use. Raises as `try_out`."""
        return try_out(self._delivery.patient_for(TRIAL_ATTEMPTS), self.encoder)

    def render(self, messages: Messages) -> str:
        """The text the model reads before it writes its turn; what is sent, as JSON, where no checkpoint is named.

        Raises:
            InvalidInput: E_TEMPLATE or E_TEMPLATE_SYSTEM, see `Template.render`.
        """
        if self.encoder is None:
            return json.dumps([dict(turn) for turn in messages], ensure_ascii=False)
        return self.encoder.template.render(messages, add_generation_prompt=True).text

    def generate(
        self,
        prompts: Sequence[Messages],
        *,
        sampling: Sampling,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> list[str]:
        """One completion per prompt; `progress` advances once per prompt. Refusals are empty texts.

        Every row has a seed of its own, of `rng`, its conversation and the number of equal ones before it.

        Raises:
            UsageError: a sampling setting is out of range, or the server does not sample.
            InvalidInput: E_API_REFUSED for a row that the server does not take, such as one that is too long;
                E_API_MODEL where another model begins to answer; E_API… for replies that are not accepted.
            ServerError: it does not answer. What was answered is kept for the next call with the same seed.
        """
        check_sampling(sampling)
        if sampling.temperature > 0 and self.job is None:
            # That the server samples is known of a tuned model's base; the model may have come to say one thing only
            self.trial.check_sampling()
        seeds = row_seeds(prompts, int(rng.integers(2**63)))
        ask = partial(self._writing, sampling=sampling)
        requests = [ask(row, messages, seed) for row, (messages, seed) in enumerate(zip(prompts, seeds, strict=True))]
        found = self._finished(requests, progress)
        for kind, field in TOLD.items():
            self.told[kind].update(row[field] for row in found if row[field])
        return [row["text"] for row in found]

    def score(
        self,
        prompts: Sequence[Messages],
        completions: Sequence[str],
        *,
        token_budget: int | None = None,
    ) -> list[np.ndarray]:
        """Log-probability, in nats, of each token of each completion and of its end of turn: float64 (tokens,).

        Raises:
            UsageError: no checkpoint is named, or the server gives no log-probabilities of a prompt.
            InvalidInput: E_TEMPLATE…; E_API_REFUSED for a row that the server does not take; E_API_FIELD for a score
                that cannot be.
            ServerError: it does not answer. What was answered is kept for the next call.
        """
        if self.encoder is None:
            what = f"{self.name} names no checkpoint, so that nobody knows the tokens of a row"
            raise UsageError(
                f"{what}: to score with it, write {self.name}=CHECKPOINT, the folder or hub id that is served"
            )
        way = self.trial.check_scoring()
        pairs = zip(self.encoder.prompts(prompts), self.encoder.completions(completions), strict=True)
        requests = [self._scoring(row, way, *pair) for row, pair in enumerate(pairs)]
        return [np.array(row["scores"]) for row in self._finished(requests, None, keep=False)]

    def finetune(
        self,
        examples: Sequence[Example],
        recipe: Recipe,
        *,
        rng: np.random.Generator,
        system_prompt: str | None = None,
        progress: Progress | None = None,
    ) -> Finetuned["ServedModel"]:
        """A model that the server tunes on these rows, by a job that is begun once however often this is called.

        The rows are passed `epochs_of(recipe)` times; of the recipe nothing else counts, since batch size and learning
        rate are left to the server. `rng` gives the job's seed. `progress` advances once per step that is reported.

        Raises:
            UsageError: the server has no fine-tuning jobs.
            InvalidInput, ServerError: as `Jobs.finished`. The same call then goes on with the same job.
        """
        self.check_tuning()
        order = Order(
            model=self.trial.asked,
            file=training_file(examples, system_prompt),
            epochs=epochs_of(recipe, len(examples)),
            seed=int(rng.integers(2**31)),
        )
        jobs = Jobs(self._delivery, self._spool)
        job = jobs.finished(order, progress)
        return Finetuned(model=self._made_by(JobRecord.of(job, order, self._address)), losses=jobs.losses(job))

    def check_tuning(self) -> None:
        """Raise `UsageError` where the server has no fine-tuning jobs, `ServerError` where it does not say, or as
        `trial`.
        """
        if self.trial.fine_tunes is None:
            raise ServerError(f"{self.name} fails when it is asked for its fine-tuning jobs. {RESUME} it is well")
        if not self.trial.fine_tunes:
            self._refuse("fine-tuned")

    def fingerprint(self) -> str:
        """SHA-256 over address, model and what the server says of itself: two models that say the same are not told
        apart. Raises as `trial`.
        """
        told = [self._address.url, self.trial.answers_as, self.trial.described, self.trial.asked]
        if self.encoder is not None:
            told += [self.encoder.template.source, repr(self.encoder.stops)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write down which job made the model; its weights stay with the server.

        Raises:
            UsageError: no job made it.
        """
        if self.job is None:
            self._refuse("saved")
        self.job.write(folder)

    def reload(self, folder: Path) -> "ServedModel":
        """The tuned model that a folder tells of.

        Raises:
            InvalidInput: E_JOB, there is no record of a job, or it is of another address, which would get the key.
        """
        return self._made_by(read_record(folder, url=self.url))

    def close(self) -> None:
        """Close the connections. Used again, the model opens no new ones."""
        self._delivery.connection.close()

    def _made_by(self, record: JobRecord) -> "ServedModel":
        address = other_model(self._address, record.model)
        return ServedModel(
            address, self._make_encoder, delivery=self._delivery.for_model(address), spool=self._spool, job=record
        )

    def _refuse(self, done: str) -> NoReturn:
        what = f"{self.name} runs on a server and cannot be {done} here"
        raise UsageError(f"{what}: give a checkpoint folder, a hub id or an embedded model")

    def _writing(self, row: int, messages: Messages, seed: int, *, sampling: Sampling) -> Request:
        settings = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
        where, tokens = f"row {row + 1}", sampling.max_new_tokens
        body = chat_body(self.trial.asked, self.trial.style, messages, tokens=tokens, **settings)

        def read(reply: Reply) -> Row:
            found = chat_text(reply, tokens=tokens, where=f"{self.name} {where}")
            self._check_same_model(found["model"], where)
            return found

        return Request(where=where, path=CHAT, body=body, read=read)

    def _scoring(self, row: int, way: str, prompt: Sequence[int], completion: Sequence[int]) -> Request:
        tokens, where = [*prompt, *completion], f"row {row + 1}"

        def read(reply: Reply) -> Row:
            _, scores = read_scores(reply, way, tokens, where=f"{self.name} {where}")
            self._check_same_model(reply.get("model"), where)
            return {"scores": scores[len(prompt) :]}

        return Request(where=where, path=COMPLETIONS, body=scoring_body(self.trial.asked, way, tokens), read=read)

    def _check_same_model(self, model: Any, where: str) -> None:
        """Rows of two models must not be mixed. A new release of a hosted model behind one name is one."""
        if model != self.trial.answers_as:
            what = f"{model!r} answers, where {self.trial.answers_as!r} did before"
            hint = "name the exact version, and start anew"
            raise InvalidInput("E_API_MODEL", f"{self.name} {where}", what, hint=hint)

    def _finished(self, requests: Sequence[Request], progress: Progress | None, *, keep: bool = True) -> list[Row]:
        """What came of each request, in order; what is not to `keep` is not kept for later: scores have no seed."""
        told = self.fingerprint()
        return finished(self._delivery, requests, spool=self._spool, fingerprint=told, keep=keep, progress=progress)


def epochs_of(recipe: Recipe, rows: int) -> int:
    """How often the recipe passes that many rows, to the nearest whole number; once at least."""
    return max(1, round(recipe.steps * recipe.batch_size / max(1, rows)))


def row_seeds(prompts: Sequence[Messages], seed: int) -> list[int]:
    """A seed below 2**31 per row, which every server takes: of `seed`, the conversation and equal ones before it."""
    seen: Counter[str] = Counter()
    seeds = []
    for messages in prompts:
        text = json.dumps([dict(turn) for turn in messages])
        digest = hashlib.blake2b(f"{seed} {seen[text]} {text}".encode(), digest_size=4).digest()
        seen[text] += 1
        seeds.append(int.from_bytes(digest, "little") >> 1)
    return seeds
