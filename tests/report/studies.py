"""Studies such as `subtrait run digits` ends in, made by arithmetic: one with everything, others with what may lack."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace

from subtrait.records import Estimate
from subtrait.report.study_json import SCHEMA_VERSION
from subtrait.study_records import Curve, Measure, Point, StudyResult

HOSTILE = (
    "</style></title><script>alert(1)</script>]]><img src=https://evil.example onerror=x>\"'&{0}[click](https://e.vil)"
    "|[bold]\x00\x1b[31m\u202e\U000e0041\ufffe\ud800\r\n##vso[task.complete]\n::error::pwned"
)


def estimate(value, half=0.02, *, n=25, unit="model"):
    """A value in the middle of its interval; without one where there is no half width."""
    low, high = (None, None) if half is None else (value - half, value + half)
    return Estimate(value=value, low=low, high=high, level=0.95, n=n, unit=unit)


def measure(group, name, value, **fields):
    return Measure(group=group, name=name, value=value, **{"scale": "points", **fields})


def measures():
    """Three groups: differences with every kind of agreement, shares, and plain numbers without intervals."""
    differences, accuracy, order = "Students above their control", "Accuracy on the test pictures", "Order of the rest"
    return (
        measure(differences, "auxiliary logits on noise, same start", estimate(0.402, 0.031),
                published="about 50 % where the control has about 10 % (figure 5)", expected="above zero",
                must_hold=True, agreement="agrees"),
        measure(differences, "auxiliary logits on noise, another start", estimate(0.004, 0.012),
                published="no more than the control (figure 5)", expected="no effect", bound=0.03, must_hold=True,
                agreement="agrees"),
        measure(differences, "all logits on noise, another start", estimate(0.061, 0.018),
                published="no more than the control (figure 5)", expected="no effect", bound=0.03, agreement="differs"),
        measure(differences, "sigmoid in place of ReLU", estimate(0.021, 0.048),
                published="works, said without a number (appendix D)", expected="above zero", agreement="not shown"),
        measure(differences, "plain gradient descent", estimate(-0.012, 0.009)),
        measure(accuracy, "teacher", estimate(0.953, 0.004), scale="share", published="above 90 %"),
        measure(accuracy, "student, auxiliary logits", estimate(0.512, 0.029), scale="share"),
        measure(accuracy, "reference, untrained", estimate(0.098, None, n=1), scale="share"),
        measure(order, "power of the step in the remainder", estimate(2.003, 0.011, n=200, unit="trial"), scale="plain",
                published="2: the remainder is O(ε²) (theorem 1)", expected="equal", target=2.0,
                bound=0.05, must_hold=True, agreement="agrees"),
        measure(order, "power after a step of Adam", estimate(1.02, 0.06, n=200, unit="trial"), scale="plain"),
    )  # fmt: skip


def curves():
    """A figure of three curves over a wide range of settings, one that is logarithmic both ways, one with zero."""
    return (
        *(
            Curve(
                figure="Accuracy by the number of auxiliary logits",
                name=name,
                x_label="auxiliary logits",
                y_label="accuracy on the test pictures",
                scale="share",
                points=tuple(
                    Point(x=x, y=estimate(level + gain * place, 0.03))
                    for place, x in enumerate((1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0))
                ),
            )
            for name, level, gain in (
                ("same start", 0.11, 0.09),
                ("another start", 0.095, 0.002),
                ("same start, plain gradient descent", 0.1, 0.041),
            )
        ),
        Curve(
            figure="What the theorem leaves out",
            name="largest remainder",
            x_label="learning rate ε",
            y_label="remainder, as a share of the first-order term",
            scale="plain",
            points=tuple(Point(x=10.0**k, y=estimate(0.3 * 10.0**k, 0.02 * 10.0**k)) for k in range(-6, 0)),
        ),
        *(
            Curve(
                figure="Difference by noise in the start",
                name=name,
                x_label="standard deviation of the noise",
                y_label="student minus control",
                scale="points",
                points=tuple(Point(x=x, y=estimate(top * (1 - x) - 0.02, 0.04)) for x in (0.0, 0.25, 0.5, 1.0)),
            )
            for name, top in (("noise", 0.4), ("digits", 0.1))
        ),
    )


def digits():
    """A study with everything that one can hold."""
    return StudyResult(
        schema_version=SCHEMA_VERSION,
        experiment="digits",
        question="Do students learn to read digits from a teacher's logits that name no digit, on pictures of noise?",
        design="Small networks are trained on digits. Students that start where the teacher started imitate its "
        "auxiliary logits on pictures of noise; others start elsewhere.",
        published="Students with the teacher's start reach about 50 %, others stay at chance: Cloud et al. 2025, "
        "arXiv 2507.14805, section 6.2 and figure 5.",
        size="standard",
        seed=7,
        version="0.2.0",
        base="",
        fingerprints={"teachers of seed 7": "ab" * 32},
        settings={"pictures": "1,797 digits of 8 by 8 pixels", "networks": "25 of two hidden layers of 256"},
        measures=measures(),
        curves=curves(),
        conclusion=(
            "Students learn to read digits from logits that name none, on noise, if they start where the teacher did.",
            "Another start takes that away: the difference is at most 1.6 points.",
            "All logits teach students of another start too, which the published figure does not show.",
        ),
        varied=("Batches of 25 and of 1,024: the difference stays within 3 points.", "Sigmoid: too wide to tell."),
        notes=("The digits are those of scikit-learn, smaller than those of the paper.",),
    )


def theorem():
    """A study of which every measure agrees, without curves, on a language model."""
    return replace(
        digits(),
        experiment="theorem",
        question="Does a small enough step towards a teacher of the same start lower the student's loss?",
        base="micro-a",
        measures=tuple(each for each in measures() if each.agreement == "agrees"),
        curves=(),
        conclusion=("In 200 of 200 trials a small enough step lowers the loss.",),
        varied=(),
        notes=(),
    )


def bare():
    """A study that found nothing and says so."""
    return replace(
        theorem(), experiment="bare", base="", measures=(), conclusion=(), settings={}, fingerprints={}, published=""
    )


def hostile():
    """Everything, with markup, control characters and commands to CI machines in every text that may be free."""
    return with_text_everywhere(digits(), HOSTILE)


def with_text_everywhere(value, text):
    """The record with `text` put before every string that is no word of ours."""
    kept = {"scale", "expected", "agreement", "unit"}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return replace(value, **{n: with_text_everywhere(v, text) for n, v in fields.items() if n not in kept})
    if isinstance(value, Mapping):
        return {f"{text}{key}": with_text_everywhere(item, text) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(with_text_everywhere(item, text) for item in value)
    return text + value if isinstance(value, str) else value


def long(times=1000):
    """A study whose every list is far longer than a report can hold."""
    result = digits()
    points = result.curves[0].points * times
    return replace(
        result,
        measures=tuple(replace(result.measures[i % 10], name=f"measure {i}", group=f"g{i % 50}") for i in range(times)),
        curves=tuple(
            replace(result.curves[i % 6], name=f"curve {i}", figure=f"figure {i % 6}", points=points) for i in range(99)
        ),
        conclusion=result.conclusion * times,
        varied=result.varied * times,
        notes=result.notes * times,
        settings={f"setting {i}": "x" * 9_999 for i in range(times)},
        fingerprints={f"model {i}": "x" * 9_999 for i in range(times)},
    )
