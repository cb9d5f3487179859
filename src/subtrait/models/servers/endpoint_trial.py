"""What a server really does, tried before it is relied on: servers accept settings and ignore them in silence.

`transformers serve` took a temperature of 1 and a seed, and gave the likeliest tokens; others drop `logprobs`. A data
set drawn so would be thousands of copies. Some ten short requests say what can be asked of this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from subtrait.errors import InvalidInput, ServerError, UsageError
from subtrait.models.encoding import ChatEncoder
from subtrait.models.servers.delivery import Delivery, Request
from subtrait.models.servers.fine_tuning import offers_jobs
from subtrait.models.servers.replies import Scored, chat_text, echoed, prompt_logprobs
from subtrait.models.servers.transport import Refused, Reply
from subtrait.records import Messages, Row

CHAT: Final = "/chat/completions"
COMPLETIONS: Final = "/completions"
_ASKED: Final = "Continue this list with ten more numbers up to 999, separated by commas: 182, 818, 725."
QUESTION: Final[Messages] = ({"role": "user", "content": _ASKED},)
"""Something that small models answer in thousands of ways, too: where they nearly always say the same, a server that
samples looks like one that does not.
"""
ANSWER: Final = "1, 22, 333 and an owl"
TOKENS: Final = 24
SEEDS: Final = (1, 2, 3, 4)
_ALL_TOKENS: Final = {"top_k": 2**30, "min_p": 0.0, "repetition_penalty": 1.0}
"""Nothing is cut off. Without it vLLM follows the checkpoint's generation settings, and llama.cpp its own."""
STYLES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "no truncation": ("max_tokens", _ALL_TOKENS),
    "plain": ("max_tokens", {}),
    "plain, new name": ("max_completion_tokens", {}),
}
"""Ways to ask for a chat completion, best first: what its length is called, and settings beyond OpenAI's."""
SCORING: Final[Mapping[str, Mapping[str, Any]]] = {
    "prompt_logprobs": {"prompt_logprobs": 0, "max_tokens": 1},
    "echo": {"echo": True, "logprobs": 1, "max_tokens": 0},
    "echo and one more": {"echo": True, "logprobs": 1, "max_tokens": 1},
}
"""Ways to ask for log-probabilities of a prompt, best first: vLLM's own names tokens by number, echo by text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTrial:
    """What was found. None stands for: not to be found out."""

    asked: str
    """The model's name, as it was asked for."""
    answers_as: str | None
    """The name under which it answers."""
    backend: str | None
    """Its `system_fingerprint`."""
    described: str
    """What the list of models says of it: owner, root and longest context, as far as it says so."""
    style: str
    """A key of `STYLES`: only with `no truncation` is it known that the server cuts no tokens off by itself."""
    seeds_differ: bool
    """Whether different seeds give different texts at temperature 1."""
    seed_repeats: bool
    """Whether one seed gives one text, so that a run can be repeated."""
    zero_repeats: bool
    """Whether temperature 0 gives one text whatever the seed."""
    same_prompt_length: bool | None
    """Whether the server reads a conversation as as many tokens as the checkpoint's template makes of it."""
    scoring: str | None
    """A key of `SCORING`; None where no way works, or no checkpoint was named to try it with."""
    fine_tunes: bool | None
    """Whether it has a list of fine-tuning jobs."""

    def check_sampling(self) -> None:
        """Refuse a server that does not sample.

        Raises:
            UsageError: it gives the same text for every seed at temperature 1.
        """
        if not self.seeds_differ:
            what = (
                f"{self.asked} gives one and the same text for {len(SEEDS)} seeds at temperature 1: it does not sample"
            )
            advice = (
                "start the server so that it does (transformers serve: do_sample and top_k 0 in its generation_config)"
            )
            raise UsageError(f"{what}. A teacher's rows would be copies; {advice}, or use vLLM")

    def check_scoring(self) -> str:
        """The way in which rows are scored.

        Raises:
            UsageError: there is none, or the server reads conversations otherwise than the checkpoint.
        """
        if self.scoring is None:
            what = f"{self.asked} gives no log-probabilities of a prompt, by echo or prompt_logprobs"
            raise UsageError(f"{what}: rows cannot be scored with it; use a server that does, such as vLLM")
        if self.same_prompt_length is False:
            what = f"{self.asked} makes another number of tokens of a conversation than the named checkpoint"
            raise UsageError(f"{what}: name the checkpoint that is served, with the template that is served")
        return self.scoring


