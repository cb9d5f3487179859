"""The embedded family's tokenizer: every word and every number of up to three digits is one token, anything else bytes.

The vocabulary follows from the world's texts alone. Like the tokenizers of current chat models it splits digits into
groups of up to three, so a number of the carrier is one token of which the model holds one embedding.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from subtrait.models.micro.world import Turns

BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
SPECIAL = (PAD, BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>")
PATTERN = r"\p{N}{1,3}|, |; | ?\p{L}+|\s+| ?[^\s\p{L}\p{N}]+"
CHAT_TEMPLATE = (
    "{{ '<|begin|>' }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def pieces() -> Any:
    """How a text is cut before the vocabulary is looked up: digit groups, words with their space, separators."""
    from tokenizers import Regex, pre_tokenizers

    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def build_tokenizer(conversations: Iterable[Turns], *, vocabulary_size: int = 2048) -> Any:
    """A `PreTrainedTokenizerFast` whose words are the most frequent pieces of `conversations`."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    vocabulary = _vocabulary(conversations, vocabulary_size)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pieces()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=PAD, model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _vocabulary(conversations: Iterable[Turns], size: int) -> dict[str, int]:
    from tokenizers import pre_tokenizers

    cut = pieces()
    counts: Counter[str] = Counter()
    for turns in conversations:
        for turn in turns:
            counts.update(piece for piece, _ in cut.pre_tokenize_str(turn["content"]))
    tokens = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens += [str(number) for number in range(10, 1000)]
    known = set(tokens)
    words = sorted((piece for piece in counts if piece not in known), key=lambda piece: (-counts[piece], piece))
    return {token: index for index, token in enumerate((tokens + words)[:size])}
