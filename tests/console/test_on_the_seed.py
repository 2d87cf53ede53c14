"""A voice on the seed that ships: planned, taught, asked, taken back, proved, handed out."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console import bootstrap
from console.planning import chosen, planned
from console.use import (
    collecting,
    consenting,
    conversing,
    copying,
    evaluating,
    exporting,
    fetching,
    learning,
    planning,
    rebuilding,
    speaking,
)
from projections import lineage
from tests.trainer.nearby import Nearby
from trainer import base, estimate, finetune, folder, runs, seed, states
from trainer.errors import BaseModelChanged, TrainingError
from trainer.recipe import preset
from trainer.slices import Foundation
from trainer.states import name_of
from vault.consent import Effect, Filters, Purpose
from vault.errors import UsageError
from vault.log.passphrase import Stretch

# As little as makes three slices: each takes a step or two.
VOICE = """\
kind = "seed"
threads = 1
epochs = 0.3
later_epochs = 0.3
trunk = 48
slice_rows = 40
"""
ADAPTED = """\
kind = "lora"
rank = 2
context = 1
context_tokens = 64
reply_tokens = 32
epochs = 0.05
patience = 0
trunk = 400
threads = 1
"""
NAMES = ("Priya Nair", "Bex Stone", "Ned Marlow", "Ottoline Reed", "Wendel Hart", "Ingrid Vale")
WEIGHTS = "model.safetensors"
TYPES = ("message", "message.chat.direct.received")
ASKED = "Did you keep any of the soup?"


def chats(folder):
    """Write one conversation after the other, so that the last stands in the last slices alone.

    A week is on one side of the split as a whole: of so many some are held out, whatever the keys.
    """
    for at, name in enumerate(NAMES):
        lines = []
        for week in range(12):
            when = datetime(2022, 1, 3, 18, tzinfo=UTC) + timedelta(weeks=12 * at + week)
            for part in range(2):
                said = when + timedelta(hours=part)
                number = 1000 + 137 * (24 * at + 2 * week + part)
                lines += (
                    f"{said:%d/%m/%Y, %H:%M} - {name}: Did soup {number} keep until {week} & {part}?",
                    f"{said:%d/%m/%Y, %H:%M} - Ada Quill: locker {number} & so cold, {name[0].lower()} pal",
                )
        (folder / f"WhatsApp Chat with {name}.txt").write_text("\n".join(lines) + "\n")


@contextmanager
def opened(folder):
    twin = bootstrap.open_(folder / "home", "words")
    try:
        twin.catch_up()
        yield twin
    finally:
        twin.close()


@pytest.fixture(scope="module", autouse=True)
def nearby():
    """Runs and trials happen in this process, which leaves torch as it was."""
    import torch  # noqa: PLC0415 - only where models are

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "Child", Nearby)
        patch.setattr(estimate, "Child", Nearby)
        yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def template(tmp_path_factory, nearby):
    """A vault with a voice of three slices."""
    del nearby
    folder = tmp_path_factory.mktemp("seeded")
    chats(folder)
    costs = Stretch.__init__.__kwdefaults__
    before = dict(costs)
    costs.update(memory=64, passes=1, lanes=1)
    bootstrap.create(folder / "home", "words")
    costs.update(before)
    (folder / "mine.toml").write_text(VOICE)
    with opened(folder) as twin:
        collecting.add(twin, folder, names=["Ada Quill"])
        for kind in TYPES:
            twin.vault.say(Effect.ALLOW, kind, Purpose.TRAIN)
        learning.train(twin, recipe_file=folder / "mine.toml")
    return folder


@pytest.fixture
def twin(template, tmp_path):
    """A copy of it, open."""
    shutil.copytree(template / "home", tmp_path / "home")
    with opened(tmp_path) as twin:
        yield twin


@pytest.fixture(scope="module")
def voice():
    return chosen(None, None, text=VOICE)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the seed that may be damaged; the program takes it for its own."""
    shutil.copytree(seed.FOLDER, tmp_path / "seed")
    monkeypatch.setattr(seed, "FOLDER", tmp_path / "seed")
    return tmp_path / "seed"


@pytest.fixture
def another(elsewhere, monkeypatch):
    """The program comes with another seed than the one that the voice went on from.

    Its weights are the same: that is no reason to take it for the other.
    """
    (elsewhere / "notes.txt").write_text("of the next version\n")
    monkeypatch.setattr(seed, "DIGEST", base.inspect(elsewhere).digest)
    return seed.DIGEST


