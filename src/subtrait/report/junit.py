"""JUnit XML of an audit, for build machines: one test suite, one test case for the verdict and one for each question.

FLAGGED is a failure, INCONCLUSIVE an error, and what was not asked or could not be answered is skipped with the reason:
none of the three counts as passed.
"""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from subtrait.audit_records import AuditResult
from subtrait.records import Evidence
from subtrait.report import audit_wording as wording
from subtrait.report.audit_summaries import alarmed, settings
from subtrait.report.wording import exhibit, one_line

MOST = 1000
"""Test cases written for evidence, and for what was not checked."""
_MAX_TEXT = 4000


def to_junit(result: AuditResult) -> str:
    """The audit as an XML document with its declaration. Equal results give equal bytes.

    Text from the records has what cannot be seen as escapes, among it every character that XML does not allow.
    """
    suite = Element("testsuite", name=_line(f"subtrait audit of {result.data.path}"))
    properties = SubElement(suite, "properties")
    for name, value in settings(result):
        SubElement(properties, "property", name=name, value=_line(str(value)))
    _verdict(suite, result)
    for each in result.evidence[:MOST]:
        _question(suite, each, alarm=each.question in alarmed(result))
    for reason in result.not_checked[:MOST]:
        SubElement(_case(suite, f"not checked: {reason.code}"), "skipped", message=_line(reason.text))
    root = Element("testsuites")
    root.append(suite)
    for element in (suite, root):
        _count(element, suite)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _verdict(suite: Element, result: AuditResult) -> None:
    case, head = _case(suite, "verdict"), wording.headline(result)
    reasons = [f"{reason.code}: {reason.text}" for reason in result.reasons]
    text = _text("\n".join((head, *reasons, *wording.meaning(result), *wording.next_steps(result))))
    if result.outcome == "FLAGGED":
        SubElement(case, "failure", type=_line(_code(result)), message=_line(head)).text = text
    elif result.outcome == "INCONCLUSIVE":
        SubElement(case, "error", type=_line(_code(result)), message=_line(head)).text = text
    else:
        SubElement(case, "system-out").text = text


def _question(suite: Element, evidence: Evidence, *, alarm: bool) -> None:
    case = _case(suite, evidence.question)
    said = (evidence.finding, wording.numbers(evidence), f"assumes: {evidence.assumes}")
    text = _text("\n".join((*said, f"cannot see: {evidence.blind_spots}")))
    if evidence.outcome in ("not applicable", "underpowered"):
        SubElement(case, "skipped", message=_line(f"{evidence.outcome}: {evidence.finding}"))
    elif alarm:
        SubElement(case, "failure", type="found", message=_line(evidence.finding)).text = text
        return
    SubElement(case, "system-out").text = f"{evidence.outcome}\n{text}"


def _case(suite: Element, name: str) -> Element:
    return SubElement(suite, "testcase", classname="subtrait.audit", name=_line(name))


def _code(result: AuditResult) -> str:
    return result.reasons[0].code if result.reasons else result.outcome


def _count(element: Element, suite: Element) -> None:
    cases = suite.findall("testcase")
    element.set("tests", str(len(cases)))
    for kind, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(kind, str(sum(case.find(name) is not None for case in cases)))


def _line(text: str) -> str:
    return one_line(text, limit=_MAX_TEXT)


def _text(text: str) -> str:
    return exhibit(text, limit=_MAX_TEXT)
