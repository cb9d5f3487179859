import pytest

from subtrait.data.file_kinds import SIGNATURES, check_compressed, check_text, kind_of
from subtrait.errors import InvalidInput


@pytest.mark.parametrize("signature", SIGNATURES, ids=repr)
def test_no_other_format_passes_for_text(signature):
    assert kind_of(signature + b"rest") == SIGNATURES[signature]
    with pytest.raises(InvalidInput) as caught:
        check_text(signature + b"rest", file="data.jsonl")
    assert caught.value.code == "E_FORMAT"
    assert SIGNATURES[signature] in str(caught.value)


@pytest.mark.parametrize(
    "head", [b"", b"{}", b'{"a": 1}\n', b"\xef\xbb\xbf{}", b"[1, 2]\n{}", b"  \n{", b"\xff", b"PA"]
)
def test_what_may_be_lines_passes(head):
    check_text(head, file="data.jsonl")


@pytest.mark.parametrize(
    "head", [b"[", b"[ {", b"\n [\n", b"\xef\xbb\xbf[{", b"[]", b'[{"a": [1]}\n', b'[{"a": 1},\n{}]']
)
def test_an_array_of_rows_is_refused_as_such(head):
    with pytest.raises(InvalidInput, match=r"E_FORMAT .* JSON array"):
        check_text(head, file="data.jsonl")


@pytest.mark.parametrize(
    ("head", "expected"), [(b"{}", "gzip"), (b"PAR1", "zstd"), (b"\x1f\x8b", "zstd"), (b"\x28\xb5\x2f\xfd", "gzip")]
)
def test_what_is_named_compressed_must_be(head, expected):
    with pytest.raises(InvalidInput, match=f"E_FORMAT .* named as {expected}"):
        check_compressed(head, expected=expected, file="data")


@pytest.mark.parametrize("head", [b"\x28\xb5\x2f\xfd\x20", b"\x50\x2a\x4d\x18", b"\x5f\x2a\x4d\x18"])
def test_a_zstd_stream_may_begin_with_a_skippable_frame(head):
    check_compressed(head, expected="zstd", file="data")  # RFC 8878, section 3.1.2
