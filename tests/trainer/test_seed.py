"""The seed that ships: pinned, refused where it is not itself, and taught like any other base."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from projections.rows import Message
from tests.trainer.nearby import Nearby
from trainer import base, engine, finetune, folder, seed
from trainer.building import grown
from trainer.engine import Sampling
from trainer.environment import observe
from trainer.errors import BaseModelChanged, BaseRefused
from trainer.finetune import train
from trainer.manifest import build
from trainer.network import Network
from trainer.recipe import preset
from trainer.slices import Foundation, foundation_of, plan
from trainer.states import Memory, name_of
from trainer.tokenizer import Fixed

WEIGHTS = "model.safetensors"
TALK = (
    Message(role="system", content="be kind"),
    Message(role="user", content="so cold?\nit's -3!"),
    Message(role="assistant", content="<|end|> two hats"),
    Message(role="user", content="and soup"),
)


@pytest.fixture(scope="module")
def recipe():
    return preset("voice", threads=1, batch=8, epochs=1.0, later_epochs=1.0, trunk=16, slice_rows=8)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the seed that may be damaged."""
    shutil.copytree(seed.FOLDER, tmp_path / "seed")
    monkeypatch.setattr(seed, "FOLDER", tmp_path / "seed")
    return tmp_path / "seed"


def taught(rows, recipe, store, monkeypatch, foundation=None):
    monkeypatch.setattr(finetune, "Child", Nearby)
    planned = plan(rows, recipe, observe(recipe), foundation)
    trained = train(planned, store, lambda asked: {row.id for row in asked})
    torch.use_deterministic_algorithms(False)
    return planned, trained


def test_the_seed_is_the_pinned_one_small_and_in_16_bits():
    assert base.inspect(seed.FOLDER).digest == seed.DIGEST
    assert sum(file.stat().st_size for file in seed.FOLDER.iterdir() if file.is_file()) < 30e6
    with safe_open(seed.FOLDER / WEIGHTS, "pt") as weights:
        names = list(weights.keys())
        assert {weights.get_tensor(name).dtype for name in names} == {torch.float16}
    told = json.loads((seed.FOLDER / "config.json").read_text())
    assert (told["model_type"], told["dtype"]) == ("llama", "float16")
    assert "auto_map" not in told


def test_it_reads_a_talk_as_any_base_with_a_template_does():
    """Ours and the library's way through the template give the same ids."""
    recipe = preset("voice", context=4, context_tokens=100, rare=0)
    ours = Fixed(recipe)
    theirs = base.Templated(foundation_of(recipe), replace(recipe, kind="lora"))
    plain = [replace(one, content=one.content.replace("<|end|>", "the end")) for one in TALK]
    assert theirs.prompt(plain) == ours.prompt(plain)
    assert theirs.example(plain[:3]) == ours.example(plain[:3])
    assert theirs.ends == ours.ends
    # What she wrote never becomes a mark of turns, in either.
    assert ours.prompt(TALK).count(1) == theirs.prompt(TALK).count(1) == len(TALK)


def test_its_template_says_which_words_are_the_reply():
    from transformers import AutoTokenizer  # noqa: PLC0415

    reads = AutoTokenizer.from_pretrained(seed.FOLDER, local_files_only=True)
    talk = [{"role": one.role, "content": one.content} for one in TALK[1:3]]
    talk[1]["content"] = "two hats"
    told = reads.apply_chat_template(talk, return_assistant_tokens_mask=True, return_dict=True)
    masks = torch.tensor(told["assistant_masks"]).flatten().bool()
    reply = torch.tensor(told["input_ids"]).flatten()[masks].tolist()
    assert reads.decode(reply, skip_special_tokens=True).strip() == "two hats"
    assert reply[-1] == reads.eos_token_id
    assert int(masks.sum()) == len(reply) < len(masks)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_voice_on_the_seed_forgets_exactly(rows, recipe, monkeypatch, threads):
    recipe = replace(recipe, threads=threads)
    store = Memory()
    planned, trained = taught(rows[:24], recipe, store, monkeypatch)
    gone = {planned.slices[-1].rows[0].id}
    kept = [row for row in rows[:24] if row.id not in gone]
    again, rebuilt = taught(kept, recipe, store, monkeypatch)
    _, never = taught(kept, recipe, Memory(), monkeypatch)
    assert rebuilt.replayed == 1
    assert rebuilt.weights == never.weights != trained.weights
    assert again.slices[0].state == planned.slices[0].state


def test_all_of_it_learns_and_it_starts_from_the_seed(rows, recipe, monkeypatch):
    network = Network(recipe, foundation_of(recipe))
    before = {name: weight.clone() for name, weight in network.tensors().items()}
    shipped = grown(base.load(foundation_of(recipe), recipe), recipe)
    assert all(torch.equal(before[name], w) for name, w in shipped.named_parameters())
    store = Memory()
    _, trained = taught(rows[:16], recipe, store, monkeypatch)
    network.restore(store.read(name_of(trained.state)))
    after = network.tensors()
    same = [name for name in network.trained if torch.equal(after[name], before[name])]
    assert same == []


