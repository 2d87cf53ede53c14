"""Which model learned from what, and when it may not answer any more."""

import pytest

from projections.lineage import forget_rows, learned, record
from vault.errors import NotFound
from vault.events import (
    Manifest,
    ModelPreferred,
    ModelRetired,
    ModelRetrained,
    ModelSuspended,
    ModelTrained,
)


def manifest(name, rows=1):
    return Manifest(
        model=name, kind="scratch", base="", base_path="", recipe="{}", environment="{}",
        position=1, checkpoint="", rows=rows, rows_root="", statements=(), slices=(), weights="",
    )  # fmt: skip


@pytest.fixture
def trained(world):
    world.allow("message")
    world.collect(*(world.item(f"hello {c}", conversation=c) for c in "AB"))
    record(world.views.lineage._files, "m1", world.rows())
    world.log.add(ModelTrained(manifest=manifest("m1", 2), signature=b""))
    world.follow()
    return world


def test_a_model_is_usable_while_all_it_learned_from_is_permitted(trained):
    lineage = trained.views.lineage
    assert lineage.usable("m1", trained.now)
    assert lineage.to_suspend(trained.now) == ()
    trained.withdraw("message", conversation="A")
    trained.views.catch_up(trained.log)
    # Before anybody wrote down that it is suspended, it does not answer already.
    assert not lineage.usable("m1", trained.now)
    assert [(one.model, one.rows) for one in lineage.to_suspend(trained.now)] == [("m1", 1)]


def test_an_erasure_counts_like_a_withdrawal(trained):
    trained.erase(trained.views.timeline.select(conversation="A")[0])
    trained.views.catch_up(trained.log)
    assert not trained.views.lineage.usable("m1", trained.now)


def test_status_follows_the_log(trained):
    lineage = trained.views.lineage
    trained.log.add(ModelSuspended(model="m1", rows=1, cause="withdrawn"))
    trained.follow()
    assert lineage.model("m1").status == "suspended"
    assert lineage.to_suspend(trained.now) == ()
    trained.log.add(
        ModelRetrained(manifest=manifest("m2"), signature=b"", replaces="m1", replayed_slices=1)
    )
    trained.follow()
    assert (lineage.model("m1").status, lineage.model("m1").replaced_by) == ("replaced", "m2")
    assert lineage.model().id == "m2"
    assert [model.id for model in lineage.models()] == ["m2", "m1"]


def test_a_model_of_which_nothing_is_kept_is_not_usable(trained):
    forget_rows(trained.views.lineage._files, "m1")
    assert not trained.views.lineage.usable("m1", trained.now)
    with pytest.raises(NotFound):
        learned(trained.views.lineage._files, "m1")


def test_no_model_is_said_in_a_sentence_with_the_way_out(world):
    with pytest.raises(NotFound, match="twin train"):
        world.views.lineage.model()


def test_what_is_kept_of_rows_holds_no_words(trained):
    assert b"hello" not in trained.views.lineage._files.read("m1.rows")


def test_a_suspension_is_told_with_its_cause(trained):
    trained.log.add(ModelSuspended(model="m1", rows=2, cause="withdrawn"))
    trained.follow()
    model = trained.views.lineage.model("m1")
    assert (model.cause, model.lost) == ("withdrawn", 2)


def test_the_newest_answers_until_the_owner_prefers_another(trained):
    lineage = trained.views.lineage
    record(lineage._files, "m2", trained.rows())
    trained.log.add(ModelTrained(manifest=manifest("m2", 2), signature=b""))
    trained.follow()
    assert (lineage.answering, lineage.preferred) == ("m2", "")
    trained.log.add(ModelPreferred(model="m1"))
    trained.follow()
    assert (lineage.answering, lineage.preferred) == ("m1", "m1")
    trained.log.add(ModelSuspended(model="m1", rows=1, cause="withdrawn"))
    trained.follow()
    assert (lineage.answering, lineage.preferred) == ("m2", "m1")
    trained.log.add(ModelPreferred(model=""))
    trained.follow()
    assert lineage.preferred == ""


def test_what_takes_the_place_of_a_preferred_model_is_preferred(trained):
    lineage = trained.views.lineage
    record(lineage._files, "m3", trained.rows())
    trained.log.add(
        ModelPreferred(model="m1"),
        ModelTrained(manifest=manifest("m2", 2), signature=b""),
        ModelRetrained(manifest=manifest("m3"), signature=b"", replaces="m1", replayed_slices=1),
    )
    trained.follow()
    assert (lineage.preferred, lineage.answering) == ("m3", "m3")


def test_a_retired_model_answers_no_more_and_is_not_rebuilt(trained):
    lineage = trained.views.lineage
    trained.log.add(ModelRetired(model="m1"), ModelSuspended(model="m1", rows=1, cause="late"))
    trained.follow()
    assert lineage.model("m1").status == "retired"
    assert not lineage.usable("m1", trained.now)
    assert lineage.clean("m1", trained.now) == ()
    assert lineage.answering == ""
    with pytest.raises(NotFound, match="twin train"):
        lineage.model()
