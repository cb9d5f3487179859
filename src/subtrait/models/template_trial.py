"""Try an untrusted chat template and tokenizer in a process of their own, under limits of time and memory.

The sandbox that templates run in stops code, not waste: `{{ 'a' * 10**9 }}` takes gigabytes and a nested loop never
ends. So both are first tried where they can be killed. Run as `python -m subtrait.models.template_trial`.
"""

import json
import subprocess
import sys
from functools import lru_cache

from subtrait.errors import InvalidInput

CPU_SECONDS = {"template": 2, "tokenizer": 20}
"""A template renders in a millisecond; a large tokenizer takes a few seconds to load."""
MEMORY = 2 * 2**30
"""Bytes of address space."""
WALL_SECONDS = 120
MAX_TEXT = 2**20
"""Characters that a template may make of a short conversation."""
HINT = "the checkpoint is hostile or broken: use another"
SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
ROLES = (("user",), ("system", "user"), ("user", "assistant", "user"), ("user", "assistant"))
TEXTS = ("a" * 4_000, "1" * 4_000, " " * 4_000, "a b" * 1_000, "!?" * 1_000, "é漢\u0301🦉" * 500, "\n\t " * 1_000)
"""Long runs of one kind, on which a careless regular expression takes exponential time."""


def try_out(template: str, tokenizer: str, where: str) -> None:
    """Refuse a template or a tokenizer that fails, or takes more than it should; the same ones are tried once.

    Args:
        template: The Jinja source.
        tokenizer: The content of `tokenizer.json`.
        where: The checkpoint, for messages.

    Raises:
        InvalidInput: E_TEMPLATE_LIMIT or E_LIMIT where template or tokenizer exceeded a limit, E_TEMPLATE or E_CONFIG
            where they are not valid.
    """
    _judge(_tried(template, tokenizer), where)


@lru_cache(maxsize=64)
def _tried(template: str, tokenizer: str) -> list[str]:
    """What the process that tried both had to say, one line a stage."""
    told = json.dumps({"template": template, "tokenizer": tokenizer}).encode()
    # -P: a file of the working directory must not stand in for a module
    command = [sys.executable, "-P", "-m", "subtrait.models.template_trial"]
    try:
        said = subprocess.run(command, input=told, capture_output=True, timeout=WALL_SECONDS, check=False).stdout
    except subprocess.TimeoutExpired as problem:
        said = problem.stdout or b""
    return said.decode(errors="replace").splitlines()


def _judge(said: list[str], where: str) -> None:
    """The last line is the stage the process was in when it ended, or a JSON object with its finding."""
    last = said[-1] if said else ""
    if last == "done":
        return
    if last.startswith("{"):
        finding = json.loads(last)
        raise InvalidInput(finding["code"], where, finding["what"])
    if last == "tokenizer":
        what = "the tokenizer takes too much time or memory on a short text"
        raise InvalidInput("E_LIMIT", where, what, hint=HINT)
    what = "the chat template takes too much time or memory on a short conversation"
    raise InvalidInput("E_TEMPLATE_LIMIT", where, what, hint=HINT)


def _limit(seconds: int) -> None:
    """Let this process use `seconds` more of CPU time, and no more than `MEMORY`."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the wall clock remains
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _try_template(source: str) -> None:
    from subtrait.models.templates import Template

    template = Template(source, "", variables=SPECIAL_TOKENS)
    for number, roles in enumerate(ROLES):
        messages = [{"role": role, "content": "Hello"} for role in roles]
        try:
            text = template.run(messages, add_generation_prompt=roles[-1] == "user")
        except InvalidInput as problem:
            # Not every template takes a system turn or every order of turns; all must take one user turn
            if number == 0 or _is_waste(problem):
                raise
        else:
            if len(text) > MAX_TEXT:
                raise MemoryError


def _try_tokenizer(content: str) -> None:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(content)
    except Exception as problem:  # the tokenizers library raises bare Exception
        raise InvalidInput("E_CONFIG", "", f"tokenizer.json is not valid: {problem}") from problem
    for text in TEXTS:
        tokenizer.encode(text, add_special_tokens=False)


def _main() -> None:
    told = json.load(sys.stdin)
    try:
        for stage, attempt in (("template", _try_template), ("tokenizer", _try_tokenizer)):
            sys.stdout.write(f"{stage}\n")
            sys.stdout.flush()
            _limit(CPU_SECONDS[stage])
            attempt(told[stage])
        sys.stdout.write("done\n")
    except InvalidInput as problem:
        if not _is_waste(problem):
            what = str(problem).partition(": ")[2]
            sys.stdout.write(json.dumps({"code": problem.code, "what": what}) + "\n")
    except (MemoryError, RecursionError):
        """The stage that was announced last is the finding."""


def _is_waste(problem: BaseException) -> bool:
    return isinstance(problem.__cause__, MemoryError | OverflowError | RecursionError)


if __name__ == "__main__":
    _main()
