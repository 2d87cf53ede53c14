"""How the seed is made: the text, what is left out of it, and a run that may be stopped."""

import gzip
import hashlib
import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from trainer import seed
from trainer.pretraining import corpus, make_seed
from trainer.pretraining.model import PLAN, Lap
from trainer.pretraining.prejudice import prejudiced
from trainer.tokenizer import ASSISTANT, END, PAD, USER
from vault.errors import NotFound, UsageError

OURS = [Path(corpus.__file__).with_name(one.name) for one in corpus.WRITTEN]
PROMPTS = Path(__file__).parents[2] / "benchmarks" / "everyday" / "prompts.json"
TALKS = [f"A: how was day {n}?\nB: It was fine, number {n}. I'm tired." for n in range(200)]


@pytest.fixture
def reads():
    found = Tokenizer.from_file(str(seed.FOLDER / "tokenizer.json"))
    found.encode_special_tokens = True
    return found


@pytest.fixture
def text(tmp_path, monkeypatch):
    """A folder with one set of talks and one novel."""
    bodies = {
        "talks.txt.gz": "\n\n".join(TALKS),
        "novel.txt.gz": "\n\n".join(
            "\n".join(
                f"The {n}th day came, and line {m} of it was long and grey." for m in range(9)
            )
            for n in range(150)
        ),
    }
    sets = []
    for name, body in bodies.items():
        packed = gzip.compress(body.encode(), mtime=0)
        (tmp_path / name).write_bytes(packed)
        digest, spoken = hashlib.sha256(packed).hexdigest(), name.startswith("talks")
        sets.append(corpus.Set(name=name, digest=digest, spoken=spoken, shares=(0.5, 0.4, 0.4)))
    monkeypatch.setattr(corpus, "SETS", tuple(sets))
    return tmp_path


@pytest.mark.parametrize(
    "said",
    [
        "The savages came down to the river.",
        "He was, after all, only a Chinaman.",
        "She laughed just like a woman.",
        "The colored man took our bags.",
        "Women are always unreasonable.",
        "a horde of gypsies camped there",
        "an inferior race, he called them",
        "The old Jew counted his money.",
    ],
)
def test_the_prejudice_of_a_period_is_found(said):
    assert prejudiced(said)


@pytest.mark.parametrize(
    "said",
    [
        "She wore a white dress and black shoes.",
        "I met a woman from China who races bikes.",
        "The raccoon slept in the japanese maple.",
        "He had a savings account and a spicy soup.",
        "Women are waiting at the door.",
        "My Jewish friend brought cake.",
        "Grapes grow on the vine, and drapes hang there.",
    ],
)
def test_what_holds_none_stays(said):
    assert not prejudiced(said)


def test_a_talk_goes_whole_and_a_novel_loses_the_paragraph(tmp_path):
    talk = gzip.compress(b"A: hello there\nB: the savages!\n\nA: hi\nB: hey")
    long = "A quiet evening in the village, with rain on every roof. " * 7 + "It was late."
    novel = gzip.compress(f"{long}\nHe hated the savages.\n{long}".encode())
    for name, body in (("t", talk), ("n", novel)):
        (tmp_path / name).write_bytes(body)
    spoken = corpus.Set(
        name="t", digest=hashlib.sha256(talk).hexdigest(), spoken=True, shares=(1, 1, 1)
    )
    prose = replace(spoken, name="n", digest=hashlib.sha256(novel).hexdigest(), spoken=False)
    assert list(corpus.documents(tmp_path, spoken)) == [["hi", "hey"]]
    assert list(corpus.documents(tmp_path, prose)) == [[long, long]]


def test_text_is_typed_as_on_a_phone():
    found = {tuple(corpus.texted([f"I'm at No. {n}.", "Really?!", "Well..."])) for n in range(30)}
    assert len(found) == 30
    assert {one[1:] for one in found} == {("really?!", "well...")}
    assert {re.sub(r"\d+", "N", one[0]) for one in found} == {"i'm at no. N", "im at no. N"}


def test_rows_begin_with_a_turn_and_follow_from_the_step(text, reads):
    streams = list(corpus.read(text, reads))
    first, again, next_ = (corpus.draws(streams, 8, 40, step, 1) for step in (3, 3, 4))
    assert (first == again).all()
    assert not (first == next_).all()
    opened = {int(row[0]) for row in corpus.draws(streams[:1], 50, 40, 9, 0)}
    assert opened == {USER, ASSISTANT}
    ids = streams[0].plain.ids.tolist()
    assert ids.count(PAD) == sum(1 for at in ids if at == END) // 2


def test_what_is_held_out_is_not_learned(text, reads):
    stream = next(corpus.read(text, reads))
    learned, held = (reads.decode(ids.tolist()) for ids in (stream.plain.ids, stream.held))
    numbers = [set(re.findall(r"number (\d+)", said)) for said in (learned, held)]
    assert numbers[1]
    assert not numbers[0] & numbers[1]
    assert len(numbers[0] | numbers[1]) == len(TALKS)


