"""On disk a view shows nothing, and what is wrong with a file is noticed and made good."""

import pytest

CANARIES = ["Zanzibar", "Quokka", "Perivale", "Xylophon", "xylophon", "harpsichord", "Velociraptor"]


def test_no_plain_word_of_an_item_is_in_the_bytes_of_the_folder(new_world, tmp_path):
    world = new_world(tmp_path)
    world.allow("message", "document", "message.chat.direct.received")
    world.allow("message", "document", purpose="search")
    first, *_ = world.collect(
        world.item("a Zanzibar harpsichord", with_="name:Quokka Xylophon", conversation="Perivale"),
        world.item("a Velociraptor", "document.note", title="Zanzibar", minute=1),
    )
    assert len(world.rows()) == 2
    assert world.views.search.find("harpsichord", now=world.now)
    world.erase(first)
    world.follow()
    world.withdraw("message", person="quokka xylophon")
    world.follow()
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(content) > 10_000
    for canary in CANARIES:
        for spelled in (canary.encode(), canary.encode("utf-16-le"), canary.lower().encode()):
            assert spelled not in content, canary
    world.views.close()


def test_a_damaged_view_begins_at_zero_and_follows_again(new_world, tmp_path):
    world = new_world(tmp_path)
    world.allow("message")
    world.collect(world.item("hello"))
    rows = world.rows()
    world.views.close()
    for name in ("timeline", "training"):
        path = tmp_path / "views" / f"{name}.db"
        path.write_bytes(b"\0" * 4096 + path.read_bytes()[4096:])
    world.views = world.open()
    assert world.views.timeline.position == 0
    assert world.rows() == rows
    world.views.close()


def reasons(views):
    return {view.name: view.begun_anew for view in views.all if view.begun_anew}


def test_a_view_that_starts_over_says_why_and_the_first_one_says_nothing(new_world, tmp_path):
    world = new_world(tmp_path)
    world.collect(world.item("hello"))
    world.follow()
    assert reasons(world.views) == {}
    world.views.people._db.execute("UPDATE meta SET value = 'older' WHERE key = 'version'")
    world.views.close()
    (tmp_path / "views" / "labels.db").unlink()
    (tmp_path / "views" / "timeline.db").write_bytes(b"no database" * 1000)
    world.stores = type(world.stores)(tmp_path / "views", bytes(32))
    world.views = world.open()
    assert reasons(world.views) == {"people": "older", "timeline": "damaged", "labels": "missing"}
    assert [view.dump() for view in world.follow().all] == [v.dump() for v in world.clean().all]
    world.views.close()
    again = world.open()
    assert reasons(again) == {}
    again.close()


def test_the_views_of_another_vault_are_damaged_here(new_world, tmp_path):
    world = new_world(tmp_path)
    world.collect(world.item("hello"))
    world.follow()
    world.views.close()
    world.stores = type(world.stores)(tmp_path / "views", b"k" * 32)
    world.views = world.open()
    assert set(reasons(world.views).values()) == {"damaged"}
    assert world.follow().timeline.count() == 1
    world.views.close()


@pytest.mark.parametrize("name", ["timeline", "people"])
def test_a_page_that_was_damaged_in_the_middle_is_found_in_its_view_alone(
    new_world, tmp_path, name
):
    world = new_world(tmp_path)
    world.collect(*(world.item("hello " * 50, native_id=str(n)) for n in range(100)))
    world.follow()
    assert all(view.is_sound for view in world.views.all)
    world.views.close()
    path = tmp_path / "views" / f"{name}.db"
    content = bytearray(path.read_bytes())
    content[-5000:-4000] = bytes(1000)
    path.write_bytes(content)
    world.views = world.open()
    assert [view.name for view in world.views.all if not view.is_sound] == [name]
    world.views.close()
