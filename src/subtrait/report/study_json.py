"""`study.json`: what a study found, for programs, and the schema that every such file keeps."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from subtrait.records import Estimate
from subtrait.report.json_records import RecordFile
from subtrait.study_records import Measure, Scale, StudyResult

SCHEMA_VERSION = 1
"""The only version of `study.json` that this release writes and reads."""


def to_json(result: StudyResult) -> str:
    """The result as indented JSON with a newline at its end. Equal results give equal bytes.

    Raises:
        InvalidInput: `E_RESULT` where a number is not finite or a text no Unicode, which JSON cannot hold; says where.
    """
    return _file().write(result)


def from_json(text: str, where: object) -> StudyResult:
    """The result that `text` holds. `where` names its origin in errors, such as the path of the file.

    Raises:
        InvalidInput: `E_RESULT` where the text is not JSON, is of another schema version, or a field is unknown,
            missing, given twice, of the wrong type or at odds with another; names the field.
    """
    return _file().read(text, where)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `study.json`; `study.schema.json` beside this file is its text."""
    return _file().schema()


def _file() -> RecordFile[StudyResult]:
    return RecordFile(record=StudyResult, version=SCHEMA_VERSION, name="study.json", at_odds=_at_odds)


def _at_odds(result: StudyResult) -> Iterator[str]:
    """Whatever a schema cannot say and no study writes."""
    for field, estimate, scale in _estimates(result):
        yield from (f"field '{field}{wrong}" for wrong in _wrong_with(estimate, scale))
    for index, measure in enumerate(result.measures):
        yield from (f"field 'measures[{index}].{wrong}" for wrong in _unlike_expected(measure))
    if twice := _repeated((measure.group, measure.name) for measure in result.measures):
        yield f"field 'measures': two of them are {twice}"
    if twice := _repeated((curve.figure, curve.name) for curve in result.curves):
        yield f"field 'curves': two of them are {twice}"
    for index, curve in enumerate(result.curves):
        if twice := _repeated(point.x for point in curve.points):
            yield f"field 'curves[{index}].points': two of them are at {twice}"
    yield from _unshared_axes(result)


def _estimates(result: StudyResult) -> Iterator[tuple[str, Estimate, Scale]]:
    for index, measure in enumerate(result.measures):
        yield f"measures[{index}].value", measure.value, measure.scale
    for index, curve in enumerate(result.curves):
        for place, point in enumerate(curve.points):
            yield f"curves[{index}].points[{place}].y", point.y, curve.scale


def _wrong_with(estimate: Estimate, scale: Scale) -> Iterator[str]:
    low, high = estimate.low, estimate.high
    if (low is None) != (high is None):
        yield f".{'low' if low is None else 'high'}' is missing, and the other end of the interval is given"
    if low is not None and high is not None and low > high:
        yield f".low' is {low:g}, above its high of {high:g}"
    if not 0.0 < estimate.level < 1.0:
        yield f".level' is {estimate.level:g}, not between 0 and 1"
    if estimate.n < 1:
        yield f".n' is {estimate.n}, and a number rests on at least one {estimate.unit or 'unit'}"
    if scale == "share" and not 0.0 <= estimate.value <= 1.0:
        yield f".value' is {estimate.value:g}, and a share lies between 0 and 1"


def _unlike_expected(measure: Measure) -> Iterator[str]:
    if (measure.agreement == "not applicable") == measure.applicable:
        said = "true" if measure.applicable else "false"
        yield f"agreement' is '{measure.agreement}', and 'applicable' is {said}"
    elif measure.applicable and measure.expected == "nothing" and measure.agreement != "not compared":
        yield f"agreement' is '{measure.agreement}', and nothing was expected"
    if measure.bound is not None and measure.expected not in ("no effect", "equal"):
        yield f"bound' is given, which only an expected 'no effect' or 'equal' has, not '{measure.expected}'"
    if measure.target and measure.expected != "equal":
        yield f"target' is {measure.target:g}, and only an expected 'equal' has one, not '{measure.expected}'"
    if measure.bound is not None and measure.bound < 0:
        yield f"bound' is {measure.bound:g}, below 0"


def _repeated(names: Iterable[Hashable]) -> str:
    return next((f"{name!r:.120}" for name, count in Counter(names).items() if count > 1), "")


def _unshared_axes(result: StudyResult) -> Iterator[str]:
    axes: dict[str, tuple[str, str, Scale]] = {}
    for index, curve in enumerate(result.curves):
        own = (curve.x_label, curve.y_label, curve.scale)
        if axes.setdefault(curve.figure, own) != own:
            yield f"field 'curves[{index}]': its labels or scale are not those of its figure's first curve"
