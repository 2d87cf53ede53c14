"""A model of which rows are lost: silent at once, its clean beginning heard, rebuilt and proved."""

import base64
import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest

from console import bootstrap
from console.use import collecting, consenting, copying, forgetting, learning, rebuilding
from projections import lineage
from tests.helpers import TOY
from tests.trainer.nearby import Nearby
from trainer import finetune, states
from trainer.base import inspect
from trainer.errors import BaseRefused, NothingPermitted, TrainingError
from trainer.evaluate import report
from trainer.evaluate.report import Measure, Report
from trainer.forget import Clean
from vault.consent import Effect, Filters, Purpose
from vault.errors import Exists, NotFound, NotPermitted, StorageError, UsageError
from vault.events import Manifest, ModelTrained
from vault.log.passphrase import Stretch


def chat(folder, name, month):
    lines = []
    for day in range(1, 21):
        for part in range(2):
            at = f"{day:02d}/{month:02d}/2023, {8 + part * 4:02d}:00"
            lines.append(f"{at} - {name}: Question {day} number {part} about soup?")
            lines.append(f"{at} - Ada Quill: answer {day} & {part}, says {name[0].lower()} pal")
    (folder / f"WhatsApp Chat with {name}.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A vault with a model of some slices; which conversation is last depends on its keys."""
    folder = tmp_path_factory.mktemp("taught")
    for name, month in (("Priya Nair", 3), ("Bex Stone", 4), ("Ned Marlow", 5)):
        chat(folder, name, month)
    costs = Stretch.__init__.__kwdefaults__
    before = dict(costs)
    costs.update(memory=64, passes=1, lanes=1)
    bootstrap.create(folder / "home", "words")
    costs.update(before)
    (folder / "toy.toml").write_text(TOY.replace("40", "16"))
    with opened(folder) as twin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "Child", Nearby)
        collecting.add(twin, folder, names=["Ada Quill"])
        twin.vault.say(Effect.ALLOW, "message", Purpose.TRAIN)
        learning.train(twin, recipe_file=folder / "toy.toml")
    return folder


@contextmanager
def opened(folder):
    twin = bootstrap.open_(folder / "home", "words")
    try:
        twin.catch_up()
        yield twin
    finally:
        twin.close()


@pytest.fixture
def twin(template, tmp_path):
    """A copy of it, open."""
    shutil.copytree(template / "home", tmp_path / "home")
    with opened(tmp_path) as twin:
        yield twin


def conversation(twin, place=-1):
    """That of the row which the model learned in this place."""
    row = lineage.learned(twin.models, twin.manifest().model)[place]
    [stored] = twin.views.timeline.load(row.events[:1])
    return Filters(conversation=stored.item.conversation)


def withdraw(twin, place=-1):
    said = conversation(twin, place)
    consenting.withdraw(twin, "message", Purpose.TRAIN, said)
    return said


def test_the_clean_beginning_answers_in_the_place_of_a_suspended_model(twin):
    whole = learning.chat(twin, "soup?")
    assert whole.whole
    assert whole.rows == whole.rows_in_all
    made = twin.manifest()
    withdraw(twin)
    part = learning.chat(twin, "soup?")
    assert (part.model, part.slices, part.rows_in_all) == (made.model, len(made.slices), made.rows)
    assert 0 < part.slice < part.slices
    assert part.rows == sum(slice_.rows for slice_ in made.slices[: part.slice])
    assert set(twin.voices) == {made.slices[part.slice - 1].state}
    assert states.known(twin.models) == {s.state for s in made.slices[: part.slice]}
    assert learning.models(twin).models[0].status == "suspended"


def test_where_no_clean_beginning_is_left_a_suspended_model_says_nothing(twin):
    withdraw(twin, place=0)
    with pytest.raises(NotPermitted, match="twin retrain"):
        learning.chat(twin, "soup?")
    assert states.traces(twin.models) == set()
    assert twin.voices == {}


def test_what_is_permitted_again_does_not_bring_suspended_weights_back(twin):
    made, kept = twin.manifest(), dict[str, bytes]()
    for slice_ in made.slices:
        kept[slice_.state] = twin.models.read(states.name_of(slice_.state))
    late = withdraw(twin)
    learning.models(twin)
    for state, weights in kept.items():
        twin.models.write(states.name_of(state), weights)
    twin.vault.say(Effect.ALLOW, "message", Purpose.TRAIN, filters=late)
    assert learning.chat(twin, "soup?").slice < len(made.slices)


