"""On disk a view shows nothing: not a word, not a name, not a conversation."""

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
