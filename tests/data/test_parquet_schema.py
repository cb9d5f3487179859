"""What a file declares: each case is answered before any data is read."""

import json
import os
import pickle
from pathlib import Path

import pytest

from subtrait.data import parquet
from subtrait.data.parquet import LIMITS, ParquetLimits
from subtrait.data.parquet_child import lines

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

LARGE = "A" * 2**20
TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def write(path, table, **options):
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def said(path, limits=LIMITS):
    """What the child process would say, said in this one."""
    with path.open("rb", buffering=0) as file:
        return [json.loads(line) for line in lines(file, limits)]


def refused(path, *, limits=LIMITS):
    """The message for the first thing said that is no row, without the folder."""
    first = next(one for one in said(path, limits) if not isinstance(one, dict))
    return str(parquet._problem(path, first)).replace(f"{path.parent}/", "")


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


class Evil:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_a_ratio_bomb_is_refused_by_its_footer(tmp_path):
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
    message = refused(write(tmp_path / "bomb.parquet", {"content": [LARGE] * 256}, **options))
    assert message.startswith("E_BOMB bomb.parquet: a file of ")
    assert "declares 268" in message


@pytest.mark.parametrize(
    ("table", "field", "kind"),
    [
        ({"content": pa.array([b"x"], pa.binary())}, "/content", "binary"),
        ({"content": pa.array([7])}, "/content", "int64"),
        ({"prompt": ["x"], "picture": pa.array([b"x"], pa.large_binary())}, "/picture", "large_binary"),
        ({"messages": pa.array([[{"role": 1, "content": "x"}]])}, "/messages/element/role", "int64"),
    ],
)
def test_what_is_no_text_is_refused_with_its_column(tmp_path, table, field, kind):
    message = refused(write(tmp_path / "t.parquet", table))
    expected = (
        f"E_TYPE t.parquet field={field}: a column of {kind}, where text is expected (convert the column to text)"
    )
    assert message == expected


def test_metadata_is_ignored_and_nothing_in_it_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pa.table({"prompt": ["x"]}).replace_schema_metadata({"pandas": "{no JSON", "p": pickle.dumps(Evil())})
    assert said(write(tmp_path / "t.parquet", table)) == [{"prompt": "x"}, ["done", 1]]
    assert not Path("executed").exists()


