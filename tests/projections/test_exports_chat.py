"""Rows as lines that fine-tuning tools and services read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.errors import ProjectionError
from projections.exports.chat import check, line, write
from projections.exports.services import SERVICES, Form
from tests.projections.exportable import ASKED, many, row, rows

OPENAI = SERVICES["openai"]
TURNS = (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "rows.jsonl"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "vault"


def told(problems):
    return [(one.service, one.count, one.lines, one.sure) for one in problems]


def test_every_row_of_the_view_is_one_valid_line(world, out, home):
    world.allow("message", "document", "message.chat.direct.received")
    world.collect(
        world.item("hi", "message.chat.direct.received"),
        world.item("hello\nyou — 🙂", minute=1),
        world.item("again", minute=90),
        world.item("note", "document.note", minute=2),
    )
    found = world.rows()
    assert write(found, out, home=home).rows == len(found) > 2
    lines = [json.loads(said) for said in out.read_bytes().splitlines()]
    assert [one["messages"] for one in lines] == [
        [{"role": m.role, "content": m.content} for m in one.messages] for one in found
    ]


@settings(deadline=None)
@given(drawn=rows())
def test_a_row_is_one_line_for_every_reader_and_says_the_same(drawn):
    said = line(drawn).decode()
    assert len(said.splitlines()) == 1
    assert [(m["role"], m["content"]) for m in json.loads(said)["messages"]] == [
        (m.role, m.content) for m in drawn.messages
    ]


@settings(deadline=None)
@given(drawn=rows(), service=st.sampled_from(list(SERVICES.values())))
def test_each_form_keeps_every_word_in_its_place(drawn, service):
    read = json.loads(line(drawn, service))
    match service.form:
        case Form.CONTENTS:
            first = read.get("systemInstruction", {"parts": []})["parts"]
            turns = [(t["role"], t["parts"][0]["text"]) for t in read["contents"]]
            assert {role for role, _ in turns} == {"user", "model"}
            turns = [("assistant" if role == "model" else role, text) for role, text in turns]
        case Form.CONVERSE:
            assert read["schemaVersion"] == "bedrock-conversation-2024"
            first = read.get("system", [])
            turns = [(t["role"], t["content"][0]["text"]) for t in read["messages"]]
        case _:
            first, turns = [], [(t["role"], t["content"]) for t in read["messages"]]
    system = [("system", part["text"]) for part in first]
    assert system + turns == [(m.role, m.content) for m in drawn.messages]


@pytest.mark.parametrize(
    "messages",
    [
        (("user", "a"),),
        (("assistant", "a"),),
        (("system", "a"),),
        (("user", "a"), ("user", "b"), ("assistant", "c")),
        (("user", "a"), ("system", "b"), ("assistant", "c")),
        (("system", "a"), ("system", "b"), ("user", "c"), ("assistant", "d")),
        (("user", " "), ("assistant", "c")),
        (("user", "secret"), ("assistant", "\n")),
    ],
)
def test_what_no_reader_takes_is_refused_before_there_is_a_file(messages, out, home):
    wrong = row(*messages)
    with pytest.raises(ProjectionError) as caught:
        write([*many(20), wrong], out, home=home)
    assert wrong.id[:12] in str(caught.value)
    assert "secret" not in str(caught.value)
    assert list(out.parent.iterdir()) == []
    assert told(check([*many(20), wrong], OPENAI)) == [("openai", 1, (21,), True)]


def test_no_rows_make_no_file(out, home):
    with pytest.raises(ProjectionError, match="nothing to export"):
        write([], out, home=home)
    assert not out.exists()


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_what_a_service_takes_has_no_problems(service, out, home):
    few = many(service.least)
    assert check(few, service) == ()
    assert write(few, out, home=home, service=service).problems == ()


@pytest.mark.parametrize("name", ["openai", "azure", "fireworks"])
def test_too_few_examples_are_an_error_for_the_service_that_was_named(name, out, home):
    service = SERVICES[name]
    few = many(service.least - 1)
    with pytest.raises(ProjectionError, match=f"{service.least} examples at least"):
        write(few, out, home=home, service=service)
    assert not out.exists()


def test_what_only_some_services_refuse_is_told_and_written(out, home):
    written = write(many(3), out, home=home)
    assert [one.service for one in written.problems] == ["openai", "azure"]
    assert out.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if one.most])
def test_too_many_examples_are_told(name):
    service = replace(SERVICES[name], least=1, most=4)
    assert check(many(4), service) == ()
    [problem] = check(many(5), service)
    assert "4 examples at most; here are 5" in problem.sentence


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if one.size])
def test_a_file_that_is_too_large_is_told_to_the_byte(name, out, home):
    service = replace(SERVICES[name], least=1)
    size = write(many(5), out, home=home, service=service).size
    assert size == out.stat().st_size
    assert check(many(5), replace(service, size=size)) == ()
    [problem] = check(many(5), replace(service, size=size - 1))
    assert f"{size - 1:,} bytes at most; this has {size:,}" in problem.sentence


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if one.tokens])
def test_an_example_that_may_be_too_long_is_told_and_stops_nothing(name, out, home):
    service = replace(SERVICES[name], least=1, tokens=300)
    long = row(("user", "a"), ("assistant", "word " * 60))
    found = [row(), long, row(event="2")]
    assert told(check(found, service)) == [(name, 1, (2,), False)]
    assert told(write(found, out, home=home, service=service).problems) == [(name, 1, (2,), False)]


@pytest.mark.parametrize("word", SERVICES["nova"].reserved)
def test_a_reserved_word_in_a_prompt_is_told_and_in_an_answer_is_not(word):
    nova = SERVICES["nova"]
    answers = (("user", "a"), ("assistant", word)) * 2
    assert check([row(*answers)], nova) == ()
    for said in (("user", f"so {word} b"), ("assistant", "c")), (("system", word), *ASKED):
        assert told(check([row(), row(*said)], nova)) == [("nova", 1, (2,), True)]


def test_many_lines_of_one_problem_are_one_sentence_that_names_the_first():
    service = replace(OPENAI, least=1, tokens=1)
    [problem] = check(many(1000), service)
    assert problem.count == 1000
    assert problem.lines == tuple(range(1, 11))
    assert len(problem.sentence) < 200


def test_only_the_last_answer_weighs_where_a_service_knows_weights():
    weights = [m.get("weight") for m in json.loads(line(row(*TURNS), OPENAI))["messages"]]
    assert weights == [None, 0, None, 1]
    for service in (None, SERVICES["mistral"]):
        assert b"weight" not in line(row(*TURNS), service)
    assert b"weight" not in line(row(), OPENAI)


def test_a_byte_order_mark_is_written_where_it_is_asked_for_and_nowhere_else(out, home):
    for service in (None, *SERVICES.values()):
        write(many(10), out, home=home, service=service)
        marked = out.read_bytes().startswith(b"\xef\xbb\xbf")
        assert marked == (service is SERVICES["azure"])
        assert len(out.read_text("utf-8-sig").splitlines()) == 10


def test_rows_are_read_once_and_never_held(out, home):
    def lazily():
        for number in range(50):
            taken.append(number)
            yield row(event=str(number))

    taken = []
    assert write(lazily(), out, home=home).rows == len(taken) == 50