def test_other_text_is_refused(text, reads):
    with pytest.raises(NotFound, match="talks"):
        list(corpus.read(text / "nowhere", reads))
    (text / "talks.txt.gz").write_bytes(gzip.compress(b"A: x\nB: y"))
    with pytest.raises(UsageError, match="not the file"):
        list(corpus.read(text, reads))


@pytest.fixture
def small(monkeypatch):
    """A run of two laps and twelve steps, and compiled for nobody."""
    shape = {"width": 16, "layers": 1, "heads": 2, "key_heads": 1, "inner": 32}
    plan = replace(PLAN, **shape, row=32, rows=4, laps=(Lap(7, 0, 1), Lap(5, 0, 2)), warmup=2)
    monkeypatch.setattr(make_seed, "PLAN", plan)
    monkeypatch.setattr(torch, "compile", lambda function: function)
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    threads = torch.get_num_threads()
    yield plan
    torch.set_num_threads(threads)
    for one, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(one, handler)


def test_a_stopped_run_arrives_where_one_in_a_piece_does(text, small, tmp_path, monkeypatch):
    whole = make_seed.make(text, tmp_path / "a", tmp_path / "seed-a")
    drawn, calls = corpus.draws, []

    def draws(*given, **said):
        calls.append(given)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return drawn(*given, **said)

    monkeypatch.setattr(corpus, "draws", draws)
    with pytest.raises(make_seed.Stopped):
        make_seed.make(text, tmp_path / "b", tmp_path / "seed-b")
    assert len(calls) < small.steps
    assert make_seed.make(text, tmp_path / "b", tmp_path / "seed-b") == whole
    assert len(calls) == small.steps
    told = json.loads((tmp_path / "seed-a" / "config.json").read_text())
    assert (told["model_type"], told["hidden_size"], told["dtype"]) == ("llama", 16, "float16")


@pytest.mark.usefixtures("small")
def test_the_command_says_in_a_line_what_is_wrong(text, tmp_path, capsys):
    (text / "novel.txt.gz").unlink()
    assert make_seed.main([str(text), str(tmp_path / "w"), "--out", str(tmp_path / "o")]) == 2
    assert "There is no novel.txt.gz" in capsys.readouterr().err


def test_the_pace_of_each_lap_rises_stays_and_falls_and_the_mix_goes_with_it():
    plan = replace(PLAN, laps=(Lap(20, 0, 1), Lap(10, 3, 4, 0.5, 0.4)), warmup=2)
    assert plan.steps == 30
    paces, phases = zip(*[(plan.pace(at), plan.phase(at)) for at in range(30)], strict=True)
    assert paces[:2] == (0.5, 1.0)
    assert paces[20:22] == (0.25, 0.5)
    assert (set(paces[1:14]), set(paces[21:27])) == ({1.0}, {0.5})
    assert paces[13:20] == pytest.approx([1 - at / 7 for at in range(7)])
    assert paces[26:] == (0.5, 0.375, 0.25, 0.125)
    assert phases == (0,) * 13 + (1,) * 7 + (3,) * 6 + (4,) * 4
    with pytest.raises(IndexError):
        plan.pace(30)


def test_a_set_with_no_share_changes_nothing_of_what_is_drawn(text, reads):
    streams = list(corpus.read(text, reads))
    before = corpus.draws(streams[:2], 8, 40, 3, 0)
    none = replace(streams[2], set=replace(streams[2].set, shares=(0.0, 1.0, 1.0)))
    assert (corpus.draws([*streams[:2], none], 8, 40, 3, 0) == before).all()
    assert not (corpus.draws([*streams[:2], none], 8, 40, 3, 1) == before).all()


def everyday():
    files = [file for folder in OURS for file in sorted(folder.glob("*.txt"))]
    return [block for file in files for block in file.read_text("utf-8").strip().split("\n\n")]


def test_everyday_exchanges_are_talks_in_turns():
    blocks = everyday()
    assert len(blocks) > 1000
    for block in blocks:
        lines = block.split("\n")
        assert 1 < len(lines) < 10, block
        for at, line in enumerate(lines):
            assert line.startswith(("A: ", "B: ")[at % 2]), block
            assert line.isascii(), line
        assert not prejudiced(block), block


def test_no_prompt_of_the_judged_ones_was_taught():
    def bare(said):
        return re.sub(r"\W+", " ", said.lower()).strip()

    taught = "\n".join(bare(line[3:]) for block in everyday() for line in block.split("\n"))
    asked = json.loads(PROMPTS.read_text())
    assert len(set(asked)) == 50
    assert [one for one in asked if bare(one) in taught] == []


def test_held_out_rows_cost_bits_that_an_untrained_network_cannot_save(text, reads, small):
    made = make_seed.Seed(small, reads.get_vocab_size())
    stream = next(corpus.read(text, reads))
    cost = make_seed.bits(made, small, stream.held, stream.held_bytes)
    blind = np.log2(reads.get_vocab_size()) * len(stream.held) / stream.held_bytes
    assert cost == pytest.approx(blind, rel=0.05)
