"""A base made on the spot, read by the very code that reads a real one."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from projections.rows import Message
from trainer import base, engine
from trainer.engine import Sampling
from trainer.environment import observe
from trainer.errors import BaseModelChanged, BaseRefused
from trainer.finetune import train
from trainer.recipe import preset
from trainer.slices import plan
from trainer.states import Memory, name_of
from vault.errors import TamperError

MARKED = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}<|assistant|>{% generation %}"
    "{{ m['content'] }}<|end|>{% endgeneration %}{% else %}<|{{ m['role'] }}|>{{ m['content'] }}"
    "<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
UNMARKED = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")
SAID = (
    Message(role="user", content="so cold?"),
    Message(role="assistant", content="mm"),
    Message(role="user", content="soup?"),
    Message(role="assistant", content="so much soup"),
)


@pytest.fixture(scope="module")
def lora():
    return preset(
        "lora", rank=2, batch=4, epochs=1.0, later_epochs=1.0, trunk=8, slice_rows=8, dropout=0.0
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A Llama of a few thousand weights, with a tokenizer and a chat template."""
    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(["so cold", "so much soup on the slip"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=special[0], eos_token=special[1]
    )
    tokenizer.chat_template = MARKED
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )
    path = tmp_path_factory.mktemp("base")
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def twin_folder(folder, tmp_path):
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in folder.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    return copied


def test_a_base_learns_through_adapters_alone_and_forgets_exactly(folder, rows, lora, everything):
    store, foundation = Memory(), base.inspect(folder)
    planned = plan(rows[:16], lora, observe(lora), foundation)
    trained = train(planned, store, everything)
    body = store.read(name_of(trained.state))
    assert all("lora_" in name for name in load(body))
    without = planned.without({planned.slices[-1].rows[0].id})
    rebuilt = train(without, store, everything)
    assert rebuilt.replayed == 1
    assert rebuilt.weights == train(without, Memory(), everything).weights != trained.weights
    voice = engine.load(body, lora, foundation)
    told = Sampling(longest=5)
    assert voice.answer(SAID[:1], told) == engine.load(body, lora, foundation).answer(
        SAID[:1], told
    )


@pytest.mark.parametrize("template", [MARKED, UNMARKED, None])
def test_only_the_last_reply_is_learned(twin_folder, lora, template):
    (twin_folder / "chat_template.jinja").unlink(missing_ok=True)
    file = twin_folder / "tokenizer_config.json"
    config = json.loads(file.read_text()) | {"chat_template": template}
    file.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    tokens = base.Templated(base.inspect(twin_folder), lora)
    prompt, reply = tokens.example(SAID)
    assert tokens.decode(reply) == "so much soup"
    assert tokens.prompt(SAID[:-1]) == prompt
    assert reply[-1] in tokens.ends


def test_a_long_conversation_loses_its_oldest_messages_first(folder, lora):
    short = replace(lora, context_tokens=24)
    prompt, _ = base.Templated(base.inspect(folder), short).example(SAID * 9)
    assert len(prompt) <= 24
    assert base.Templated(base.inspect(folder), short).decode(prompt).endswith("soup?")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "adapter.pt", "x.pkl"])
def test_a_folder_with_a_pickle_is_refused(twin_folder, name):
    (twin_folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(BaseRefused, match=name):
        base.inspect(twin_folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_folder_that_brings_code_is_refused(twin_folder, name):
    file = twin_folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | {"auto_map": {"AutoModel": "m.M"}}))
    with pytest.raises(BaseRefused, match="auto_map"):
        base.inspect(twin_folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_incomplete_or_truncated_folder_is_refused(twin_folder, name):
    whole = (twin_folder / name).read_bytes()
    (twin_folder / name).write_bytes(whole[:30])
    with pytest.raises(BaseRefused):
        base.inspect(twin_folder)
    (twin_folder / name).unlink()
    with pytest.raises(BaseRefused):
        base.inspect(twin_folder)


def test_weights_of_another_model_than_the_config_describes_are_refused(twin_folder):
    """What the weights lack would otherwise be made up at random."""
    config = json.loads((twin_folder / "config.json").read_text())
    config["num_hidden_layers"] += 1
    (twin_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BaseRefused, match="not those of the model"):
        base.load(base.inspect(twin_folder))


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BaseRefused, match="no base model"):
        base.inspect(tmp_path / "none")


def test_a_base_that_changed_under_its_adapter_is_refused(twin_folder, rows, lora, everything):
    foundation = base.inspect(twin_folder)
    planned = plan(rows[:4], lora, observe(lora), foundation)
    config = twin_folder / "config.json"
    config.write_text(config.read_text() + "\n")
    assert base.inspect(twin_folder).digest != foundation.digest
    with pytest.raises(BaseModelChanged) as refusal:
        train(planned, Memory(), everything)
    assert isinstance(refusal.value, TamperError)
