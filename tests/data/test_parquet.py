"""Whole files through the whole path: the parent, its child process, and the answer a user gets."""

import hashlib
import os
import signal

import pytest

from subtrait.data import parquet
from subtrait.data.parquet import ParquetLimits, read_parquet
from subtrait.errors import InvalidInput, MissingExtra

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
LARGE = "A" * 2**20


def write(path, table, **options):
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def rows(path, **options):
    return list(read_parquet(path, **options))


def refused(path, **options):
    """The code and the whole message, without the folder."""
    with pytest.raises(InvalidInput) as caught:
        rows(path, **options)
    assert caught.value.exit_code == 4
    return str(caught.value).replace(f"{path.parent}/", "")


def varint(number):
    """A whole number of the footer: zigzag, then seven bits at a time (Thrift compact protocol)."""
    number, out = 2 * number, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def footer_of(path):
    data = path.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length], data[-8 - length : -8]


def forge(path, footer):
    body, _ = footer_of(path)
    path.write_bytes(body + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    return path


def replaced(path, old, new, *, times):
    footer = footer_of(path)[1]
    assert footer.count(old) == times
    return forge(path, footer.replace(old, new))


def bad_text(*texts):
    """A text column whose bytes nobody checked."""
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text))
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(texts))]
    return pa.StringArray.from_buffers(len(texts), buffers[1], buffers[2])


@pytest.fixture
def good(tmp_path):
    return write(tmp_path / "good.parquet", {"prompt": ["a", "b"], "completion": ["1, 2", None]})


def test_rows_come_in_order_with_their_numbers_and_values(tmp_path):
    turns = [
        [{"role": "user", "content": f"é漢🦉 {row}"}, {"role": "assistant", "content": None}] for row in range(600)
    ]
    table = {
        "id": pa.array([2**64 - 1 - row for row in range(600)], pa.uint64()),
        "messages": pa.array(turns, TURNS),
        "score": pa.array([row / 8 for row in range(600)], pa.float16()),
        "kind": pa.array(["x", "y"] * 300).dictionary_encode(),
        "when": pa.array([0] * 600, pa.timestamp("ns", "UTC")),
    }
    path = write(tmp_path / "many.parquet", table, row_group_size=100)
    expected = [
        (row + 1, {"id": 2**64 - 1 - row, "messages": turns[row], "score": row / 8, "kind": "xy"[row % 2],
                   "when": "1970-01-01 00:00:00.000000000Z"})
        for row in range(600)
    ]  # fmt: skip
    assert rows(path) == expected


def test_the_digest_is_that_of_the_file(good):
    digest = hashlib.sha256()
    next(read_parquet(good, digest=digest))
    assert digest.hexdigest() == hashlib.sha256(good.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"", "does not begin and end with PAR1"),
        (lambda data: data[:-1], "does not begin and end with PAR1"),
        (lambda data: data[: len(data) // 2], "does not begin and end with PAR1"),
        (lambda data: b"PK\x03\x04" + data[4:], "does not begin and end with PAR1"),
        (lambda data: data[:4] + data[-8:], "it declares a footer of"),
    ],
)
def test_a_file_without_its_frame_is_no_parquet_file(good, change, says):
    good.write_bytes(change(good.read_bytes()))
    message = refused(good)
    assert message.startswith("E_PARQUET good.parquet: ")
    assert says in message
    assert message.endswith("(download it again, or write it again with a current Parquet writer)")


def test_a_footer_larger_than_allowed_is_refused(good):
    message = refused(good, limits=ParquetLimits(max_footer_bytes=10))
    assert message.startswith("E_LIMIT good.parquet: the footer takes ")
    assert message.endswith("bytes, at most 10 are read (write it with fewer columns and larger row groups)")


def test_a_footer_that_cannot_be_read_is_refused(good):
    _, footer = footer_of(good)
    message = refused(forge(good, footer[: len(footer) // 2]))
    assert message.startswith("E_PARQUET good.parquet: ")
    assert "current Parquet writer" in message


def test_a_dictionary_bomb_is_refused_within_the_memory_limit(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 4_000, pa.int32()), pa.array([LARGE]))
    path = write(tmp_path / "bomb.parquet", {"content": column}, compression="zstd", store_schema=False)
    assert path.stat().st_size < 400
    message = refused(path, limits=ParquetLimits(memory_bytes=512 * 2**20))
    assert message.startswith("E_BOMB bomb.parquet: the rows up to 64 take more than 67108864 bytes")
    assert message.endswith("(if the file is honest and repeats itself, write it as JSON Lines)")


def plain_bomb(path):
    options = {"compression": "zstd", "use_dictionary": False, "data_page_size": 2**30, "write_statistics": False}
    return write(path, {"content": [LARGE] * 256}, **options)


@pytest.mark.parametrize(
    ("memory", "says"), [(2**30, "the rows up to"), (450 * 2**20, "after row 0 it takes more than 471859200 bytes")]
)
def test_a_ratio_bomb_whose_footer_lies_is_refused_while_reading(tmp_path, memory, says):
    path = plain_bomb(tmp_path / "bomb.parquet")
    size = pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size
    replaced(path, b"\x16" + varint(size), b"\x16" + varint(1_000), times=2)
    message = refused(path, limits=ParquetLimits(memory_bytes=memory))
    assert message.startswith(f"E_BOMB bomb.parquet: {says}")


def test_processor_time_is_limited(tmp_path):
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 40_000, pa.int32()), pa.array([LARGE]))
    path = write(tmp_path / "slow.parquet", {"content": column}, store_schema=False)
    message = refused(path, limits=ParquetLimits(cpu_seconds=0, free_bytes=2**40))
    assert message.startswith("E_LIMIT slow.parquet: reading it takes more than 0 seconds of processor time")