def kept_report(twin, model):
    said = Report(
        model=model, state="", made_at=twin.vault.now(), position=1, rows=1, seed=0,
        environment="", measures=(Measure(name="canary_exposure", value=1.5),), samples=("soup",),
    )  # fmt: skip
    twin.models.write(report.name_of(model), said.encode())


def test_a_rebuild_is_certified_with_both_derivations(twin, tmp_path, monkeypatch):
    """Nothing of the old model is left in reach: states, logs, reports, copies."""
    old = twin.manifest()
    copying.copy(twin, old.model, tmp_path / "near")
    copying.copy(twin, old.model, tmp_path / "far")
    shutil.move(tmp_path / "far", tmp_path / "farther")
    kept_report(twin, old.model)
    withdraw(twin)
    monkeypatch.setattr(finetune, "Child", Nearby)
    again = rebuilding.retrain(twin, prove=True, exposure=lambda *_: 0.25)
    made = twin.manifest()
    signed = json.loads(again.certificate.read_text())
    twin.log.check(signed["paper"].encode(), base64.b64decode(signed["signature"]))
    paper = json.loads(signed["paper"])
    assert paper["before"]["states"] == [slice_.state for slice_ in old.slices]
    assert paper["after"]["states"] == [slice_.state for slice_ in made.slices]
    for side, manifest in (("before", old), ("after", made)):
        said = paper[side]
        assert (said["rows_root"], said["items_root"]) == (manifest.rows_root, manifest.items_root)
        assert tuple(said["statements"]) == manifest.statements
    assert paper["environment"] == made.environment
    assert paper["identical_to_clean_run"] is again.identical_to_clean_run is True
    assert (paper["exposure_before"], paper["exposure_after"]) == (1.5, 0.25)
    near, far = twin.views.lineage.exports(old.model)
    assert (paper["copies_deleted"], paper["copies_beyond_reach"]) == ([near.entry], [far.entry])
    assert again.copies == (str(tmp_path / "far"),)
    assert str(tmp_path) not in signed["paper"]
    assert not list((tmp_path / "near").glob("*.safetensors"))
    assert list((tmp_path / "farther").glob("*.safetensors"))
    assert states.traces(twin.models) <= {slice_.state for slice_ in made.slices}
    assert report.evaluated(twin.models, (old.model,)) == ()


@pytest.mark.slow
def test_a_replay_from_nothing_gives_the_same_weights(twin):
    assert rebuilding.replay(twin, "twin-1") is True
    withdraw(twin)
    assert rebuilding.replay(twin, rebuilding.retrain(twin).model) is True


def test_erasing_deletes_the_lineage_and_its_certificate_names_what_is_out_of_reach(twin, tmp_path):
    old = twin.manifest()
    copying.copy(twin, old.model, tmp_path / "far")
    shutil.rmtree(tmp_path / "far")
    kept_report(twin, old.model)
    learning.chat(twin, "soup?")
    late = conversation(twin).conversation
    gone = forgetting.forget(twin, forgetting.plan(twin, conversation=late))
    stores = {one.store: one for one in gone.stores}
    clean = twin.views.lineage.clean(old.model, twin.vault.now())
    assert stores["states of models"].destroyed == len(old.slices) - len(clean) > 0
    assert stores["evaluations of models"].destroyed == 1
    assert gone.left == ()
    assert twin.voices == {}
    assert gone.copies == (str(tmp_path / "far"),)
    paper = json.loads(json.loads(gone.certificate.read_text())["paper"])
    assert paper["copies_beyond_reach"] == [twin.views.lineage.exports()[0].entry]
    assert learning.chat(twin, "soup?").rows == sum(slice_.rows for slice_ in clean)