def test_it_takes_adapters_under_its_own_name(rows, monkeypatch):
    lora = preset("small", rank=2, batch=8, epochs=1.0, trunk=64, patience=0, context_tokens=64)
    store = Memory()
    planned, trained = taught(rows[:12], lora, store, monkeypatch, Foundation(digest=seed.DIGEST))
    made = build(trained, model="twin-1", position=1, checkpoint="")
    assert (made.kind, made.base, made.base_path) == ("lora", seed.DIGEST, "")
    voice = engine.load(store.read(name_of(trained.state)), lora, planned.foundation)
    asked = [Message(role="user", content="soup?")]
    assert isinstance(voice.answer(asked, Sampling(longest=4)), str)


def test_a_voice_spells_words_of_the_seed_and_learned_ones_alone(recipe):
    network = Network(recipe, foundation_of(recipe))
    fixed = Fixed(recipe)
    words = seed.words()
    inside = fixed.inside()
    assert len(words) > 10_000
    assert all(all(inside[token] for token in word[1:]) for word in words)
    known = min(word for word in words if len(word) > 1)
    assert network.lexicon.mask(known[:1])[known[1]]
    open_ = {word[: at + 1] for word in words for at in range(len(word) - 1)}
    stem = min(word for word in open_ if len(word) == 1)
    allowed = {int(at) for at in network.lexicon.mask(stem).nonzero()}
    follows = {word[1] for word in words if len(word) > 1 and word[0] == stem[0]}
    assert {at for at in allowed if inside[at]} == {at for at in follows if inside[at]}
    begun = network.lexicon.mask(())
    for common in ("the", "I", "it", "soup", "Hello", "hello", "."):
        (token,) = fixed._ids(common)
        assert begun[token], common
        assert network.lexicon.mask((token,))[min(fixed.ends)], common
    assert not any(begun[list(fixed.never)])
    assert "lexicon.ids" not in dict(network.model.named_parameters())
    assert network.lexicon.tensors()["lexicon.ids"].numel() == 0


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_a_voice_is_handed_out_whole(rows, recipe, monkeypatch, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    store = Memory()
    planned, trained = taught(rows[:16], recipe, store, monkeypatch)
    weights = store.read(name_of(trained.state))
    made = build(trained, model="twin-1", position=1, checkpoint="")
    assert (made.kind, made.base, made.base_path) == ("seed", seed.DIGEST, "")
    with folder.written(made, weights, tmp_path / "out"):
        pass
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    reads = AutoTokenizer.from_pretrained(tmp_path / "out")
    talk = [{"role": "user", "content": "soup?"}]
    told = reads.apply_chat_template(
        talk, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = told["input_ids"]
    network = Network(recipe, planned.foundation)
    network.restore(weights)
    assert ids[0].tolist() == network.tokens.prompt([Message(role="user", content="soup?")])
    ours = network.model.eval()(input_ids=ids).logits
    assert theirs(input_ids=ids).logits.allclose(ours, atol=1e-4)
    assert "Twinvault's seed" in (tmp_path / "out" / folder.CARD).read_text()


def cut(at: Path):
    at.joinpath(WEIGHTS).write_bytes((at / WEIGHTS).read_bytes()[:-1000])


def flipped(at: Path):
    body = bytearray((at / WEIGHTS).read_bytes())
    body[-1000] ^= 1
    at.joinpath(WEIGHTS).write_bytes(body)


def gone(at: Path):
    at.joinpath(WEIGHTS).unlink()


def other_words(at: Path):
    told = json.loads((at / "tokenizer.json").read_text())
    told["model"]["merges"] = told["model"]["merges"][:-1]
    at.joinpath("tokenizer.json").write_text(json.dumps(told))


def no_list(at: Path):
    at.joinpath(seed.WORDS).unlink()


@pytest.mark.parametrize("damage", [cut, flipped, gone, other_words, no_list])
def test_a_damaged_seed_is_refused_with_the_way_back(elsewhere, recipe, damage):
    damage(elsewhere)
    with pytest.raises((BaseRefused, BaseModelChanged), match="force-reinstall"):
        Network(recipe, foundation_of(recipe))


def test_a_model_of_another_seed_is_refused(recipe):
    with pytest.raises(BaseModelChanged, match="another seed"):
        Network(recipe, Foundation(digest="ab" * 32))


@pytest.mark.parametrize("name", ["tokenizer.json", folder.CARD, seed.WORDS])
def test_a_missing_file_says_how_to_get_it_back(elsewhere, name):
    (elsewhere / name).unlink()
    with pytest.raises(BaseRefused, match="git checkout -- trainer/seed"):
        seed.file(name)