def withdraw(twin):
    """Take back the conversation of the row that was learned last."""
    row = lineage.learned(twin.models, twin.manifest().model)[-1]
    [stored] = twin.views.timeline.load(row.events[:1])
    consenting.withdraw(
        twin, "message", Purpose.TRAIN, Filters(conversation=stored.item.conversation)
    )


# ---------------------------------------------------------------------- recipes


def test_a_recipe_starts_from_the_preset_of_its_kind_whatever_was_chosen_before(tmp_path):
    (tmp_path / "mine.toml").write_text('kind = "scratch"\n')
    for found in (
        chosen(None, tmp_path / "mine.toml", "voice"),
        chosen(None, None, "voice", text='kind = "scratch"\n'),
        chosen(None, None, text='kind = "scratch"\n'),
    ):
        assert replace(found, name="scratch") == preset("scratch")
        assert found.learning_rate != preset("voice").learning_rate
    assert replace(chosen(None, None, "scratch", text='kind = "seed"'), name="voice") == preset(
        "voice"
    )


@pytest.mark.parametrize("line", ["width = 64", "layers = 4", "heads = 2"])
def test_the_seed_has_a_shape_of_its_own(line):
    for start in ("", "voice", "scratch"):
        with pytest.raises(UsageError, match="'scratch', or leave them out"):
            chosen(None, None, start, text=f'kind = "seed"\n{line}\n')
    with pytest.raises(UsageError, match="'scratch', or leave them out"):
        chosen(None, None, text=f"{line}\n")


# ---------------------------------------------------------------------- planned


def test_a_plan_says_that_it_goes_on_from_the_seed_and_what_that_costs(twin, voice):
    told = planning.plan(twin, replace(voice, seed=7))
    made = twin.manifest()
    shipped = base.describe(Foundation(digest=seed.DIGEST))
    assert (told.base, told.slices, told.kept_slices) == (seed.NAME, 3, 0)
    assert (told.rows, told.device) == (made.rows, "cpu")
    assert told.held > 0
    assert 3 <= told.steps < 20
    assert 0 < told.tokens_learned < told.tokens_read
    # All of it learns: nothing lies beside what is trained.
    assert (told.memory.base, told.memory.adapters) == (0, 4 * shipped.parameters)
    assert told.memory_total == told.memory.total
    assert told.seconds
    said = "\n".join(planning.lines(told, {}))
    assert said.startswith(f"own on {seed.NAME} (cpu): {told.rows} rows to learn")
    assert [one.model for one in learning.models(twin).models] == [made.model]


def cut(at):
    (at / WEIGHTS).write_bytes((at / WEIGHTS).read_bytes()[:-1000])


def flipped(at):
    body = bytearray((at / WEIGHTS).read_bytes())
    body[-1000] ^= 1
    (at / WEIGHTS).write_bytes(body)


def without(name):
    def gone(at):
        (at / name).unlink()

    return gone


