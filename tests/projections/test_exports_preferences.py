"""Preference pairs as the lines that preference trainers read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.errors import ProjectionError
from projections.exports.preferences import PairForm, Preference, line, write
from projections.rows import Message
from tests.projections.exportable import WORDS

PAIR = Preference(
    prompt=(Message(role="system", content="s"), Message(role="user", content="dinner?")),
    chosen="at eight",
    rejected="I am a language model",
    model="m1",
    events=("e7",),
)


@settings(deadline=None)
@given(chosen=WORDS, rejected=WORDS, asked=WORDS, form=st.sampled_from(PairForm))
def test_a_pair_is_one_line_that_says_both_answers(chosen, rejected, asked, form):
    prompt = (Message(role="user", content=asked),)
    pair = replace(PAIR, prompt=prompt, chosen=chosen, rejected=f"{rejected}{chosen}.")
    said = line(pair, form).decode()
    assert len(said.splitlines()) == 1
    read = json.loads(said)
    if form is PairForm.TRL:
        assert list(read) == ["prompt", "chosen", "rejected"]
        found = (read["prompt"], read["chosen"], read["rejected"])
    else:
        assert list(read) == ["input", "preferred_output", "non_preferred_output"]
        found = (read["input"]["messages"], read["preferred_output"], read["non_preferred_output"])
    answers = [[{"role": "assistant", "content": text}] for text in (chosen, pair.rejected)]
    assert list(found) == [[{"role": "user", "content": asked}], *answers]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ()},
        {"prompt": (Message(role="user", content=" "),)},
        {"prompt": (Message(role="assistant", content="secret"),)},
        {"chosen": " "},
        {"rejected": ""},
        {"rejected": " at eight\n"},
    ],
)
def test_a_pair_that_teaches_nothing_is_refused_before_there_is_a_file(wrong, tmp_path):
    with pytest.raises(ProjectionError, match="said in e7") as caught:
        write([PAIR, replace(PAIR, **wrong)], tmp_path / "p.jsonl", home=tmp_path / "vault")
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_pairs_are_written_one_a_line_and_none_make_no_file(tmp_path):
    out = tmp_path / "p.jsonl"
    with pytest.raises(ProjectionError, match="no preferences"):
        write([], out, home=tmp_path / "vault")
    assert not out.exists()
    written = write([PAIR] * 3, out, home=tmp_path / "vault", form=PairForm.OPENAI)
    assert (written.rows, written.size) == (3, out.stat().st_size)
    assert out.read_bytes() == (line(PAIR, PairForm.OPENAI) + b"\n") * 3


def test_neither_the_model_nor_the_entries_are_written():
    assert b"m1" not in line(PAIR)
    assert b"e7" not in line(PAIR)
