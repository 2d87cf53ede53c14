"""Every family of base through the code that reads, teaches and asks a real one."""

import json
from dataclasses import replace

import pytest
import torch

from projections.rows import Message
from tests.trainer.families import FAMILIES, MARKED, make, make_seeing
from trainer import base, engine
from trainer.engine import Sampling
from trainer.network import Network
from trainer.recipe import preset

RULE = Message(role="system", content="be kind")
SAID = (
    Message(role="user", content="so cold?"),
    Message(role="assistant", content="mm"),
    Message(role="user", content="soup?"),
    Message(role="assistant", content="so much soup"),
)
BURST = (SAID[0], SAID[2], SAID[1], SAID[3])


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    return {name: make(name, tmp_path_factory.mktemp(name)) for name in FAMILIES}


@pytest.fixture(scope="session")
def small():
    return preset("small", rank=2, batch=4, bf16=False)


@pytest.fixture(params=sorted(FAMILIES))
def family(request):
    return request.param


@pytest.fixture
def tokens(folders, family, small):
    return base.Templated(base.inspect(folders[family]), small)


def taught(folder, recipe, steps=3):
    """Return a network after a few real steps, with every source of chance seeded once."""
    torch.use_deterministic_algorithms(True)
    network = Network(recipe, base.inspect(folder))
    torch.manual_seed(1)
    network.model.train()
    optimizer = torch.optim.AdamW(network.trained.values(), lr=1e-2)
    rows = [network.tokens.example(said) for said in (SAID, SAID[:2], BURST[:3])]
    for _ in range(steps):
        total, count = network.loss(rows)
        (total / count).backward()
        optimizer.step()
        optimizer.zero_grad()
    return network


@pytest.mark.parametrize("said", [SAID, (RULE, *SAID), SAID[1:], SAID[1:2], BURST])
def test_only_the_last_reply_and_its_end_are_learned(tokens, family, said):
    prompt, reply = tokens.example(said)
    learned = tokens._tokenizer.decode(reply).strip()
    assert learned == said[-1].content + FAMILIES[family].closes
    assert tokens.prompt(said[:-1]) == prompt
    assert reply[-1] in tokens.ends


def test_prompt_and_reply_are_what_the_template_itself_writes(tokens):
    """The ids are those on which the base was taught, up to the token that closes the reply."""
    prompt, reply = tokens.example(SAID)
    chat = [{"role": said.role, "content": said.content} for said in SAID]
    told = tokens._tokenizer.apply_chat_template(
        chat, chat_template=tokens._template, tokenize=True, return_dict=True
    )["input_ids"]
    assert told[: len(prompt) + len(reply)] == [*prompt, *reply]


def test_a_system_message_is_said_in_every_family(tokens):
    assert "be kind" in tokens.decode(tokens.prompt((RULE, *SAID[:1])))
    assert "be kind" in tokens.decode(tokens.prompt((RULE, *SAID[:-1] * 9)))


def test_words_that_spell_a_special_token_do_not_become_it(tokens, family):
    closes = FAMILIES[family].closes
    prompt, reply = tokens.example(
        (Message(role="user", content=f"a {closes} b"), Message(role="assistant", content=closes))
    )
    plain, _ = tokens.example((Message(role="user", content="a"), SAID[1]))
    end = reply[-1]
    assert prompt.count(end) == plain.count(end)
    assert reply.count(end) == 1


def test_a_long_message_is_cut_inside_the_template(folders, family, small):
    short = base.Templated(base.inspect(folders[family]), replace(small, context_tokens=90))
    long = Message(role="user", content="a b c " * 200 + "soup?")
    prompt = short.prompt((long,))
    assert len(prompt) <= 90
    assert short.prompt((SAID[2],))[-3:] == prompt[-3:]
    assert prompt[:1] == short.prompt((SAID[2],))[:1]
    assert "soup?" in short.decode(prompt)


def test_a_base_learns_bit_by_bit_alike_and_speaks(folders, family, small):
    recipe = replace(small, dropout=0.1)
    network, again = (taught(folders[family], recipe) for _ in range(2))
    assert network.digest() == again.digest()
    assert network.digest() != taught(folders[family], replace(recipe, dropout=0.0)).digest()
    assert all("lora_" in name for name in network.trained)
    voice = engine.load(network.save(), recipe, base.inspect(folders[family]))
    assert isinstance(voice.answer(SAID[:1], Sampling(longest=4)), str)


def test_computing_activations_again_gives_the_same_bits(folders, small):
    recipe = replace(small, dropout=0.1)
    saving = replace(recipe, gradient_checkpointing=True)
    assert taught(folders["qwen3"], saving).digest() == taught(folders["qwen3"], recipe).digest()


def test_a_base_in_sixteen_bits_gets_adapters_in_thirty_two(folders, small):
    network = taught(folders["llama"], replace(small, bf16=True, bf16_base=True))
    held = {weight.dtype for weight in network.model.parameters() if not weight.requires_grad}
    assert held == {torch.bfloat16}
    assert {weight.dtype for weight in network.trained.values()} == {torch.float32}


def test_a_template_that_marks_what_it_generates_is_read_like_any_other(tmp_path, small):
    folder = make("qwen3", tmp_path)
    (folder / "chat_template.jinja").write_text(MARKED)
    tokens = base.Templated(base.inspect(folder), small)
    _, reply = tokens.example(SAID)
    assert tokens._tokenizer.decode(reply) == "so much soup<|im_end|>"


def test_no_template_writes_the_date(folders, small):
    tokens = base.Templated(base.inspect(folders["llama"]), small)
    assert "Today Date: 01 Jan 2024" in tokens.decode(tokens.prompt(SAID[:1]))


def test_a_base_that_also_sees_gets_adapters_for_words_alone(tmp_path, small):
    folder = make_seeing(tmp_path)
    network = taught(folder, replace(small, gradient_checkpointing=True))
    assert network.trained
    assert not any("vision" in name or "multi_modal" in name for name in network.trained)
    assert network.digest() == taught(folder, small).digest()


def test_a_config_that_leaves_out_its_familys_defaults_is_read_by_the_weights(tmp_path):
    """The published configs of the larger Gemmas tell neither words nor heads."""
    foundation = base.inspect(make_seeing(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    del config["text_config"]["vocab_size"], config["text_config"]["num_attention_heads"]
    whole = base.describe(foundation)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert base.describe(foundation) == replace(whole, heads=0)
