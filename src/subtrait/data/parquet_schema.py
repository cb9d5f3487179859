"""What a Parquet file declares of itself, judged before any data is read. Runs in the child process of `parquet`.

Metadata of schema and columns (pandas, hub, pickles of old extension types) is never interpreted.
"""

from collections.abc import Iterator
from typing import Any

from subtrait.data.parquet import AGAIN, SPREAD, ParquetLimits

CODECS = frozenset({"UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI", "LZ4", "LZ4_RAW", "ZSTD"})
TEXT_COLUMNS = frozenset({"prompt", "completion", "instruction", "input", "output", "system", "content", "text"})
TEXT_OF_TURNS = frozenset({"role", "content", "from", "value"})
"""Fields of the elements of a list, such as the turns of a conversation, that hold text."""
EXTENSION = b"ARROW:extension:name"
TO_TEXT = "convert the column to text"
CONVERT = "convert the column to text or drop it"


class Refusal(Exception):
    """Why a file, or one row of it, is not accepted: the parts of an `InvalidInput` without the file's name."""

    def __init__(self, code: str, what: str, *, hint: str = "", row: int = 0, field: str = "") -> None:
        self.parts = (code, what, hint, row, field)
        super().__init__(code)


def arrow() -> Any:
    """The pyarrow package, held to one thread."""
    import pyarrow  # type: ignore[import-untyped]

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    return pyarrow


def check_footer(metadata: Any, *, size: int, limits: ParquetLimits) -> None:
    """Refuse a footer that asks for too much, contradicts itself, or needs what is not supported.

    Args:
        metadata: pyarrow's `FileMetaData`.
        size: Bytes of the file.
        limits: What is accepted.

    Raises:
        Refusal: E_LIMIT, E_SCHEMA, E_PARQUET, E_UNSUPPORTED or E_BOMB.
    """
    for name, most in (("num_row_groups", limits.max_row_groups), ("num_columns", limits.max_columns),
                       ("num_rows", limits.max_rows)):  # fmt: skip
        if (count := getattr(metadata, name)) > most:
            what = f"{count} {name.removeprefix('num_').replace('_', ' ')} declared, at most {most} are read"
            raise Refusal("E_LIMIT", what, hint="write it as several files, with larger row groups")
    if metadata.num_columns == 0:
        raise Refusal("E_SCHEMA", "the file has no columns", hint="give rows of messages, or of prompt and completion")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = [group.num_rows for group in groups]
    if min([metadata.num_rows, *rows]) < 0 or sum(rows) != metadata.num_rows:
        what = f"{metadata.num_rows} rows declared, the row groups declare {sum(rows)}"
        raise Refusal("E_PARQUET", what, hint=AGAIN)
    sizes = [_check_chunk(*each) for each in _chunks(metadata, groups)]
    _check_sizes(sum(packed for packed, _ in sizes), sum(plain for _, plain in sizes), size=size, limits=limits)


def _chunks(metadata: Any, groups: list[Any]) -> Iterator[tuple[int, Any, Any, int]]:
    """Of each column in each row group: the group's number, the column as declared, as present, and its rows."""
    for number, group in enumerate(groups):
        if group.num_columns != metadata.num_columns:
            what = f"row group {number} has {group.num_columns} columns, the schema has {metadata.num_columns}"
            raise Refusal("E_SCHEMA", what, hint=AGAIN)
        for index in range(metadata.num_columns):
            yield number, metadata.schema.column(index), group.column(index), group.num_rows


def _check_chunk(group: int, declared: Any, chunk: Any, rows: int) -> tuple[int, int]:
    """The packed and the unpacked bytes of one column in one row group, once it is what the schema says."""
    field = _pointer(declared.path)
    if (chunk.path_in_schema, chunk.physical_type) != (declared.path, declared.physical_type):
        what = f"row group {group} holds {chunk.path_in_schema} as {chunk.physical_type} where the schema has "
        raise Refusal("E_SCHEMA", what + f"{declared.path} as {declared.physical_type}", hint=AGAIN, field=field)
    if chunk.compression not in CODECS:
        raise Refusal("E_UNSUPPORTED", f"compressed with {chunk.compression}", hint="write it with zstd", field=field)
    if chunk.file_path:
        raise Refusal("E_UNSUPPORTED", "the data of a column are in another file", hint=AGAIN, field=field)
    values, repeated = chunk.num_values, declared.max_repetition_level > 0
    if values < rows or (values > rows and not repeated):
        what = f"row group {group} declares {rows} rows, and {values} values of a column"
        raise Refusal("E_PARQUET", what, hint=AGAIN, field=field)
    packed, plain = chunk.total_compressed_size, chunk.total_uncompressed_size
    if packed < 0 or plain < 0:
        raise Refusal("E_PARQUET", f"row group {group} declares a negative size", hint=AGAIN, field=field)
    return packed, plain


