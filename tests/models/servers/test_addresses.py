"""What the name of a served model means, and which key goes where."""

import pytest

from subtrait.errors import UsageError
from subtrait.models.servers.addresses import api_key, is_address, is_hosted, other_model, read_address

KEY = "sk-canary=="


@pytest.mark.parametrize(
    ("name", "url", "model", "checkpoint"),
    [
        ("openai:gpt-4.1-nano", "https://api.openai.com/v1", "gpt-4.1-nano", None),
        ("openai:ft:gpt-4.1-nano:me::8", "https://api.openai.com/v1", "ft:gpt-4.1-nano:me::8", None),
        ("vllm:student", "http://127.0.0.1:8000/v1", "student", None),
        ("vllm:student=runs/my student", "http://127.0.0.1:8000/v1", "student", "runs/my student"),
        ("vllm:Qwen/Qwen2.5-7B-Instruct=", "http://127.0.0.1:8000/v1", *["Qwen/Qwen2.5-7B-Instruct"] * 2),
        ("http://10.0.0.7:8001/v1#a=micro-a", "http://10.0.0.7:8001/v1", "a", "micro-a"),
        ("http://[::1]:8001/v1/#a", "http://[::1]:8001/v1", "a", None),
        ("https://one.example#a", "https://one.example/v1", "a", None),
        ("https://one.example/x/openai/v1#o/a:b", "https://one.example/x/openai/v1", "o/a:b", None),
    ],
)
def test_a_name_means_an_address_a_model_and_perhaps_a_checkpoint(name, url, model, checkpoint):
    found = read_address(name)
    assert is_address(name)
    assert (found.name, found.url, found.model, found.checkpoint) == (name, url, model, checkpoint)


@pytest.mark.parametrize(
    "name", ["micro-a", "./vllm", "Qwen/Qwen2.5-7B", "file:///etc/passwd#a", "ftp://x#a", "openai"]
)
def test_other_names_are_no_addresses(name):
    assert not is_address(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai:", "vllm:=micro-a", "vllm:two words", "http://h:8000/v1", "http:#a", "http:///v1#a", "http://#a",
        "http://h:99999/v1#a", "http://h:port/v1#a", "http://h/v1?key=1#a", "http://[::1/v1#a", "vllm:a\nb",
        "http://h\u202e/v1#a", "http://a b/v1#m",
    ],
)  # fmt: skip
def test_a_name_that_is_not_well_formed_is_refused_with_the_forms_there_are(name):
    with pytest.raises(UsageError, match=r"is no address of a served model: .*openai:NAME, vllm:NAME or http"):
        read_address(name)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("openai:m", "openai:ft:m:me::8"),
        ("vllm:m=./m", "vllm:ft:m:me::8"),
        ("https://one.example/x=y/v1#m", "https://one.example/x=y/v1#ft:m:me::8"),
    ],
)
def test_another_model_of_an_address_is_asked_for_at_the_same_place(name, other):
    address = read_address(name)
    found = other_model(address, "ft:m:me::8")
    assert (found.name, found.url, found.model, found.checkpoint) == (other, address.url, "ft:m:me::8", None)


def test_students_are_made_by_a_server_where_no_checkpoint_is_named():
    assert [name for name in ("openai:m", "vllm:m=", "vllm:m=micro-a", "micro-a", "./m") if is_hosted(name)] == [
        "openai:m"
    ]


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="put the key into SUBTRAIT_API_KEYS") as found:
        read_address(f"https://me:{KEY}@one.example/v1#a")
    assert KEY not in str(found.value)


KEYS = {
    "OPENAI_API_KEY": "openai-key",
    "VLLM_API_KEY": "vllm-key",
    "SUBTRAIT_API_KEYS": f"https://one.example={KEY} http://two.example:8000/v1=two-key",
}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("openai:m", "openai-key"),
        ("vllm:m", "vllm-key"),
        ("https://one.example/v1#m", KEY),
        ("https://ONE.example:443/other#m", KEY),
        ("http://two.example:8000#m", "two-key"),
        ("http://one.example/v1#m", None),
        ("https://one.example:444/v1#m", None),
        ("https://one.example.evil.example/v1#m", None),
        ("http://two.example/v1#m", None),
        ("http://127.0.0.1:8001/v1#m", None),
        ("https://api.openai.com.evil.example/v1#m", None),
    ],
)
def test_a_key_goes_to_its_own_host_only(name, key):
    assert api_key(read_address(name), KEYS) == key


@pytest.mark.parametrize("text", [KEY, f"one.example={KEY}", f"https://={KEY}", f"https://[{KEY}", f"http://h:x={KEY}"])
def test_keys_that_cannot_be_read_are_refused_and_not_repeated(text):
    with pytest.raises(UsageError, match="entry 2 of SUBTRAIT_API_KEYS is not of the form https://HOST=KEY") as found:
        api_key(read_address("https://a.example#m"), {"SUBTRAIT_API_KEYS": f"https://a.example=a {text}"})
    assert KEY not in str(found.value)


@pytest.mark.parametrize("key", ["a b", "clé", "a\x00b", "a\r\nHost: b"])
def test_a_key_that_would_break_a_header_is_refused_and_not_repeated(key):
    with pytest.raises(UsageError, match="OPENAI_API_KEY has characters that no key has") as found:
        api_key(read_address("openai:m"), {"OPENAI_API_KEY": key})
    assert key not in str(found.value)


def test_no_key_is_no_mistake():
    assert api_key(read_address("openai:m"), {"OPENAI_API_KEY": " "}) is None