def test_a_child_goes_with_its_parent(twin, tmp_path):
    """Its base is a copy of a model that learned from what was withdrawn."""
    old = twin.manifest()
    copying.copy(twin, old.model, tmp_path / "base")
    rows = [row for row in twin.rows() if row.facts.pair][:3]
    child = Manifest(
        model="twin-2", kind="lora", base=inspect(tmp_path / "base").digest,
        base_path=str(tmp_path / "base"), recipe=old.recipe, environment="", position=1,
        checkpoint="", rows=3, rows_root="", statements=(), slices=old.slices[:1], weights="",
    )  # fmt: skip
    lineage.record(twin.models, "twin-2", rows)
    twin.vault.record(ModelTrained(manifest=child, signature=learning.sign(twin, child)))
    twin.catch_up()
    assert twin.views.lineage.usable("twin-2", twin.vault.now())
    withdraw(twin)
    assert {m.status for m in learning.models(twin).models} == {"suspended"}
    assert twin.views.lineage.clean("twin-2", twin.vault.now()) == ()
    with pytest.raises(BaseRefused, match="copy of twin-1"):
        rebuilding.retrain(twin)


def test_a_copy_opens_in_other_programs_and_says_the_same(twin, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    copied = copying.copy(twin, "", tmp_path / "copy")
    tokens = AutoTokenizer.from_pretrained(copied.out)
    model = AutoModelForCausalLM.from_pretrained(copied.out)
    learning.chat(twin, "soup?")
    [voice] = twin.voices.values()
    asked = [{"role": "user", "content": "soup?"}]
    ids = tokens.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt")
    own = voice._network
    prompt = own.tokens.prompt([learning.Message(role="user", content="soup?")])
    assert ids["input_ids"][0].tolist() == prompt
    assert model(**ids).logits.allclose(own.model(**ids).logits, atol=1e-4)
    assert twin.manifest().rows_root in copied.card.read_text()
    assert not [path for path in copied.out.rglob("*") if path.stat().st_mode & 0o077]


def test_a_copy_is_not_made_of_what_may_not_answer_nor_over_what_is_there(twin, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("x")
    for out, error in ((tmp_path / "taken", Exists), (twin.home / "models" / "x", UsageError)):
        with pytest.raises(error):
            copying.copy(twin, "twin-1", out)
    with pytest.raises(NotFound, match="twin models"):
        copying.copy(twin, "nobody", tmp_path / "copy")
    withdraw(twin)
    with pytest.raises(NotPermitted, match="twin retrain"):
        copying.copy(twin, "twin-1", tmp_path / "copy")
    assert twin.views.lineage.exports() == ()
    assert {path.name for path in tmp_path.iterdir()} == {"home", "taken"}


def test_a_full_disk_in_mid_rebuild_registers_nothing(twin, monkeypatch):
    withdraw(twin)
    made, write = twin.manifest(), type(twin.models).write

    def full(self, name, content):
        if name.startswith("state-") or name.endswith(".rows"):
            raise StorageError("No space is left on the device; make room.")
        write(self, name, content)

    monkeypatch.setattr(type(twin.models), "write", full)
    monkeypatch.setattr(finetune, "Child", Nearby)
    with pytest.raises(StorageError, match="make room"):
        rebuilding.retrain(twin)
    assert [model.model for model in learning.models(twin).models] == [made.model]
    assert learning.chat(twin, "soup?").slice > 0


def test_with_nothing_left_a_rebuild_is_refused_and_nothing_is_kept(twin):
    twin.vault.say(Effect.DENY, "message", Purpose.TRAIN)
    with pytest.raises(NothingPermitted, match="allow"):
        rebuilding.retrain(twin)
    assert states.traces(twin.models) == set()


def test_a_replay_of_a_lost_or_unknown_model_is_refused(twin):
    with pytest.raises(NotFound):
        rebuilding.replay(twin, "nobody")
    withdraw(twin)
    with pytest.raises(NotPermitted, match="nothing may learn from it"):
        rebuilding.replay(twin, "twin-1")


def test_rows_that_the_log_does_not_give_any_more_are_no_verdict(twin, monkeypatch):
    made = twin.manifest()
    other = Clean(environment=made.environment, rows_root="00", state="", weights="")
    monkeypatch.setattr(rebuilding.CleanRun, "result", lambda *_: other)
    with pytest.raises(TrainingError, match="does not give the rows"):
        rebuilding.replay(twin, made.model)
    forged = replace(other, rows_root=made.rows_root)
    monkeypatch.setattr(rebuilding.CleanRun, "result", lambda *_: forged)
    assert rebuilding.replay(twin, made.model) is False
