"""What a base may be, and what is refused: by the code that reads real ones."""

import json
import os
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, load_file, save_file

from projections.rows import Message
from tests.trainer.families import FAMILIES, make
from tests.trainer.nearby import Nearby
from trainer import base, engine, finetune
from trainer.base import folder as folders
from trainer.base import loading
from trainer.engine import Sampling
from trainer.environment import observe
from trainer.errors import BaseModelChanged, BaseRefused
from trainer.finetune import train
from trainer.recipe import preset
from trainer.slices import plan
from trainer.states import Memory, name_of
from vault.errors import TamperError

WEIGHTS = "model.safetensors"
ASKED = (Message(role="user", content="so cold?"),)


@pytest.fixture(scope="module")
def lora():
    return preset(
        "small",
        rank=2,
        batch=4,
        epochs=1.0,
        later_epochs=1.0,
        trunk=8,
        slice_rows=8,
        patience=0,
        dropout=0.0,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make("llama", tmp_path_factory.mktemp("base"))


@pytest.fixture
def folder(made, tmp_path):
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in made.iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    return copied


def said(folder, name, **changes):
    """Change a JSON file of a base."""
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def header(folder, change):
    """Change the header of the weights, and its length."""
    raw = (folder / WEIGHTS).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    told = json.loads(raw[8 : 8 + size])
    change(told)
    body = json.dumps(told).encode()
    (folder / WEIGHTS).write_bytes(len(body).to_bytes(8, "little") + body + raw[8 + size :])


def in_parts(folder):
    """Put the weights into two files with an index."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    parts = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for part, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder / part, {"format": "pt"})
    where = {name: part for part, held in parts.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": where})
    )


def test_a_base_learns_through_adapters_alone(made, rows, lora, everything, monkeypatch):
    monkeypatch.setattr(finetune, "Child", Nearby)
    store, foundation = Memory(), base.inspect(made)
    trained = train(plan(rows[:8], lora, observe(lora), foundation), store, everything)
    body = store.read(name_of(trained.state))
    assert all("lora_" in name for name in load(body))
    voice, told = engine.load(body, lora, foundation), Sampling(longest=5)
    assert voice.answer(ASKED, told) == engine.load(body, lora, foundation).answer(ASKED, told)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_base_forgets_exactly(tmp_path, rows, lora, everything, family):
    store, foundation = Memory(), base.inspect(make(family, tmp_path))
    recipe = replace(lora, dropout=0.1)
    planned = plan(rows[:16], recipe, observe(recipe), foundation)
    trained = train(planned, store, everything)
    without = planned.without({planned.slices[-1].rows[0].id})
    rebuilt = train(without, store, everything)
    assert rebuilt.replayed == 1
    assert rebuilt.weights == train(without, Memory(), everything).weights != trained.weights


def test_weights_in_parts_are_those_of_one_file(made, folder, lora):
    in_parts(folder)
    whole, parts = (base.load(base.inspect(at), lora).state_dict() for at in (made, folder))
    assert all(torch.equal(parts[name], weight) for name, weight in whole.items())
    assert (
        base.describe(base.inspect(folder)).parameters
        == base.describe(base.inspect(made)).parameters
    )


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_are_loaded_tied(tmp_path, lora, tied):
    foundation = base.inspect(make("qwen2", tmp_path, tie_word_embeddings=tied))
    model = base.load(foundation, lora)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == tied


@pytest.mark.parametrize("kept", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_read_in_whatever_format_they_are_kept(folder, lora, kept):
    told = {name: weight.to(kept) for name, weight in load_file(folder / WEIGHTS).items()}
    save_file(told, folder / WEIGHTS, {"format": "pt"})
    assert base.load(base.inspect(folder), lora).dtype == torch.float32
    sixteen = replace(lora, bf16_base=True)
    assert base.load(base.inspect(folder), sixteen).dtype == torch.bfloat16


def test_a_hubs_cache_of_links_is_the_same_base(made, tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(made.iterdir())):
        (blobs / str(number)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    assert base.inspect(snapshot).digest == base.inspect(made).digest
    (blobs / "0").unlink()
    with pytest.raises(BaseRefused, match="link to nothing"):
        base.inspect(snapshot)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("hers")
    (folder / "merges.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BaseRefused, match="link out"):
        base.inspect(folder)


def test_a_pipe_or_a_linked_folder_is_not_entered(made, folder):
    os.mkfifo(folder / "waits.json")
    (folder / "round").symlink_to(folder)
    assert base.inspect(folder).digest == base.inspect(made).digest


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "adapter.PT", "original/consolidated.00.pth", ".hidden.pkl"]
)
def test_a_folder_with_a_pickle_is_refused(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(BaseRefused, match="pickle"):
        base.inspect(folder)


@pytest.mark.parametrize("name", ["merges.txt", "tokenizer.model", "weights", "deep/vocab.json"])
def test_a_pickle_under_another_name_is_refused(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    for body in (pickle.dumps({"a": 1}), b"PK\x03\x04 a zip of torch"):
        (folder / name).write_bytes(body)
        with pytest.raises(BaseRefused, match="pickle"):
            base.inspect(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "asked",
    [
        {"auto_map": {"AutoModel": "m.M"}},
        {"text_config": {"auto_map": {"AutoModel": "m.M"}}},
        {"custom_pipelines": {"chat": {"impl": "m.P"}}},
    ],
)
def test_a_folder_that_brings_code_is_refused(folder, name, asked):
    said(folder, name, **asked)
    with pytest.raises(BaseRefused, match="code of its own"):
        base.inspect(folder)


def test_a_vocabulary_may_hold_the_word_auto_map(folder):
    (folder / "vocab.json").write_text('{"auto_map": 7}')
    base.inspect(folder)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
def test_an_incomplete_or_truncated_folder_is_refused(folder, lora, name):
    whole = (folder / name).read_bytes()
    for kept in (0, 4, 30, len(whole) - 2):
        (folder / name).write_bytes(whole[:kept])
        with pytest.raises(BaseRefused, match=name.partition(".")[0]):
            base.inspect(folder)
    (folder / name).unlink()
    with pytest.raises(BaseRefused):
        base.check(base.inspect(folder), lora)


def test_something_behind_the_weights_is_refused(folder):
    with (folder / WEIGHTS).open("ab") as opened:
        opened.write(b"more")
    with pytest.raises(BaseRefused, match="something added"):
        base.inspect(folder)


def test_a_giant_header_is_refused_before_it_is_read(folder):
    with (folder / WEIGHTS).open("r+b") as opened:
        opened.write((1 << 30).to_bytes(8, "little"))
        opened.truncate(2 << 30)  # a hole: takes no room
    with pytest.raises(BaseRefused, match="header of 1073741824 bytes"):
        base.inspect(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["lm_head.weight"].update(dtype="F8_E4M3"),
        lambda told: told["lm_head.weight"].update(shape=[-1, -1]),
        lambda told: told["lm_head.weight"].update(shape=[2**40, 2**40]),
        lambda told: told["lm_head.weight"].update(data_offsets=[0, 2**70]),
        lambda told: told["lm_head.weight"].update(data_offsets=[8, 16]),
        lambda told: told.pop("lm_head.weight"),
        lambda told: told.update(x={"dtype": "F32", "shape": [], "data_offsets": [0, 4]}),
        lambda told: told.update(x=7),
    ],
)
def test_a_header_that_contradicts_its_file_is_refused(folder, change):
    header(folder, change)
    with pytest.raises(BaseRefused):
        base.inspect(folder)


@pytest.mark.parametrize(
    "part", ["../model.safetensors", "/etc/passwd", "a.bin", "none.safetensors"]
)
def test_an_index_that_leads_elsewhere_is_refused(folder, part):
    in_parts(folder)
    index = folder / "model.safetensors.index.json"
    where = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": where | {"lm_head.weight": part}}))
    with pytest.raises(BaseRefused):
        base.inspect(folder)


def test_an_index_that_leads_out_to_a_sound_file_is_refused(folder):
    in_parts(folder)
    part = "model-00001-of-00002.safetensors"
    (folder / part).rename(folder.parent / part)
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace(part, f"../{part}"))
    with pytest.raises(BaseRefused, match="outside its folder"):
        base.inspect(folder)


def test_an_index_that_promises_more_than_its_parts_hold_is_refused(folder):
    in_parts(folder)
    index = folder / "model.safetensors.index.json"
    where = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": where | {"more": where["lm_head.weight"]}}))
    with pytest.raises(BaseRefused, match="do not hold"):
        base.inspect(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 10**9},
        {"hidden_size": 32},
        {"vocab_size": 10**9},
        {"intermediate_size": 10**6},
        {"num_attention_heads": 4},
        {"num_attention_heads": 0},
        {"hidden_size": "many"},
        {"hidden_act": "none such"},
        {"model_type": "mistery"},
        {"model_type": "gpt2"},
        {"architectures": ["LlamaForSequenceClassification"]},
        {"architectures": ["BertForMaskedLM"]},
        {"architectures": []},
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
    ],
)
def test_weights_of_another_model_than_the_config_describes_are_refused(folder, lora, changes):
    """What the weights lack would otherwise be made up at random."""
    said(folder, "config.json", **changes)
    with pytest.raises(BaseRefused) as refusal:
        base.load(base.inspect(folder), lora)
    assert "\n" not in str(refusal.value)


def test_weights_that_the_config_has_no_place_for_are_refused(folder, lora):
    tensors = load_file(folder / WEIGHTS) | {"score.weight": torch.zeros(2, 16)}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    with pytest.raises(BaseRefused, match="not those of the model"):
        base.load(base.inspect(folder), lora)


def test_a_tokenizer_of_another_model_is_refused(folder, lora):
    said(folder, "config.json", vocab_size=200)
    tensors = load_file(folder / WEIGHTS)
    for name in ("lm_head.weight", "model.embed_tokens.weight"):
        tensors[name] = tensors[name][:200].clone()
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    base.load(base.inspect(folder), lora)
    with pytest.raises(BaseRefused, match="tokenizer"):
        base.Templated(base.inspect(folder), lora)


@pytest.mark.parametrize(
    "template", ["{% for m in", "{{ raise_exception('no') }}", "hello", "{{ messages[9].content }}"]
)
def test_a_template_that_cannot_be_used_is_refused(folder, lora, template):
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(BaseRefused, match="chat template"):
        base.Templated(base.inspect(folder), lora)


def test_a_base_without_a_template_gets_plain_lines(folder, lora):
    (folder / "chat_template.jinja").unlink()
    tokens = base.Templated(base.inspect(folder), lora)
    answered = Message(role="assistant", content="so much")
    prompt, reply = tokens.example((*ASKED, answered))
    assert tokens.decode(prompt) == "user: so cold?\nassistant:"
    assert tokens.prompt(ASKED) == prompt
    assert tokens.decode(reply) == "so much"
    assert tokens._tokenizer.decode(reply).endswith(FAMILIES["llama"].eos)


def test_an_adapter_is_no_base(folder):
    """The library would follow it to the folder or hub that it names."""
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    with pytest.raises(BaseRefused, match="is an adapter"):
        base.inspect(folder)


def test_targets_that_the_base_does_not_have_are_refused(made, lora):
    with pytest.raises(BaseRefused, match="no linear layers named c_attn"):
        base.check(base.inspect(made), replace(lora, targets="q_proj,c_attn"))
    named = base.check(base.inspect(made), replace(lora, targets="q_proj, v_proj"))
    assert len(named.adapted("q_proj, v_proj")) == 4


def test_a_context_that_the_base_cannot_read_is_refused(made, lora):
    with pytest.raises(BaseRefused, match="reads 1024"):
        base.check(base.inspect(made), replace(lora, context_tokens=1000))


@pytest.mark.skipif(torch.cuda.is_available(), reason="four bits can be had here")
def test_four_bits_are_refused_where_there_is_no_gpu(made, lora):
    with pytest.raises(BaseRefused, match="needs an NVIDIA GPU"):
        base.check(base.inspect(made), replace(lora, four_bit=True))


def test_a_missing_folder_and_a_folder_of_anything_are_refused(tmp_path, monkeypatch):
    with pytest.raises(BaseRefused, match="no base model"):
        base.inspect(tmp_path / "none")
    for number in range(5):
        (tmp_path / f"{number}.md").write_text("a note")
    with pytest.raises(BaseRefused, match=r"config\.json is missing"):
        base.inspect(tmp_path)
    monkeypatch.setattr(folders, "_MOST", 4)
    with pytest.raises(BaseRefused, match="more than 4 files"):
        base.inspect(tmp_path)


def test_a_base_that_changed_under_its_adapter_is_refused(folder, lora):
    foundation = base.inspect(folder)
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    assert base.inspect(folder).digest != foundation.digest
    for use in (base.load, lambda *_: engine.untrained(lora, foundation)):
        with pytest.raises(BaseModelChanged, match="put its files back") as refusal:
            use(foundation, lora)
        assert isinstance(refusal.value, TamperError)


@pytest.mark.slow
def test_a_base_that_changes_in_mid_run_ends_the_run(folder, rows, lora, everything):
    store, foundation = Memory(), base.inspect(folder)
    planned = plan(rows[:16], lora, observe(lora), foundation)

    def told(at):
        if at.step == 2:
            (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")

    with pytest.raises(BaseModelChanged):
        train(planned, store, everything, told)
    assert not [name for name in store.names() if name.startswith("state-")]


def test_a_base_that_changes_while_it_is_read_is_refused(folder, lora, monkeypatch):
    foundation = base.inspect(folder)
    monkeypatch.setattr(loading, "_own", lambda *_: (folder / "more.json").write_text("{}"))
    with pytest.raises(BaseModelChanged):
        base.load(foundation, lora)


def test_weights_in_memory_do_not_follow_the_file(folder, lora):
    model = base.load(base.inspect(folder), lora)
    before = model.model.embed_tokens.weight.clone()
    with (folder / WEIGHTS).open("r+b") as opened:
        opened.seek(-4096, os.SEEK_END)
        opened.write(bytes(4096))
        opened.truncate()
    (folder / WEIGHTS).write_bytes(b"")
    assert torch.equal(model.model.embed_tokens.weight, before)


def test_files_that_nobody_touched_are_not_read_again(folder, monkeypatch):
    monkeypatch.setattr(folders, "_SETTLED_NS", -1)
    foundation = base.inspect(folder)
    monkeypatch.setattr(folders.hashlib, "file_digest", None)
    base.require(foundation)
    (folder / "config.json").touch()
    with pytest.raises(TypeError):
        base.require(foundation)