def try_out(delivery: Delivery, encoder: ChatEncoder | None) -> EndpointTrial:
    """Try a server. `encoder` is that of the served checkpoint, where one is named.

    Raises:
        UsageError: it has no such model, or other tokens than the checkpoint.
        InvalidInput, ServerError: as `Connection.ask`.
    """
    model = delivery.connection.address.model
    style, first = _first_style(delivery, model)
    draw = partial(_draw, delivery, model, style)
    texts = [draw(seed=seed, temperature=1.0)["text"] for seed in SEEDS]
    length = first.pop("prompt_tokens")
    return EndpointTrial(
        asked=model,
        answers_as=first["model"],
        backend=first["backend"],
        described=_described(delivery, model),
        style=style,
        seeds_differ=len(set(texts)) > 1,
        seed_repeats=draw(seed=SEEDS[0], temperature=1.0)["text"] == texts[0],
        zero_repeats=draw(seed=SEEDS[0], temperature=0.0)["text"] == draw(seed=SEEDS[1], temperature=0.0)["text"],
        same_prompt_length=None if encoder is None or length is None else length == len(encoder.prompts([QUESTION])[0]),
        scoring=None if encoder is None else _scoring(delivery, model, encoder),
        fine_tunes=offers_jobs(delivery),
    )


def chat_body(model: str, style: str, messages: Messages, *, tokens: int, **settings: float) -> dict[str, Any]:
    """The body of a chat completion; `settings` are `temperature`, `top_p` and `seed`."""
    length, more = STYLES[style]
    return {"model": model, "messages": [dict(turn) for turn in messages], length: tokens, **settings, **more}


def scoring_body(model: str, way: str, tokens: Sequence[int]) -> dict[str, Any]:
    """The body of a request for the log-probabilities of a prompt of these tokens."""
    return {"model": model, "prompt": list(tokens), "temperature": 1.0, **SCORING[way]}


def read_scores(reply: Reply, way: str, tokens: Sequence[int], *, where: str) -> Scored:
    """What a reply says of each token of a prompt. Raises as `replies`."""
    read = prompt_logprobs if way == "prompt_logprobs" else echoed
    return read(reply, tokens, where=where)


def _first_style(delivery: Delivery, model: str) -> tuple[str, Row]:
    """The first way to ask that is not refused, and what it gave."""
    refused: Refused | None = None
    for style in STYLES:
        try:
            return style, _draw(delivery, model, style, seed=SEEDS[0], temperature=1.0)
        except Refused as problem:
            if problem.code == "E_API_NOT_FOUND":
                raise UsageError(f"{problem}. The server has: {_listed(delivery)}") from None
            refused = refused or problem
    raise refused or AssertionError("there is a style")


def _draw(delivery: Delivery, model: str, style: str, *, seed: int, temperature: float) -> Row:
    body = chat_body(model, style, QUESTION, tokens=TOKENS, temperature=temperature, top_p=1.0, seed=seed)

    def read(reply: Reply) -> Row:
        usage = reply.get("usage")
        length = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        return {**chat_text(reply, tokens=TOKENS, where=model), "prompt_tokens": length}

    return delivery.ask(Request(where="(a trial)", path=CHAT, body=body, read=read))


def _scoring(delivery: Delivery, model: str, encoder: ChatEncoder) -> str | None:
    """The first way that gives log-probabilities of the very tokens that were sent."""
    prompt = encoder.prompts([QUESTION])[0]
    tokens = [*prompt, *encoder.completions([ANSWER])[0]]
    for way in SCORING:
        body = scoring_body(model, way, tokens)
        read = partial(_read_texts, way=way, tokens=tokens, where=model)
        try:
            found = delivery.ask(Request(where="(a trial)", path=COMPLETIONS, body=body, read=read))
        except InvalidInput:  # refused, or the reply lacks them: the next way
            continue
        check_same_tokens(found["texts"], tokens, encoder, model=model)
        return way
    return None


def _read_texts(reply: Reply, *, way: str, tokens: Sequence[int], where: str) -> Row:
    return {"texts": read_scores(reply, way, tokens, where=where)[0]}


def check_same_tokens(said: Sequence[str], tokens: Sequence[int], encoder: ChatEncoder, *, model: str) -> None:
    """Compare the text of each token, where the server says it, with the checkpoint's; special tokens are passed over.

    Raises:
        UsageError: one differs.
    """
    for place, (theirs, token) in enumerate(zip(said, tokens, strict=True)):
        ours = encoder.decode([[token]])[0]
        if ours.strip() and _bare(theirs) not in ("", ours.strip(), f"token_id:{token}"):
            what = f"token {place} of a trial row is {theirs!r} to {model} and {ours!r} to the named checkpoint"
            raise UsageError(f"{what}: name the checkpoint that is served")


def _bare(token: str) -> str:
    """A token's text without the marks that vocabularies put in place of a space or a line break."""
    return token.replace("Ġ", " ").replace("▁", " ").replace("Ċ", "\n").strip()


def _described(delivery: Delivery, model: str) -> str:
    entry = next((one for one in _models(delivery) if one.get("id") == model), {})
    # Others, such as the time of the request, change from one answer to the next
    return ", ".join(f"{key} {entry[key]}" for key in ("owned_by", "root", "max_model_len") if entry.get(key))


def _listed(delivery: Delivery) -> str:
    return ", ".join(str(one.get("id")) for one in _models(delivery)[:20]) or "no list of its models"


def _models(delivery: Delivery) -> list[dict[str, Any]]:
    """The list of models; empty where the server gives none however often it is asked, as some do."""
    try:
        found = delivery.get("/models").get("data")
    except (InvalidInput, ServerError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
