"""`twin train`: what it says before anything runs, and what it refuses."""

import json
from pathlib import Path

import pytest

from console import bootstrap
from console.planning import chosen
from console.use import collecting, learning, planning
from tests.helpers import TOY, write_chats
from tests.trainer.families import make
from tests.trainer.nearby import Nearby
from trainer import estimate, finetune, states
from trainer.errors import BaseRefused, NothingPermitted
from trainer.recipe import preset
from vault.consent import Effect, Purpose
from vault.errors import NotFound, UsageError
from vault.log.passphrase import Stretch


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """A vault with rows that may be learned, shared by all tests here."""
    folder = tmp_path_factory.mktemp("planning")
    with pytest.MonkeyPatch.context() as patch:
        for setting in ("memory", "passes", "lanes"):
            patch.setitem(Stretch.__init__.__kwdefaults__, setting, {"memory": 64}.get(setting, 1))
        bootstrap.create(folder / "home", "words")
    (folder / "toy.toml").write_text(TOY)
    opened = bootstrap.open_(folder / "home", "words")
    collecting.add(opened, write_chats(folder), names=["Ada Quill"])
    opened.vault.say(Effect.ALLOW, "message", Purpose.TRAIN)
    opened.catch_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate, "Child", Nearby)
        patch.setattr(finetune, "Child", Nearby)
        yield opened
    opened.close()


@pytest.fixture(scope="module")
def toy(twin):
    return chosen(None, twin.home.parent / "toy.toml")


@pytest.fixture
def folder(tmp_path):
    return make("llama", tmp_path / "base")


def nothing_is_registered(twin):
    return not learning.models(twin).models and not states.known(twin.models)


def test_a_plan_says_what_a_run_would_learn_and_cost_and_keeps_nothing(twin, toy):
    told = planning.plan(twin, toy)
    assert told.rows > 100
    assert sum(share.rows for share in told.types) == told.rows
    assert sum(share.rows for share in told.statements) >= told.rows
    assert (told.kept_slices, told.slices > 1, told.steps > 0) == (0, True, True)
    assert 0 < told.tokens_learned < told.tokens_read
    assert told.seconds
    assert told.seconds > 0
    assert nothing_is_registered(twin)


def test_a_plan_is_told_in_words(twin, folder):
    small = preset("small", epochs=1.0, learning_rate=1e-3, context_tokens=64, reply_tokens=64)
    said = "\n".join(planning.lines(planning.plan(twin, small, folder), {}))
    for part in ("rows to learn", "by statement", "Memory: about", "Time: about", "0.0002"):
        assert part in said
    assert nothing_is_registered(twin)


def test_what_cannot_fit_is_told_and_not_tried(twin, toy, monkeypatch):
    monkeypatch.setattr(estimate, "free", lambda _: 1000)
    monkeypatch.setattr(estimate, "Child", None)
    told = planning.plan(twin, toy)
    assert told.seconds is None
    assert any("lower batch" in note for note in told.notes)


def test_a_plan_of_nothing_is_refused(twin, toy, monkeypatch):
    monkeypatch.setattr(type(twin), "rows", lambda *_, **__: ())
    with pytest.raises(NothingPermitted):
        planning.plan(twin, toy)


def test_the_preset_follows_the_base_and_completes_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("rank = 4")
    assert chosen(None, None) == preset("voice")
    assert chosen(Path("base"), None, view="work") == preset("small", view="work")
    assert chosen(Path("base"), file) == preset("small", rank=4, name="mine")
    assert chosen(Path("base"), file, "large") == preset("large", rank=4, name="mine")


@pytest.mark.parametrize(
    ("base", "name", "said"),
    [
        (None, "small", "--base"),
        (Path("base"), "voice", "small, large"),
        (Path("base"), "scratch", "starts from nothing"),
    ],
)
def test_a_recipe_that_does_not_go_with_the_base_is_refused(base, name, said):
    with pytest.raises(UsageError, match=said):
        chosen(base, None, name)
    with pytest.raises(NotFound, match="voice, scratch, small, large"):
        chosen(base, None, "gigantic")


def pickled(folder):
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def coded(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "m.M"}}))


def giant(folder):
    with (folder / "model.safetensors").open("r+b") as opened:
        opened.write((1 << 30).to_bytes(8, "little"))
        opened.truncate(2 << 30)


def another(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (pickled, "convert the model"),
        (coded, "take a model that needs none"),
        (giant, "another source"),
        (another, "take a base that does"),
    ],
)
def test_a_base_that_may_not_be_loaded_is_refused_with_the_way_out(twin, folder, spoil, said):
    spoil(folder)
    for use in (
        lambda: planning.plan(twin, preset("small"), folder),
        lambda: learning.train(twin, base=folder),
    ):
        with pytest.raises(BaseRefused, match=said):
            use()
    assert nothing_is_registered(twin)


def test_slices_that_were_learned_before_are_not_counted_again(twin, toy):
    learning.train(twin, recipe_file=twin.home.parent / "toy.toml")
    told = planning.plan(twin, toy)
    assert told.kept_slices == told.slices
    assert (told.steps, told.tokens_read, told.seconds) == (0, 0, None)
    assert "0 steps to go" in "\n".join(planning.lines(told, {}))
