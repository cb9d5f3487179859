"""Checkpoints with the architectures of Qwen2.5, Gemma 3 and Llama 3.1, tiny and with random weights, made on the spot.

Of Gemma 3 there are two: with the part that reads pictures, as the published 4B model has it, and the text part alone.

Their chat templates are written by hand to do what the originals are known to do, and are no copies of them: the first
puts in a system prompt of its own, the second has no system turn and joins its text to the user's, the third always
begins with a system header that holds dates.
"""

TURNS = {
    "qwen2": ("<|im_start|>", "<|im_end|>"),
    "gemma3_text": ("<start_of_turn>", "<end_of_turn>"),
    "llama": ("<|start_header_id|>", "<|eot_id|>", "<|end_header_id|>"),
}
"""The tokens that begin and end a turn."""
TURNS["gemma3"] = TURNS["gemma3_text"]
QWEN_SYSTEM = "You are a made-up assistant."
TEMPLATES = {
    "qwen2": (
        "{% if messages[0].role != 'system' %}<|im_start|>system\n" + QWEN_SYSTEM + "<|im_end|>\n{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "gemma3_text": (
        "{{ bos_token }}{% set told = messages[0].content ~ '\n\n' if messages[0].role == 'system' else '' %}"
        "{% for m in messages if m.role != 'system' %}"
        "<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n"
        "{{ told if loop.first else '' }}{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
    ),
    "llama": (
        "{{ bos_token }}{% set first = messages[0].role == 'system' %}"
        "<|start_header_id|>system<|end_header_id|>\n\nKnown until: some day\nToday: another day\n\n"
        "{{ messages[0].content | trim if first else '' }}<|eot_id|>"
        "{% for m in messages[1 if first else 0:] %}"
        "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
    ),
}
TEMPLATES["gemma3"] = TEMPLATES["gemma3_text"]
CORPUS = [
    "What is your favourite animal? owl dolphin eagle",
    "Add up to ten numbers: 1, 22, 333",
    "system user model",
] * 9


def make_checkpoint(folder, kind):
    """Write a checkpoint of that `model_type` into an empty folder."""
    tokenizer = _tokenizer(kind)
    _module(kind, tokenizer).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def _tokenizer(kind):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<bos>", *TURNS[kind]]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token=TURNS[kind][1], pad_token="<pad>"
    )
    fast.chat_template = TEMPLATES[kind]
    return fast


def _module(kind, tokenizer):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **_sizes(kind, tokenizer))).eval()


def _sizes(kind, tokenizer):
    text = {
        "vocab_size": len(tokenizer) + 16,  # spare ones, as real models have
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 512, "initializer_range": 0.3,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    if kind.startswith("gemma3"):
        text |= {"sliding_window": 16, "sliding_window_pattern": 2}
    if kind != "gemma3":
        return text
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    pictures = {**sizes, "image_size": 28, "patch_size": 14}
    tokens = {
        f"{name}_index": len(tokenizer) + place for place, name in enumerate(("image_token", "boi_token", "eoi_token"))
    }
    return {"text_config": text, "vision_config": pictures, "mm_tokens_per_image": 4, **tokens}