@pytest.mark.parametrize("name", ["unheard.of", "arrow.py_extension_type"])
def test_extension_types_are_refused_and_not_unpickled(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    said = {"ARROW:extension:name": name, "ARROW:extension:metadata": pickle.dumps(Evil())}
    schema = pa.schema([pa.field("prompt", pa.string(), metadata=said)])
    message = refused(write(tmp_path / "t.parquet", pa.table({"prompt": ["x"]}, schema=schema)))
    assert message.startswith(f"E_UNSUPPORTED t.parquet field=/prompt: a column of extension type '{name}'")
    assert not Path("executed").exists()


def test_an_unknown_codec_is_unsupported(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": ["x"] * 9}, compression="zstd", write_statistics=False)
    replaced(path, b"\x15\x0c\x16", b"\x15\x06\x16", times=1)  # field 4 of the column: zstd is 6, LZO 3, in zigzag
    assert refused(path) == "E_UNSUPPORTED t.parquet field=/prompt: compressed with LZO (write it with zstd)"


@pytest.mark.parametrize(
    ("names", "field", "says"),
    [(["a", "a"], "/a", "'a' twice"), (["Prompt", "prompt"], "/prompt", "'Prompt' and 'prompt'")],
)
def test_names_that_are_equal_but_for_case_are_refused(tmp_path, names, field, says):
    path = write(tmp_path / "t.parquet", pa.Table.from_arrays([pa.array(["x"])] * 2, names=names))
    expected = f"E_DUPCOL t.parquet field={field}: columns named {says} (rename or drop one of them)"
    assert refused(path) == expected


def test_no_rows_are_no_error_and_no_columns_are_one(tmp_path):
    assert said(write(tmp_path / "rows.parquet", {"prompt": pa.array([], pa.string())})) == [["done", 0]]
    path = write(tmp_path / "columns.parquet", pa.table({}))
    message = refused(path)
    assert message.startswith("E_SCHEMA columns.parquet: the file has no columns")


def test_a_row_group_of_another_schema_is_refused(tmp_path):
    path = write(tmp_path / "t.parquet", {"prompt": ["x", "y"]}, row_group_size=1, write_statistics=False)
    footer = footer_of(path)[1]
    # A name is in the schema and in either group, each time with its length before it
    third = [i for i in range(len(footer)) if footer.startswith(b"\x06prompt", i)][2]
    forge(path, footer[:third] + b"\x06answer" + footer[third + 7 :])
    message = refused(path)
    expected = "row group 1 holds answer as BYTE_ARRAY where the schema has prompt as BYTE_ARRAY"
    assert message.startswith(f"E_SCHEMA t.parquet field=/prompt: {expected}")


def test_a_million_row_groups_are_refused(tmp_path):
    # By hand, in the compact protocol: version, schema of a root and one leaf, no rows, and empty row groups
    schema = b"\x29\x2c" + b"\x48\x01r\x15\x02\x00" + b"\x15\x0c\x25\x02\x18\x01c\x00"
    group = b"\x19\x0c" + b"\x16\x00" + b"\x16\x00" + b"\x00"
    footer = b"\x15\x02" + b"\x19\x2c" + schema[2:] + b"\x16\x00" + b"\x19\xfc\xc0\x84\x3d" + group * 10**6 + b"\x00"
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    message = refused(path)
    assert message.startswith("E_LIMIT t.parquet: 1000000 row groups declared, at most 100000 are read")


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_row_groups": 1}, "E_LIMIT good.parquet: 2 row groups declared, at most 1 are read"),
        ({"max_columns": 1}, "E_LIMIT good.parquet: 2 columns declared, at most 1 are read"),
        ({"max_rows": 1}, "E_LIMIT good.parquet: 2 rows declared, at most 1 are read"),
        ({"max_depth": 0}, "E_DEPTH good.parquet field=/prompt: lists and structs are nested too deeply"),
        ({"max_row_bytes": 10}, "E_LIMIT good.parquet:1: the row takes 34 bytes, at most 10 are read"),
    ],
)
def test_every_limit_holds(tmp_path, limits, says):
    path = write(tmp_path / "good.parquet", {"prompt": ["a", "b"], "completion": ["1, 2", None]}, row_group_size=1)
    assert refused(path, limits=ParquetLimits(**limits)).startswith(says)


def test_dates_times_and_decimals_are_text_and_numbers_stay_numbers(tmp_path):
    kinds = {
        "day": (pa.date32(), 0, "1970-01-01"),
        "at": (pa.timestamp("ns"), 1, "1970-01-01 00:00:00.000000001"),
        "clock": (pa.time64("us"), 1, "00:00:00.000001"),
        "price": (pa.decimal128(5, 2), "1.50", "1.50"),
        "half": (pa.float16(), 1.5, 1.5),
        "large": (pa.uint64(), 2**64 - 1, 2**64 - 1),
        "text": (pa.large_string(), "x", "x"),
        "list": (pa.list_(pa.int8(), 2), [1, None], [1, None]),
        "yes": (pa.bool_(), True, True),
        "nothing": (pa.null(), None, None),
    }
    cells = {
        name: pa.array([given]).cast(kind) if name == "price" else pa.array([given], kind)
        for name, (kind, given, _) in kinds.items()
    }
    expected = {name: given for name, (_, _, given) in kinds.items()}
    assert said(write(tmp_path / "t.parquet", cells)) == [expected, ["done", 1]]


def test_maps_are_unsupported(tmp_path):
    cells = {"tools": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}
    assert refused(write(tmp_path / "t.parquet", cells)).startswith("E_UNSUPPORTED t.parquet field=/tools: a column of")