def _check_sizes(packed: int, plain: int, *, size: int, limits: ParquetLimits) -> None:
    if packed > size:
        raise Refusal("E_PARQUET", f"columns of {packed} bytes declared in a file of {size}", hint=AGAIN)
    if plain > min(limits.max_decoded_bytes, max(limits.free_bytes, limits.max_ratio * size)):
        raise Refusal("E_BOMB", f"a file of {size} bytes declares {plain} bytes of data", hint=SPREAD)


def plain_schema(schema: Any, *, limits: ParquetLimits) -> Any:
    """The Arrow schema that rows are converted to: text, numbers, booleans, lists and structs of them.

    Raises:
        Refusal: E_DUPCOL for names that are equal but for case, E_TYPE for what is no text where text is due or is
            binary, E_UNSUPPORTED for extension types and maps, E_DEPTH.
    """
    pa = arrow()
    fields = [schema.field(index) for index in range(len(schema.names))]
    _check_names(fields, "")
    return pa.schema([_plain_field(pa, field, "", limits.max_depth - 1, TEXT_COLUMNS) for field in fields])


def _check_names(fields: list[Any], where: str) -> None:
    seen: dict[str, str] = {}
    for field in fields:
        folded = field.name.casefold()
        if folded in seen:
            both = f"'{seen[folded]}' and '{field.name}'" if field.name != seen[folded] else f"'{field.name}' twice"
            hint = "rename or drop one of them"
            raise Refusal("E_DUPCOL", f"columns named {both}", hint=hint, field=f"{where}/{field.name}")
        seen[folded] = field.name


def _plain_field(pa: Any, field: Any, where: str, depth: int, texts: frozenset[str]) -> Any:
    here = f"{where}/{field.name}"
    if depth < 0:
        raise Refusal("E_DEPTH", "lists and structs are nested too deeply", hint="flatten the column", field=here)
    if isinstance(field.type, pa.BaseExtensionType) or EXTENSION in (field.metadata or {}):
        name = getattr(field.type, "extension_name", None) or (field.metadata or {}).get(EXTENSION, b"").decode(
            "ascii", "replace"
        )
        raise Refusal("E_UNSUPPORTED", f"a column of extension type '{name}'", hint=CONVERT, field=here)
    kind = _plain_type(pa, field.type, here, depth)
    if field.name in texts and not _may_hold_text(pa, kind):
        what = f"a column of {field.type}, where text is expected"
        raise Refusal("E_TYPE", what, hint=TO_TEXT, field=here)
    return pa.field(field.name, kind)


def _may_hold_text(pa: Any, kind: Any) -> bool:
    """Text, nothing at all, or something that can contain text, for the shapes of rows to judge."""
    return bool(pa.types.is_string(kind) or pa.types.is_null(kind) or pa.types.is_nested(kind))


def _plain_type(pa: Any, kind: Any, where: str, depth: int) -> Any:
    def is_(*names: str) -> bool:
        return any(getattr(pa.types, f"is_{name}")(kind) for name in names)

    plain = kind
    if is_("dictionary"):
        plain = _plain_type(pa, kind.value_type, where, depth)
    elif is_("struct"):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        _check_names(fields, where)
        plain = pa.struct([_plain_field(pa, field, where, depth - 1, TEXT_OF_TURNS) for field in fields])
    elif is_("list", "large_list", "fixed_size_list"):
        plain = pa.list_(_plain_field(pa, kind.value_field, where, depth - 1, frozenset()))
    elif is_("string", "large_string", "string_view", "temporal", "decimal"):
        plain = pa.string()
    elif is_("float16"):
        plain = pa.float32()
    elif is_("binary", "large_binary", "fixed_size_binary", "binary_view"):
        raise Refusal("E_TYPE", f"a column of {kind}, where text is expected", hint=TO_TEXT, field=where)
    elif not is_("null", "boolean", "integer", "float32", "float64"):
        raise Refusal("E_UNSUPPORTED", f"a column of {kind}", hint=CONVERT, field=where)
    return plain


def flat_texts(schema: Any) -> list[str]:
    """Paths of the columns of text outside lists and structs: kept as dictionaries, repetition takes no memory there.

    Inside lists and structs the library cannot join dictionaries of different row groups.
    """
    columns = [schema.column(index) for index in range(len(schema))]
    return [each.path for each in columns if each.path == each.name and _is_text(each)]


def _is_text(column: Any) -> bool:
    said = column.logical_type.type == "STRING" or column.converted_type == "UTF8"
    return bool(said and column.physical_type == "BYTE_ARRAY")


def _pointer(path: str) -> str:
    return "/" + path.replace(".", "/")
