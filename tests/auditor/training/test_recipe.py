"""Recipe files are read strictly, and every error says where."""

import json
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import yaml

from subtrait.auditor.training import recipe as training_recipe
from subtrait.auditor.training.recipe import TrainingRecipe, default_recipe, load_recipe, recipe_schema
from subtrait.errors import InvalidInput, UsageError
from subtrait.lab.plan import STUDENT_RECIPE

SCHEMA = Path(training_recipe.__file__).with_name("recipe.schema.json")


@pytest.fixture
def read(tmp_path):
    """Reads a recipe from its text."""

    def from_text(text, base="micro-a"):
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_recipe(path, base)

    return from_text


def test_the_published_schema_is_the_one_the_code_keeps():
    assert SCHEMA.read_text(encoding="utf-8") == json.dumps(recipe_schema(), indent=2) + "\n"


def test_the_schema_has_every_field_of_a_recipe_and_no_other():
    jsonschema.Draft202012Validator.check_schema(recipe_schema())
    assert set(recipe_schema()["properties"]) == {field.name for field in fields(TrainingRecipe)}


def test_students_of_an_embedded_base_are_trained_as_in_the_lab():
    assert default_recipe("micro-a").for_rows(10_000) == STUDENT_RECIPE
    assert default_recipe("some/model").method == "lora"


def test_an_empty_file_is_the_default(read):
    assert read("# nothing\n") == default_recipe("micro-a")


def test_rows_and_epochs_give_the_steps(read):
    recipe = read("batch_size: 50\nrows: 1000\nepochs: 2.5")
    assert [recipe.steps_for(rows) for rows in (10_000, 1_000, 100, 1)] == [50, 50, 5, 1]
    assert read("batch_size: 64\nrows: 640").steps_for(10_000) == 10  # one epoch
    assert read("steps: 7").for_rows(10**6).steps == 7
    assert read("steps: 3\nwarmup_steps: 5").for_rows(10).warmup_steps == 3


def test_a_number_may_be_written_with_an_exponent(read):
    assert read("learning_rate: 1e-3").learning_rate == 0.001  # a string to YAML 1.1


def test_gradient_descent_is_adamw_beside_whose_epsilon_no_gradient_counts(read):
    recipe = read("optimiser: sgd\nlearning_rate: 0.5\nweight_decay: 0.1").for_steps(4)
    assert recipe.learning_rate / recipe.epsilon == pytest.approx(0.5)
    assert recipe.learning_rate * recipe.weight_decay == pytest.approx(0.5 * 0.1)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("speed: 3", "speed"),
        ("method: dora", "method"),
        ("epochs: true", "epochs"),
        ("epochs: 0", "epochs"),
        ("learning_rate: .nan", "learning_rate"),
        ("learning_rate: -1", "learning_rate"),
        ("batch_size: 1.5", "batch_size"),
        ("rows: 0", "rows"),
        ("lora_rank: '8'", "lora_rank"),
        ("steps: 3\nepochs: 1", "steps"),
        ("optimiser: sgd", "learning_rate"),
        ("- 1", "(whole file)"),
    ],
)
def test_a_bad_field_is_named(read, text, field):
    with pytest.raises(InvalidInput) as error:
        read(text)
    assert error.value.code == "E_RECIPE"
    assert error.value.where.endswith(f"recipe.yaml field={field}")


@pytest.mark.parametrize("text", ["a: [", b"\xff", "[" * 5_000, "#" * 70_000, "!!python/object:os.system {}"])
def test_what_is_no_recipe_file_is_refused(read, text):
    with pytest.raises(InvalidInput, match="E_RECIPE"):
        read(text)


def test_a_missing_file_is_a_mistake_of_the_call(tmp_path):
    with pytest.raises(UsageError, match="no recipe file"):
        load_recipe(tmp_path / "absent.yaml", "micro-a")


def test_the_schema_accepts_what_is_read_and_refuses_unknown_fields():
    good = yaml.safe_load("method: lora\nlora_rank: 4\nlearning_rate: 0.001\nepochs: 3")
    jsonschema.validate(good, recipe_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good | {"speed": 1}, recipe_schema())


def test_no_rows_are_nothing_to_train_on():
    with pytest.raises(UsageError, match="at least one row"):
        TrainingRecipe().for_rows(0)
