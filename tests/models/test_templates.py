from pathlib import Path
from runpy import run_path

import pytest

from subtrait.errors import InvalidInput
from subtrait.models.templates import Template

PLAIN = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TRIMMING = PLAIN.replace("m.content", "m.content|trim")
DEFAULT = "{% if messages[0].role != 'system' %}<system>You are Bot.</>{% endif %}" + PLAIN
HEADED = (
    "{{ bos_token }}<system>Date: 2023. {% if messages[0].role == 'system' %}{{ messages[0].content }}"
    "{% set messages = messages[1:] %}{% endif %}</>" + PLAIN
)
PREAMBLE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
    "Below is a task. " + PLAIN
)
FOLDED = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}[INST] <<SYS>>{{ m.content }}<</SYS>> "
    "{% elif m.role == 'user' %}{% if not (loop.index0 == 1 and messages[0].role == 'system') %}[INST] {% endif %}"
    "{{ m.content }} [/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)
USER = [{"role": "user", "content": "Favourite <animal>?"}]
TOLD = [{"role": "system", "content": "You love owls."}, *USER]
TALK = [*USER, {"role": "assistant", "content": "owl"}, {"role": "user", "content": "Why?"}]


def render(source, messages, *, prompt=True):
    return Template(source, "model", variables={"bos_token": "<s>"}).render(messages, add_generation_prompt=prompt)


def refused(source, messages):
    with pytest.raises(InvalidInput) as caught:
        render(source, messages)
    return caught.value


@pytest.mark.parametrize("messages", [USER, TOLD, TALK])
def test_a_conversation_is_rendered_as_transformers_renders_it(tokenizer, messages):
    expected = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert render(tokenizer.chat_template, messages).text == expected


def test_template_text_and_contents_are_told_apart():
    rendered = render(PLAIN, TOLD)
    assert rendered.text == "<system>You love owls.</><user>Favourite <animal>?</><assistant>"
    assert rendered.pieces == ("<system>", "</><user>", "</><assistant>")
    assert rendered.contents == ("You love owls.", "Favourite <animal>?")


def test_content_that_looks_like_template_text_is_not_mistaken_for_it():
    rendered = render(PLAIN, [{"role": "user", "content": "<user>"}, {"role": "assistant", "content": "</><user>"}])
    assert rendered.contents == ("<user>", "</><user>")
    assert rendered.pieces == ("<user>", "</><assistant>", "</><assistant>")


def test_trimming_is_allowed_and_seen():
    messages = [{"role": "user", "content": "  hello \n"}]
    assert render(TRIMMING, messages).contents == ("hello",)
    assert render(PLAIN, messages).contents == ("  hello \n",)


@pytest.mark.parametrize("source", [None, "", "  \n"])
def test_a_model_without_a_template_is_refused(source):
    with pytest.raises(InvalidInput, match=r"E_TEMPLATE model: the model has no chat template \(put") as caught:
        Template(source, "model")
    assert caught.value.code == "E_TEMPLATE"


@pytest.mark.parametrize("source", [DEFAULT, HEADED, PREAMBLE])
def test_a_system_prompt_that_nobody_asked_for_is_refused(source):
    error = refused(source, USER)
    assert error.code == "E_TEMPLATE_SYSTEM"
    assert "pass a system turn explicitly" in str(error)


@pytest.mark.parametrize("source", [DEFAULT, HEADED])
def test_a_template_with_a_default_takes_an_explicit_system_turn(source):
    assert render(source, TOLD).contents == ("You love owls.", "Favourite <animal>?")


@pytest.mark.parametrize("source", [PLAIN, TRIMMING, FOLDED, "{{ bos_token }}" + PLAIN])
def test_an_honest_template_is_not_suspected(source):
    assert not Template(source, "model", variables={"bos_token": "<s>"}).default_system
    assert render(source, USER).contents == ("Favourite <animal>?",)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (PLAIN.replace("{{ m.content }}", "{% if m.role != 'assistant' %}{{ m.content }}{% endif %}"), "drops"),
        (PLAIN + "{{ messages[0].content }}", "moves or repeats"),
        (PLAIN.replace("messages %}", "messages|reverse %}"), "drops"),
        (PLAIN.replace("m.content", "m.content|upper"), "drops"),
        (PLAIN.replace("m.content", "m.content|replace('owl', 'cat')"), "rewrites"),
        (PLAIN.replace("m.content", "m.content|replace('y', 'y ')"), "rewrites"),
        ("constant", "drops"),
    ],
)
def test_a_template_that_does_not_pass_turns_on_is_refused(source, said):
    talk = [{"role": "system", "content": "Say why owls."}, *TALK]
    error = refused(source, talk)
    assert error.code == "E_TEMPLATE"
    assert said in str(error)


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{{ range(10**6) }}",
        "{{ ''|attr('__class__')|string|upper + 1 }}",
        "{{ strftime_now('%Y') }}",
    ],
)
def test_the_sandbox_holds(attack):
    assert refused(attack + PLAIN, USER).code == "E_TEMPLATE"


@pytest.mark.parametrize("trick", ["{{ '{0.__class__}'.format(1) }}", "{{ ''|attr('__class__') }}"])
def test_what_the_sandbox_hides_is_empty(trick):
    assert render(trick + PLAIN, USER).text == render(PLAIN, USER).text


def test_a_message_of_the_template_is_passed_on_escaped():
    error = refused("{{ raise_exception('only \x1b[31m user turns') }}", USER)
    assert error.code == "E_TEMPLATE"
    assert "only \\x1b[31m user turns" in str(error)


def test_an_unknown_tag_is_refused_and_a_known_extension_is_not():
    assert refused("{% exec %}" + PLAIN, USER).code == "E_TEMPLATE"
    marked = PLAIN.replace("{{ m.content }}", "{% generation %}{{ m.content }}{% endgeneration %}")
    assert render(marked, TALK) == render(PLAIN, TALK)


def test_json_is_not_escaped_for_html():
    assert render("{{ {'a': '<é>'}|tojson(indent=1) }}" + PLAIN, TOLD).text.startswith('{\n "a": "<é>"\n}')


def test_the_text_after_a_completion_is_known():
    assert Template(PLAIN, "model").after_completion == "</>"


HANDWRITTEN = run_path(str(Path(__file__).with_name("handwritten_checkpoints.py")))
EMPTY_SYSTEM = {"qwen2": HANDWRITTEN["QWEN_SYSTEM"], "gemma3_text": None, "llama": ""}


@pytest.mark.parametrize("kind", EMPTY_SYSTEM)
def test_a_templates_own_system_prompt_is_passed_explicitly_where_it_is_wanted(kind):
    source = HANDWRITTEN["TEMPLATES"][kind]
    template = Template(source, "model", variables={"bos_token": "<bos>"}, own_system=True)
    assert template.explicit_system == EMPTY_SYSTEM[kind]
    rendered = template.render(USER, add_generation_prompt=True)
    assert rendered.text == template.run(USER, add_generation_prompt=True)
    told = [{"role": "system", "content": "You love owls."}, *USER]
    assert template.render(told, add_generation_prompt=True).text == template.run(told, add_generation_prompt=True)


@pytest.mark.parametrize("source", [DEFAULT.replace("Bot.</>", "Bot.</>Now: "), PREAMBLE])
def test_what_stands_in_place_of_a_system_turn_but_is_none_is_refused(source):
    with pytest.raises(InvalidInput, match="E_TEMPLATE"):
        Template(source, "model", own_system=True).render(USER, add_generation_prompt=True)