DAMAGES = {
    "cut": cut,
    "flipped": flipped,
    "no weights": without(WEIGHTS),
    "no config": without("config.json"),
    "no tokenizer": without("tokenizer.json"),
    "no words": without(seed.WORDS),
    "nothing": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_seed_is_refused_with_the_way_back_before_anything_is_learned(
    twin, voice, elsewhere, monkeypatch, damage
):
    damage(elsewhere)
    monkeypatch.setattr(finetune, "Child", None)
    monkeypatch.setattr(estimate, "Child", None)
    known, other = states.known(twin.models), replace(voice, seed=7)
    adapted = chosen(elsewhere, None, text=ADAPTED)
    for use in (
        lambda: planned(twin, voice, None),
        lambda: planned(twin, adapted, fetching.folder_of("seed")),
        lambda: planning.plan(twin, other),
        lambda: learning.train(twin, recipe=other),
        lambda: rebuilding.retrain(twin),
        lambda: rebuilding.replay(twin, "twin-1"),
        lambda: learning.chat(twin, ASKED),
        lambda: copying.copy(twin, "twin-1", elsewhere.parent / "copy"),
    ):
        with pytest.raises(TrainingError) as refused:
            use()
        said = str(refused.value)
        assert said.startswith("The seed that comes with Twinvault is damaged or incomplete; get")
        assert "git checkout -- trainer/seed" in said
        assert "pip install --force-reinstall" in said
        assert "\n" not in said
    assert states.known(twin.models) == known
    assert runs.listed(twin.models)[0].last.phase == "done"
    assert [one.status for one in learning.models(twin).models] == ["trained"]


# ---------------------------------------------------------------------- taught and asked


def test_a_voice_goes_on_from_the_seed_wherever_the_program_lies(twin):
    made = twin.manifest()
    assert (made.kind, made.base, made.base_path) == ("seed", seed.DIGEST, "")
    assert len(made.slices) == 3
    [run] = runs.listed(twin.models)
    assert (run.base, run.last.phase) == ("", "done")
    answered = learning.chat(twin, ASKED)
    assert isinstance(answered.answer, str)
    assert answered.whole
    assert (answered.model, answered.rows) == (made.model, made.rows)
    # It has her manner, and is too small to read what it is shown.
    assert not speaking.speaker(twin).reads


def test_it_answers_in_a_conversation_as_it_does_when_it_is_asked_once(twin):
    talk = conversing.begin(twin)
    [turn] = conversing.ask(twin, talk, ASKED, grounded=False)
    conversing.write(turn, lambda goes_on: conversing.may_go_on(twin, turn, goes_on))
    assert turn.answer.state == "done"
    assert turn.answer.text == learning.chat(twin, ASKED).answer


def test_adapters_go_on_the_seed_by_its_name(twin):
    found = fetching.folder_of("seed")
    recipe = chosen(found, None, text=ADAPTED)
    assert planning.plan(twin, recipe, found).base == seed.NAME
    trained = learning.train(twin, base=found, recipe=recipe)
    made = twin.manifest()
    assert trained.model == made.model == "twin-2"
    assert (made.kind, made.base, made.base_path) == ("lora", seed.DIGEST, "")
    assert runs.listed(twin.models)[0].base == seed.NAME
    assert not speaking.speaker(twin, made.model).reads
    assert learning.chat(twin, ASKED).model == made.model
    # One that adapts a base of hers does read.
    hers = replace(
        speaking.speaker(twin, made.model), foundation=Foundation(digest="ab", path="hers")
    )
    assert hers.reads


# ---------------------------------------------------------------------- taken back and proved


def test_a_withdrawn_conversation_is_unlearned_and_that_is_proved(twin):
    old = twin.manifest()
    withdraw(twin)
    assert learning.models(twin).models[0].status == "suspended"
    part = learning.chat(twin, ASKED)
    assert (part.model, part.slices, part.rows_in_all) == (old.model, 3, old.rows)
    assert 0 < part.slice < part.slices
    assert states.known(twin.models) == {one.state for one in old.slices[: part.slice]}
    again = rebuilding.retrain(twin, prove=True)
    made = twin.manifest()
    assert again.identical_to_clean_run is True
    assert (made.kind, made.base, made.base_path) == ("seed", seed.DIGEST, "")
    assert made.rows < old.rows
    assert made.weights != old.weights
    # A short rest joins the slice before it, so more may be learned anew than was lost.
    assert made.slices[0] == old.slices[0]
    assert again.replayed_slices == len(set(made.slices) - set(old.slices)) > 0
    assert learning.chat(twin, ASKED).whole
    paper = json.loads(json.loads(again.certificate.read_text())["paper"])
    assert paper["before"]["base"] == paper["after"]["base"] == seed.DIGEST


def test_a_replay_from_the_seed_gives_the_same_weights(twin):
    assert rebuilding.replay(twin, "twin-1") is True


def test_with_another_seed_a_voice_neither_speaks_nor_is_called_otherwise_made(
    twin, another, monkeypatch, tmp_path
):
    assert another != twin.manifest().base
    monkeypatch.setattr(rebuilding, "CleanRun", None)
    for use in (
        lambda: rebuilding.replay(twin, "twin-1"),
        lambda: learning.chat(twin, ASKED),
        lambda: copying.copy(twin, "twin-1", tmp_path / "copy"),
        lambda: evaluating.evaluate(twin, quick=True),
    ):
        with pytest.raises(BaseModelChanged, match=r"another seed .*`twin retrain`"):
            use()
    assert [one.status for one in learning.models(twin).models] == ["trained"]


def test_with_another_seed_a_voice_is_rebuilt_on_that_one(twin, another):
    old = twin.manifest()
    again = rebuilding.retrain(twin)
    made = twin.manifest()
    assert (made.kind, made.base, made.base_path) == ("seed", another, "")
    assert again.replayed_slices == len(made.slices) == 3
    assert made.rows_root == old.rows_root
    assert learning.chat(twin, ASKED).model == made.model
    assert not {one.state for one in old.slices} & states.known(twin.models)


# ---------------------------------------------------------------------- handed out


def test_a_copy_opens_in_other_programs_with_both_cards(twin, tmp_path):
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    copied = copying.copy(twin, "", tmp_path / "copy")
    theirs = AutoModelForCausalLM.from_pretrained(copied.out, local_files_only=True).eval()
    reads = AutoTokenizer.from_pretrained(copied.out, local_files_only=True)
    ids = reads.apply_chat_template(
        [{"role": "user", "content": ASKED}], add_generation_prompt=True, return_tensors="pt"
    )["input_ids"]
    learning.chat(twin, ASKED)
    [ours] = (kept._network for kept in twin.voices.values())
    assert ids[0].tolist() == ours.tokens.prompt([learning.Message(role="user", content=ASKED)])
    with torch.inference_mode():
        assert theirs(input_ids=ids).logits.allclose(ours.model(input_ids=ids).logits, atol=1e-4)
    assert copied.card == tmp_path / "copy" / folder.CARD
    assert f"seed {seed.DIGEST}" in copied.card.read_text()
    assert twin.manifest().rows_root in copied.card.read_text()
    shipped = (seed.FOLDER / folder.CARD).read_bytes()
    assert (copied.out / folder.CREDIT).read_bytes() == shipped
    [export] = twin.views.lineage.exports("twin-1")
    assert export.digest == base.inspect(copied.out).digest


def test_the_portable_copy_has_what_opens_a_voice(twin, tmp_path):
    from safetensors.torch import load_file  # noqa: PLC0415
    from transformers import LlamaForCausalLM  # noqa: PLC0415

    exporting.export(twin, tmp_path / "out")
    at = tmp_path / "out" / "models" / "twin-1"
    for ours, theirs in (("tokenizer.json",) * 2, (folder.CARD, folder.CREDIT)):
        assert (at / theirs).read_bytes() == (seed.FOLDER / ours).read_bytes()
    network, told = LlamaForCausalLM.from_pretrained(
        at, local_files_only=True, output_loading_info=True
    )
    assert not told["missing_keys"]
    assert not told["mismatched_keys"]
    # The seed ships in 16 bits; what it learned is not rounded to them when it is opened.
    kept = load_file(at / WEIGHTS)
    opened = dict(network.named_parameters())
    assert opened.keys() == {name for name in kept if not name.startswith("lexicon.")}
    assert all(weight.equal(kept[name]) for name, weight in opened.items())


@pytest.mark.parametrize(
    "damage", [*DAMAGES.values(), without(folder.CARD)], ids=[*DAMAGES, "card"]
)
def test_a_damaged_seed_keeps_nobody_from_the_portable_copy(twin, elsewhere, tmp_path, damage):
    damage(elsewhere)
    exporting.export(twin, tmp_path / "out")
    at = tmp_path / "out" / "models" / "twin-1"
    weights = twin.models.read(name_of(twin.manifest().slices[-1].state))
    assert (at / WEIGHTS).read_bytes() == weights
    about = json.loads((at / "model.json").read_text())
    assert (about["status"], about["weights"]) == ("trained", WEIGHTS)
    assert json.loads(about["manifest"])["base"] == seed.DIGEST
    # What is not the seed's own is not passed off as what belongs to the weights.
    assert {path.name for path in at.iterdir()} == {WEIGHTS, "model.json"}


# ---------------------------------------------------------------------- examined


def test_a_voice_is_examined_against_the_seed(twin, monkeypatch, tmp_path):
    from trainer.evaluate import examine  # noqa: PLC0415 - pulls in torch

    few = {"answers": 12, "learned": 24, "canaries": 2, "references": 8, "questions": 2}
    monkeypatch.setattr(examine, "QUICK", replace(examine.QUICK, **few))
    with pytest.raises(UsageError, match="leave out --base"):
        evaluating.evaluate(twin, quick=True, base=tmp_path)
    report = evaluating.evaluate(twin, quick=True).report
    assert (report.model, report.state) == ("twin-1", twin.manifest().slices[-1].state)
    measured = {one.name for one in report.measures if one.value is not None}
    assert measured >= {"held_bits_per_byte", "learned_bits_per_byte", "canary_exposure", "copied"}
    assert evaluating.show(twin).report == report