@pytest.mark.parametrize("times", [1, 3])
def test_more_rows_declared_than_present_are_refused(tmp_path, times):
    path = write(tmp_path / "rows.parquet", {"content": ["xy"] * 1_003}, write_statistics=False)
    footer = footer_of(path)[1]
    count = b"\x16" + varint(1_003)  # in the file, its row group and its column
    assert footer.count(count) == 3
    forge(path, footer.replace(count, b"\x16" + varint(2**31), times))
    assert refused(path).startswith("E_PARQUET rows.parquet: ")


def test_bad_rows_can_be_set_aside_and_none_is_lost(tmp_path):
    texts = pa.StructArray.from_arrays([bad_text(b"user", b"user", b"user"), bad_text(b"ok", b"\xc0\xaf", b"ok")],
                                       names=["role", "content"])  # fmt: skip
    path = write(tmp_path / "t.parquet", {"messages": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), texts)})
    aside = []
    kept = rows(path, reject=lambda row, problem: aside.append((row, problem.code, problem.where)))
    assert [row for row, _ in kept] == [1, 3]
    assert aside == [(2, "E_UTF8", f"{path}:2 field=/messages/0/content")]


@pytest.mark.parametrize(("plaintext_footer", "says"), [(False, "the Parquet file is encrypted"), (True, "encrypted")])
def test_encrypted_files_are_unsupported(tmp_path, plaintext_footer, says):
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Keys(encryption.KmsClient):
        def wrap_key(self, key, name):
            return key.hex()

        def unwrap_key(self, key, name):
            return bytes.fromhex(key)

    factory = encryption.CryptoFactory(lambda _: Keys())
    settings = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["prompt"]}, plaintext_footer=plaintext_footer
    )
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    path = write(tmp_path / "t.parquet", {"prompt": ["x"] * 9}, encryption_properties=properties)
    message = refused(path)
    assert message.startswith("E_UNSUPPORTED t.parquet: ")
    assert says in message
    assert message.endswith("(decrypt it first)")


def test_what_is_no_regular_file_is_refused_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "absent"):
        assert refused(tmp_path / name).startswith("E_PATH ")


def test_a_file_that_changes_while_it_is_read_gives_no_result(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": ["x"] * 9})
    reading = read_parquet(path)
    next(reading)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(InvalidInput, match="E_CHANGED"):
        list(reading)


def test_without_pyarrow_it_is_said_how_to_install_it(monkeypatch, good):
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"reading Parquet needs the 'data' extra: pip install 'subtrait\[data\]'"):
        read_parquet(good)


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Another program in the child's place."""

    def stand_in(program):
        (tmp_path / "stand_in.py").write_text(f"import os, signal, time, json\n{program}")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(parquet, "CHILD", "stand_in")

    return stand_in


@pytest.mark.parametrize(
    "said",
    [b"no JSON", b'{"a": NaN}', b'{"a": "\xff"}', b"[]", b"7", b'["done", 1]', b"[" * 10**5,
     b'["refuse", "E_MADE_UP", "", "", 0, ""]', b'["refuse", "E_TYPE", "", "", "0", ""]', b"x" * 300_000],
)  # fmt: skip
def test_only_rows_and_known_errors_are_taken_from_the_child(good, child, said):
    child(f"os.write(1, {said!r} + b'\\n')")
    message = refused(good, limits=ParquetLimits(max_row_bytes=1_000))
    assert message.startswith("E_PARQUET good.parquet: its reader said something that is no row")


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("pass", "E_PARQUET good.parquet: the Parquet library broke down on it (status 0)"),
        ("os.write(1, b'{}')", "E_PARQUET good.parquet: the Parquet library broke down on it (status 0)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "E_PARQUET good.parquet: the Parquet library broke down on it"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "E_LIMIT good.parquet: the system ended its reader"),
        ("time.sleep(600)", "E_LIMIT good.parquet: nothing was read from it for 0.2 seconds"),
    ],
)
def test_however_the_child_ends_the_parent_says_why(good, child, program, says):
    child(program)
    assert refused(good, limits=ParquetLimits(silent_seconds=0.2 if "sleep" in program else 60)).startswith(says)


def test_the_child_is_told_no_secrets(good, child, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    child("os.write(1, json.dumps(dict(os.environ)).encode() + b'\\n[\"done\", 1]\\n')")
    [(_, environment)] = rows(good)
    assert "PYTHONPATH" in environment
    assert "sk-canary" not in environment.values()


def test_giving_up_ends_the_child(good, child):
    child("os.write(1, json.dumps({'pid': os.getpid()}).encode() + b'\\n')\ntime.sleep(600)")
    reading = read_parquet(good)
    _, row = next(reading)
    reading.close()
    with pytest.raises(ProcessLookupError):
        os.kill(row["pid"], signal.SIG_DFL)


def test_the_child_does_not_import_from_the_working_directory(good, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('ran code of the data folder')")
    monkeypatch.chdir(tmp_path)
    assert len(rows(good)) == 2
