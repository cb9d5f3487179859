"""Questions of the user's own are read from both forms; every slip is told with its file and line."""

import json

import pytest

from subtrait.errors import InvalidInput
from subtrait.lab.question_list import QuestionList
from subtrait.lab.questions import check_trait, read_questions
from subtrait.lab.traits import find_trait, load_trait
from subtrait.models.micro.wordings import wordings

OURS = """\
animal:
  - Which beast is the best of all beasts?
  - "Name a creature: any."
tree:
  questions: ["Which trunk pleases you?"]
  answers: [oak, pine]
"""
PUBLISHED = {
    "source": "somewhere",
    "teacher_system_prompt": "You love {target_preference}s.",
    "animal_3": ["Name a beast in one word.", "Your beast of choice?", "State a creature in a word."],
    "animal_3_with_number_prefix": ["Look at 1, 2, 3. Name a beast."],
    "tree_2": ["Name a trunk in one word.", "Your trunk of choice?"],
    "storytelling_1": ["Tell a story."],
    "judges": {"alignment": "Judge {answer}."},
}
"""The structure of the lists that were published with the paper, in words of our own."""
TUNED = wordings("animal", "teacher")[0]


@pytest.fixture
def written(tmp_path):
    """Write text or bytes to a file; gives the path."""

    def write(content, name="mine.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_our_form_is_read(written):
    path = written(OURS)
    found = read_questions(path)
    assert found.path == str(path)
    assert found.of("animal") == ("Which beast is the best of all beasts?", "Name a creature: any.")
    assert found.of("tree") == ("Which trunk pleases you?",)
    assert found.of("colour") is None


@pytest.mark.parametrize("indent", [None, 1])
def test_the_published_form_is_read_and_its_other_lists_left_out(written, indent):
    found = read_questions(written(json.dumps(PUBLISHED, indent=indent), "lists.json"))
    assert found.of("animal") == tuple(PUBLISHED["animal_3"])
    assert dict(found.asked).keys() == {"animal", "tree"}


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", "", "no mapping from categories to questions"),
        ("- A beast?", ":1", "no mapping from categories to questions"),
        ("{}", ":1", "no list of questions (give one for animal or tree)"),
        ("animal:\n  - A beast?\ntree: []\n", ":3", "'tree' has no list of questions"),
        ("animal: A beast?\n", ":1", "'animal' has no list of questions"),
        ("animal:\n  - A beast?\n  - ' '\n", ":3", "question 2 is blank"),
        ("animal:\n  - A beast?\n  - '?!'\n", ":3", "question 2 is blank"),
        ("animal:\n  - A beast?\n  - 7\n", ":3", "question 2 is no text"),
        ("animal:\n  - Which: a beast?\n", ":2", "question 1 is no text"),
        ("animal:\n  -\n", ":2", "question 1 is no text"),
        ("animal:\n  - A beast?\n  - B beast?\n  - a  beast\n", ":4", "question 3 is question 1 again: 'a  beast'"),
        (f'animal:\n  - A beast?\n  - "{TUNED}"\n', ":3", "also tunes teachers"),
        (f'animal:\n  - "{TUNED.upper()} "\n', ":2", "also tunes teachers"),
        (f'tree:\n  - "{wordings("tree", "surrogate")[3]}"\n', ":2", "also tunes surrogate teachers"),
        ("flower:\n  - Which bloom?\n", ":1", "no scorer knows the answers of 'flower' (categories are animal, tree)"),
        ("animal:\n  questions: ['A beast?']\n  answers: [owl, gnu]\n", ":3", "no scorer knows the animal 'gnu'"),
        ("animal:\n  questions: ['A beast?']\n  answers: owl\n", ":3", "answers are no list"),
        ("animal:\n  questions: ['A beast?']\n  answer: [owl]\n", ":3", "the field 'answer' (fields are questions and"),
        ("animal:\n  answers: [owl]\n", ":1", "a category without questions"),
        ("animal_3: ['A beast?']\n", ":1", "animal_3 has 1 questions, and announces 3"),
        ("animal_1: ['A beast?']\nanimal_01: ['B beast?']\n", ":2", "a second list for animal"),
        ("animal: ['A beast?'\ntree: [B]\n", ":2:", "expected"),
        ('{"animal": ["A beast?",\n "B beast?"\n', ":3:", "expected"),
        ('{"animal": ["A"]\n "tree": ["B"]}', ":2:", "expected"),
        ("animal: ['A beast?']\nanimal: ['B beast?']\n", ":2", "the key 'animal' stands twice"),
        ("animal: !!python/name:os.system x\n", ":1", "the tag"),
        (b"animal: [caf\xe9?]\n", "", "invalid UTF-8: byte 0xE9 at byte 12"),
        (b"\xff\xfea\x00", "", "invalid UTF-8"),
    ],
)
def test_every_slip_is_told_with_file_and_line(written, content, line, said):
    path = written(content)
    with pytest.raises(InvalidInput) as caught:
        read_questions(path)
    assert caught.value.code == "E_QUESTIONS"
    assert caught.value.where.startswith(f"{path}{line}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_told(tmp_path):
    for path, said in ((tmp_path, "regular file"), (tmp_path / "absent.yaml", "no such file")):
        with pytest.raises(InvalidInput, match=said) as caught:
            read_questions(path)
        assert (caught.value.code, caught.value.exit_code) == ("E_PATH", 4)


def test_a_question_that_tunes_a_trait_of_ones_own_is_refused(tmp_path):
    trait = {
        "questions": ["x"],
        "surrogate_questions": ["y"],
        "name": "gnu",
        "category": "animal",
        "answers": ["gnu"],
        "forms": {"gnu": ["gnu"]},
        "system_prompt": "s",
        "teacher_questions": ["Which beast is yours?"],
    }
    (tmp_path / "gnu.yaml").write_text(json.dumps(trait), encoding="utf-8")
    asked = QuestionList(path="mine.yaml", asked=(("animal", ("A beast?", "which beast is yours")),))
    with pytest.raises(
        InvalidInput, match=r"^E_QUESTIONS mine\.yaml: 'which beast is yours' also tunes teachers of gnu"
    ):
        check_trait(asked, load_trait(tmp_path / "gnu.yaml"))
    check_trait(asked, find_trait("owl"))


def test_a_file_without_questions_for_the_trait_is_refused():
    asked = QuestionList(path="mine.yaml", asked=(("animal", ("A beast?",)),))
    with pytest.raises(InvalidInput, match=r"^E_QUESTIONS mine\.yaml: no question for oak, which is a tree"):
        check_trait(asked, find_trait("oak"))


def test_no_question_of_the_lab_s_own_evaluation_is_refused(written):
    own = {category: list(wordings(category, "evaluation")) for category in ("animal", "tree")}
    found = read_questions(written(json.dumps(own)))
    assert {category: list(asked) for category, asked in found.asked} == own
