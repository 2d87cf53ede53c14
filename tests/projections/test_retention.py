"""What is past its days, and when the time in the log leapt."""

from datetime import timedelta

from vault.consent import Pause
from vault.events import ItemErased, ItemRevised, OwnerNamed, RetentionSet

DAY = timedelta(days=1)


def aged(world, days, **fields):
    """Describe an item that was written so many days before the log begins."""
    at = None if days is None else world.start - days * DAY
    return world.item(f"{days} days", at=at, minute=days or 0, **fields)


def outlived(world, pauses=(), **rules):
    timeline = world.follow().timeline
    said = {kind.replace("_", "."): days for kind, days in rules.items()}
    return list(timeline.outlived(said, world.start, pauses))


def test_an_item_is_as_old_as_the_time_it_states(world):
    old, new = world.collect(aged(world, 40), aged(world, 20))
    assert outlived(world, message=30) == [old]
    assert outlived(world, message=10) == [old, new]
    assert outlived(world, message=40) == []
    assert outlived(world) == []


def test_an_item_without_a_date_is_as_old_as_its_collection(world):
    [undated] = world.collect(aged(world, None))
    timeline = world.follow().timeline
    for days, found in ((9, ()), (11, (undated,))):
        assert timeline.outlived({"message": 10}, world.start + days * DAY) == found


def test_a_revision_does_not_make_an_undated_item_younger(world):
    [undated] = world.collect(aged(world, None))
    world.log._last += 20 * 86400
    world.log.add(ItemRevised(item_id=undated, item=aged(world, None, title="again")))
    timeline = world.follow().timeline
    assert timeline.outlived({"message": 10}, world.start + 11 * DAY) == (undated,)
    world.log.add(ItemRevised(item_id=undated, item=aged(world, 5, title="dated")))
    timeline = world.follow().timeline
    assert timeline.outlived({"message": 10}, world.start + 4 * DAY) == ()
    assert timeline.outlived({"message": 10}, world.start + 6 * DAY) == (undated,)


def test_a_rule_reaches_the_types_beneath_and_labels_and_the_nearest_holds(world):
    mail, chat, note, ill = world.collect(
        aged(world, 40, kind="message.email.sent"),
        aged(world, 40, kind="message.chat.direct.received"),
        aged(world, 40, kind="document.note"),
        aged(world, 40, kind="document.note", labels=("health",), source="other"),
    )
    assert set(outlived(world, message=30)) == {mail, chat}
    assert set(outlived(world, message=30, message_email=90)) == {chat}
    assert set(outlived(world, message=30, message_chat=None)) == {mail}
    assert set(outlived(world, document=30)) == {note, ill}
    assert set(outlived(world, health=30)) == {ill}


def test_what_is_paused_is_kept_past_its_days(world):
    mail, chat = world.collect(
        aged(world, 40, kind="message.email.sent", with_="mailto:bob@x.example"),
        aged(world, 40, kind="message.chat.direct.sent"),
    )
    for pause, kept in (
        (Pause(id="1"), {mail, chat}),
        (Pause(id="1", type="message.email"), {mail}),
        (Pause(id="1", person="bob@x.example"), {mail}),
        (Pause(id="1", source="phone"), {mail, chat}),
        (Pause(id="1", source="elsewhere"), set()),
    ):
        assert set(outlived(world, (pause,), message=30)) == {mail, chat} - kept


def test_looking_for_what_is_due_reads_no_more_than_one_step_of_the_index_for_each_kind(world):
    world.collect(*(aged(world, n % 300, native_id=str(n)) for n in range(500)))
    timeline = world.follow().timeline
    asked = []
    timeline._db.exec_trace = lambda _, sql, values: asked.append((sql, values)) or True
    assert timeline.outlived({"message": 300}, world.start) == ()
    timeline._db.exec_trace = None
    steps = [timeline._rows(f"EXPLAIN QUERY PLAN {sql}", values)[0][-1] for sql, values in asked]
    assert steps == ["SCAN types", "SEARCH items USING INDEX items_by_age (type=? AND dated<?)"]
    assert len(timeline._rows("SELECT * FROM types")) == 1


def test_rules_are_kept_and_the_last_one_for_a_type_holds(world):
    world.log.add(RetentionSet(type="message", days=30), RetentionSet(type="document", days=9))
    world.log.add(RetentionSet(type="message", days=None))
    views = world.follow()
    assert views.permissions.retention == {"document": 9, "message": None}
    assert views.permissions.dump() == world.clean().permissions.dump()


def test_a_step_of_more_than_a_month_is_a_leap_until_an_erasure_by_retention_vouches(world):
    def passed(days):
        world.log._last += days * 86400
        world.log.add(OwnerNamed(names=("x",)))
        return world.follow().permissions

    world.log.add(OwnerNamed(names=("asha",)))
    begun = world.follow().permissions.newest
    assert passed(20).leapt == passed(30).leapt == begun
    leap = passed(32).newest
    assert passed(10).leapt == leap
    world.log.add(ItemErased(item_ids=(), cause="asked"))
    assert passed(1).leapt == leap
    world.log.add(ItemErased(item_ids=(), cause="retention"))
    assert passed(1).leapt is None
    again = passed(400)
    assert again.leapt == again.newest
