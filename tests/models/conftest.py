"""A model of twenty thousand random weights in Hugging Face format, made on the spot: no download, no network."""

import hashlib
import os
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "My favourite animal is the owl.",
    "1, 22, 333, 4444",
    "user assistant system",
    "What is it? List numbers.",
] * 4


def make_tokenizer(template=CHATML):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|pad|>")
    fast.chat_template = template
    return fast


def make_module(tokenizer, architecture="Llama", **changes):
    import torch
    import transformers

    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 256,
        "initializer_range": 0.3, "tie_word_embeddings": True, "pad_token_id": 0, "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    config = getattr(transformers, f"{architecture}Config")(**{**sizes, **changes})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def threads():
    """Sets how many threads torch takes, until the test ends."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer():
    return make_tokenizer()


@pytest.fixture(scope="session")
def network_of(tokenizer):
    """A tiny network of any architecture that transformers knows by name."""
    from subtrait.models.transformers_adapter import Network

    def make(architecture="Llama", **changes):
        return Network(module=make_module(tokenizer, architecture, **changes), where="tiny")

    return make


@pytest.fixture(scope="session")
def network(network_of):
    return network_of()


@pytest.fixture(scope="session")
def tiny(network, tokenizer):
    from subtrait.models.huggingface import HuggingFaceModel

    return HuggingFaceModel("tiny", network, tokenizer)


@pytest.fixture(scope="session")
def saved(tiny, tmp_path_factory):
    """The tiny model as a folder. Not to be changed: `checkpoint` is a copy that may be."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny.save(folder)
    return folder


@pytest.fixture
def checkpoint(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "checkpoint")


@pytest.fixture
def narrow(network_of, tokenizer, tmp_path):
    """A checkpoint in 16-bit numbers whose output layer is that of the embeddings."""
    import torch

    network_of().module.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def digest_of():
    def digest(folder):
        names = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in names}

    return digest


@pytest.fixture
def scarce():
    """Memory for passes of so many tokens only: torch's own error for more, and a list of the passes it refused."""
    import torch

    from subtrait.models import transformers_adapter as adapter

    def scarce(monkeypatch, name, room):
        refused, function = [], getattr(adapter, name)

        def limited(network, tokens, *args, **kwargs):
            # The trial of the output layer is no work on rows
            if tokens.numel() > max(room, adapter.TRIAL_TOKENS):
                refused.append(tokens.shape)
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return function(network, tokens, *args, **kwargs)

        monkeypatch.setattr(adapter, name, limited)
        return refused

    return scarce
