import json
import os
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from vault import events as e
from vault.codec import TOPICS
from vault.collectors import collect
from vault.collectors.api import Found
from vault.collectors.collect import Limits
from vault.collectors.copied import Carried, Counts, Listed, Manifest
from vault.collectors.portable import (
    CONTEXT,
    CONTEXT_FILE,
    CORRECTIONS,
    FORMAT,
    LONGEST,
    OWNER,
    SAID,
    STATEMENTS,
    VERSION,
    Line,
    Named,
    Unfit,
    correction_of,
    event_of,
    item_of,
    items_file,
    json_of,
    line_of,
    people_of,
    said_of,
)
from vault.collectors.readers.text import clean
from vault.collectors.recalling import recall
from vault.consent import Effect, Filters, Pause, Purpose, Statement
from vault.errors import ForeignVault, NotFound, TamperError
from vault.items import Agent, Attachment, Bad, Content, Item, Precision, Progress

DAY = datetime(2024, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
FULL = Item(
    source="mbox",
    native_id="<1@example.org>",
    type="message.email.sent",
    at=DAY,
    offset=-330,
    precision=Precision.MINUTE,
    assumed=True,
    author=Agent(id="mailto:ada@example.org", name="Ada Quill"),
    to=(Agent(id="name:Priya Nair", name="Priya"), Agent(id="mailto:a b@c", name=""), Agent(id="")),
    conversation="soup\n& more",
    reply_to="<0@example.org>",
    title="Soup?",
    text="Soup \u2028 \U0001f372\n> no",
    text_new="",
    language="en",
    labels=("health", "finance"),
    tags=("Inbox", "soup/\u2028"),
    attachments=(Attachment(name="a.pdf", media_type="application/pdf", size=3, sha256="ab"),),
    locator="mail.mbox!x#12",
)
STATEMENT = Statement(
    id="1",
    effect=Effect.DENY,
    type="message",
    purpose=Purpose.TRAIN,
    filters=Filters(person="priya nair", since=DAY),
)


def line(item=FULL, **changes):
    encoded = json.loads(json_of(line_of(item, id_="f-1", entry="f-2", collected=DAY)))
    return json.dumps(encoded | changes, separators=(",", ":")).encode()


def sealed(folder, contents, *, sources=None, **changes):
    """Write a copy with right hashes: a stranger's, or one to be damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for path, content in contents.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
        lines = content.count(b"\n") if path.endswith(".jsonl") else 0
        told = sha256(content).hexdigest()
        listed.append(Listed(path=path, size=len(content), sha256=told, lines=lines))
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "vault": "v",
        "position": 3,
        "checkpoint": "note",
        "written": DAY,
        "counts": Counts(items=1, corrections=0, statements=0, models=0, papers=0),
        "sources": sources or (Carried(source_name="mbox", types={"message.email.sent": 1}),),
        "files": tuple(listed),
    }
    manifest = Manifest(**(facts | changes)).sealed()
    (folder / "manifest.json").write_bytes(json_of(manifest))
    return folder


def copied(folder, *lines, **changes):
    return sealed(folder, {items_file(1): b"".join(one + b"\n" for one in lines)}, **changes)


def gathered(path, **more):
    return [one for one in collect(path, frozenset(), **more) if not isinstance(one, Progress)]


def items(path, **more):
    return [one for one in gathered(path, **more) if isinstance(one, Item)]


def bads(path, **more):
    return [one for one in gathered(path, **more) if isinstance(one, Bad)]


# ---------------------------------------------------------------- an item and its line

words = st.text(max_size=20).map(clean)
names = st.text(st.characters(codec="utf-8"), max_size=20)
agents = st.builds(Agent, id=names | st.just("mailto:a@b.c"), name=names)
every_item = st.builds(
    Item,
    source=st.just("mbox"),
    native_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    type=st.sampled_from(["message.email.sent", "document.note", "health", "media.photo"]),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    offset=st.none() | st.integers(-900, 900),
    precision=st.sampled_from(Precision),
    assumed=st.booleans(),
    author=st.none() | agents,
    to=st.lists(agents, max_size=3).map(tuple),
    conversation=names,
    reply_to=names,
    title=words,
    text=words,
    text_new=st.none() | words,
    language=names,
    labels=st.lists(names, max_size=3).map(tuple),
    attachments=st.lists(
        st.builds(Attachment, name=names, media_type=names, size=st.integers(0, 9), sha256=names),
        max_size=2,
    ).map(tuple),
    locator=names,
)


@given(every_item)
def test_an_item_comes_back_equal_in_every_field(item):
    written = json_of(line_of(item, id_="f-1", entry="f-2", collected=DAY))
    assert b"\n" not in written
    assert item_of(msgspec.json.decode(written, type=Line)) == item


def test_every_field_of_an_item_is_tried_with_a_value_of_its_own():
    empty = Item(source="x", native_id="x", type="x")
    assert all(getattr(FULL, one.name) != getattr(empty, one.name) for one in structs.fields(Item))
    assert item_of(msgspec.json.decode(line(), type=Line)) == FULL


def test_a_line_is_in_the_terms_of_activitystreams():
    told = json.loads(line())
    assert told["type"] == "Note"
    assert told["attributedTo"] == {
        "type": "Person",
        "id": "mailto:ada@example.org",
        "name": "Ada Quill",
    }
    assert told["to"][0] == {"type": "Person", "account": "name:Priya Nair", "name": "Priya"}
    assert told["published"] == "2024-02-03T04:05:06.000789Z"
    assert (told["mediaType"], told["content"]) == ("text/plain", FULL.text)
    assert told["attachment"][0]["type"] == "Document"
    assert told["inReplyTo"] == {"type": "Object", "nativeId": "<0@example.org>"}


def test_every_name_in_a_line_is_a_term_of_its_context():
    terms = set(CONTEXT["@context"][1])
    standard = {"type", "id", "name", "mediaType", "content", "published", "attributedTo"}
    standard |= {"to", "context", "inReplyTo", "attachment", "object", "@context"}
    told = json.loads(line())
    said = json.loads(json_of(correction_of("words", FULL, "f-1", "f-2", DAY)))
    found = {*told, *told["attributedTo"], *told["to"][0], *told["context"], *told["inReplyTo"]}
    found |= {*told["attachment"][0], *said, *said["object"]}
    assert found <= terms | standard


@pytest.mark.parametrize(
    "changes",
    [
        {"dataType": "nonsense"},
        {"dataType": "Message.Email"},
        {"published": "0001-01-01T00:00:00+14:00"},
        {"published": "2024-01-01T00:00:00"},
        {"sourceName": ""},
        {"nativeId": ""},
        {"content": "a\x1b[2Jb"},
        {"name": "e\u0301"},
        {"precision": "eon"},
        {"utcOffset": 1.5},
        {"unheard": 1},
        {"attributedTo": {"type": "Robot", "name": "x"}},
    ],
)
def test_a_line_that_is_no_item_is_bad_and_the_next_one_is_read(tmp_path, changes):
    folder = copied(tmp_path / "copy", line(**changes), line())
    assert items(folder) == [FULL]
    [bad] = bads(folder)
    assert bad.locator == "copy/items-00001.jsonl#0"
    assert not any(str(value) in bad.reason for value in changes.values() if len(str(value)) > 3)


# ---------------------------------------------------------------- reading a copy


def test_a_copy_is_found_and_says_which_sources_it_brings(tmp_path):
    folder = copied(tmp_path / "copy", line())
    found, item, _ = gathered(folder)
    assert isinstance(found, Found)
    assert found.source == "portable"
    assert [(one.source, one.types) for one in found.brings] == [("mbox", ("message.email.sent",))]
    assert item == FULL


def test_a_zipped_copy_is_read_like_the_folder(tmp_path):
    folder = copied(tmp_path / "copy", line(), line())
    with zipfile.ZipFile(tmp_path / "copy.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert items(tmp_path / "copy.zip") == [FULL, FULL]


def test_asking_for_the_source_reads_the_whole(tmp_path):
    folder = sealed(
        tmp_path / "copy", {items_file(1): line() + b"\n", items_file(2): line() + b"\n"}
    )
    assert items(folder, source="portable") == [FULL, FULL]


def test_nothing_of_a_copy_is_taken_for_something_else(tmp_path):
    files = {items_file(1): line() + b"\n", "README.txt": b"WHAT THIS IS", "owner.json": b"{}"}
    _, *records, ended = gathered(sealed(tmp_path / "copy", files))
    assert records == [FULL]
    assert len(ended.files) == 4


def flipped(folder):
    path = folder / items_file(1)
    path.write_bytes(path.read_bytes().replace(b"Soup", b"Soap", 1))


def shortened(folder):
    path = folder / items_file(1)
    path.write_bytes(path.read_bytes()[:-5])


def lengthened(folder):
    with (folder / items_file(1)).open("ab") as file:
        file.write(line() + b"\n")


def emptied(folder):
    (folder / items_file(1)).write_bytes(b"")


def lost(folder):
    (folder / items_file(1)).unlink()


def linked(folder):
    path = folder / items_file(1)
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def without_manifest(folder):
    (folder / "manifest.json").unlink()


def rewritten(**changes):
    def rewrite(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return rewrite


def half_a_manifest(folder):
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-40])


def a_deep_manifest(folder):
    deep = '{"format":"twinvault-export","version":1,"counts":' + "[" * 200_000
    (folder / "manifest.json").write_text(deep)


DAMAGE = [
    (flipped, "was changed"),
    (shortened, "cut off"),
    (lengthened, "was changed"),
    (emptied, "is missing"),
    (lost, "is missing"),
    (linked, "is missing"),
    (without_manifest, "never finished"),
    (rewritten(vault="other"), "damaged or was changed"),
    (rewritten(files=[]), "damaged or was changed"),
    (half_a_manifest, "damaged or was changed"),
    (a_deep_manifest, "damaged or was changed"),
]


@pytest.mark.parametrize(
    ("damage", "sentence"), DAMAGE, ids=[f"{n}-{s}" for n, (_, s) in enumerate(DAMAGE)]
)
def test_a_damaged_copy_is_refused_before_anything_of_it_is_read(tmp_path, damage, sentence):
    folder = copied(tmp_path / "copy", line())
    damage(folder)
    seen = []
    with pytest.raises(TamperError, match=sentence) as refused:
        seen.extend(collect(folder, frozenset()))
    assert not [one for one in seen if isinstance(one, Item | Found)]
    assert "\n" not in str(refused.value)
    with pytest.raises(TamperError, match=sentence):
        list(recall(folder))


def test_a_copy_of_a_newer_format_is_refused_whatever_else_it_says(tmp_path):
    folder = copied(tmp_path / "copy", line())
    rewritten(version=VERSION + 1, novelty={"a": 1})(folder)
    with pytest.raises(ForeignVault, match="newer"):
        gathered(folder)
    with pytest.raises(ForeignVault, match="newer"):
        list(recall(folder))


def test_a_copy_of_the_first_format_is_read_as_it_was(tmp_path):
    bare = structs.replace(FULL, tags=())
    assert b"tags" not in line(bare)
    folder = copied(tmp_path / "copy", line(bare), version=1)
    assert b'"attachments"' not in (folder / "manifest.json").read_bytes()
    assert items(folder) == [bare]
    assert recall(folder) is not None


def with_picture(folder, *, named="", kept=b"picture"):
    digest = sha256(b"picture").hexdigest()
    picture = Attachment(name="a.png", media_type="image/png", size=7, sha256=digest)
    item = structs.replace(FULL, attachments=(*FULL.attachments, picture))
    contents = {items_file(1): line(item) + b"\n", f"attachments/{named or digest}": kept}
    return item, sealed(folder, contents)


def test_the_bytes_of_an_attachment_come_behind_its_item(tmp_path):
    item, folder = with_picture(tmp_path / "copy")
    _, *records, _ = gathered(folder)
    block = Content(sha256=item.attachments[1].sha256, part=0, parts=1, data=b"picture")
    assert records == [item, block]


def test_a_file_of_attachments_that_was_changed_refuses_the_copy(tmp_path):
    item, folder = with_picture(tmp_path / "copy")
    (folder / "attachments" / item.attachments[1].sha256).write_bytes(b"pictura")
    with pytest.raises(TamperError, match="was changed"):
        gathered(folder)


def test_files_of_attachments_that_belong_to_nothing_or_lie_are_harmless(tmp_path):
    item, folder = with_picture(tmp_path / "one", named="ef" * 32)
    assert gathered(folder)[1:-1] == [item]
    item, folder = with_picture(tmp_path / "two", kept=b"another")
    _, first, block, _ = gathered(folder)
    assert (first, block.data) == (item, b"another"), "whoever stores it compares it"


def test_one_flip_anywhere_in_a_copy_is_noticed(tmp_path):
    folder = copied(tmp_path / "copy", line(Item(source="mbox", native_id="1", type="message")))
    manifest = folder / "manifest.json"
    for path in (manifest, folder / items_file(1)):
        whole = path.read_bytes()
        for at in range(0, len(whole), 97):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises((TamperError, ForeignVault)):
                list(recall(folder))
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "changes",
    [
        # An empty source would be a permission to collect from every source.
        {"sources": (Carried(source_name="", types={"message": 1}),)},
        {"sources": (Carried(source_name="a\nb", types={"message": 1}),)},
        {"sources": (Carried(source_name="mbox", types={"no such type": 1}),)},
        {"sources": (Carried(source_name="m", types={f"message.a{n}": 1 for n in range(1001)}),)},
        {"files": (Listed(path="../evil", size=1, sha256="a"),)},
        {"files": (Listed(path="/etc/passwd", size=1, sha256="a"),)},
        {"files": (Listed(path="words\x1b[2J", size=1, sha256="a"),)},
        {"files": (Listed(path="a", size=1, sha256="a"), Listed(path="a", size=1, sha256="a"))},
        {"files": (Listed(path="manifest.json", size=1, sha256="a"),)},
        {"format": "something else"},
        {"version": 0},
    ],
)
def test_a_manifest_that_asks_for_too_much_is_refused(tmp_path, changes):
    folder = copied(tmp_path / "copy", line(), **changes)
    # What was a copy only by its manifest is still one by its items; none of it is quoted.
    with pytest.raises(TamperError, match="is damaged or was changed"):
        gathered(folder)


def test_an_item_of_a_source_that_the_manifest_does_not_name_is_bad(tmp_path):
    stranger = line(Item(source="whatsapp", native_id="1", type="message.email.sent"))
    other = line(Item(source="mbox", native_id="1", type="document.note"))
    folder = copied(tmp_path / "copy", stranger, other, line())
    assert items(folder) == [FULL]
    assert len(bads(folder)) == 2


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"@context":"context.jsonld","content":"\xff\xfe"}',
        b"[" * 300_000,
        b'{"a":' * 300_000,
        b"",
        b"null",
        b'{"@context":"context.jsonld"}',
        b"\x00" * 100,
    ],
    ids=["not UTF-8", "deep", "deep objects", "empty", "null", "bare", "zeros"],
)
def test_a_hostile_line_is_bad_and_the_rest_is_read(tmp_path, hostile):
    folder = copied(tmp_path / "copy", line(), hostile, line())
    assert items(folder) == [FULL, FULL]
    assert [bad.locator for bad in bads(folder)] == ["copy/items-00001.jsonl#1"]


def test_a_giant_line_is_bad_and_costs_no_memory(tmp_path):
    giant = b'{"content":"' + b"x" * LONGEST
    folder = copied(tmp_path / "copy", giant, line())
    limits = Limits(memory=768 << 20)
    assert items(folder, limits=limits) == [FULL]
    assert [bad.reason for bad in bads(folder, limits=limits)] == ["the line is too long"]


def test_a_link_in_a_copy_is_not_followed_and_the_rest_is_read(tmp_path):
    folder = copied(tmp_path / "copy", line())
    (folder / "more.txt").symlink_to("/etc/passwd")
    assert items(folder) == [FULL]
    assert [bad.reason for bad in bads(folder)] == ["a symbolic link is not followed"]


def test_a_copy_among_other_things_that_is_damaged_does_not_stop_them(tmp_path):
    folder = copied(tmp_path / "all" / "copy", line())
    (tmp_path / "all" / "2024-01-05.txt").write_text("Rain.")
    assert [one.text for one in items(tmp_path / "all")] == [FULL.text, "Rain."]
    flipped(folder)
    (folder / "README.txt").write_text("not to be taken for a note")
    assert [one.text for one in items(tmp_path / "all")] == ["Rain."]
    assert "was changed" in bads(tmp_path / "all")[0].reason


def test_what_the_owner_added_to_a_copy_is_read_as_what_it_is(tmp_path):
    folder = copied(tmp_path / "copy", line())
    (folder / "2024-01-05.txt").write_text("Rain.")
    assert [one.source for one in items(folder)] == ["mbox", "text"]


# ---------------------------------------------------------------- what was said


def test_every_event_is_carried_as_said_or_is_known_not_to_be():
    elsewhere = {
        *("owner.named/1", "item.collected/2", "item.revised/2", "correction.made/1"),
        "content.collected/1",
        *("model.trained/2", "model.retrained/2"),
    }
    stays = {
        *("item.erased/2", "import.finished/2", "model.suspended/1", "disclosed/1"),
        *("model.preferred/1", "model.retired/1"),
        *("pod.linked/1", "device.enrolled/1", "device.revoked/2", "keys.rotated/1"),
        *("label.corrected/1", "pair.reviewed/1", "view.defined/1", "view.dropped/1"),
    }
    said = {topic for topic, kind in TOPICS.items() if kind in SAID}
    assert said | elsewhere | stays == set(TOPICS)
    assert len(said) + len(elsewhere) + len(stays) == len(TOPICS)


@pytest.mark.parametrize(
    "event",
    [
        e.ConsentGiven(statement=STATEMENT),
        e.ConsentProhibited(statement=STATEMENT),
        e.ConsentWithdrawn(statement=STATEMENT),
        e.ConsentObserved(statement=STATEMENT, document="d", digest=b"\x00\xff"),
        e.UsePaused(pause=Pause(id="1", type="message", person="priya nair")),
        e.UseResumed(pause=Pause(id="1", source="mbox")),
        e.RetentionSet(type="message", days=30),
        e.RetentionSet(type="message", days=None),
        e.FeedbackGiven(model="m", prompt="p", answer="a", good=True),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_was_said_comes_back_equal(event):
    said = said_of(event, at=DAY, entry="f-1", known_as=("priya nair", "p@x"))
    again = msgspec.json.decode(json_of(said), type=type(said))
    assert event_of(again) == event
    assert again.known_as == ("priya nair", "p@x")


@pytest.mark.parametrize(
    "event",
    [
        e.PersonMerged(people=(b"d" * 16,)),
        e.PersonRelated(people=(b"d" * 16,), relation="friend"),
        e.PersonSplit(people=(b"d" * 16,), others=(b"o" * 16,)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_of_words_on_who_is_who_forms_are_carried_and_no_digests(event):
    said = said_of(event, at=DAY, entry="f-1", known_as=("priya nair",), others_known_as=("p@x",))
    again = msgspec.json.decode(json_of(said), type=type(said))
    assert people_of(event_of(again)) == ((), ())
    assert (again.known_as, again.others_known_as) == (("priya nair",), ("p@x",))
    assert getattr(event_of(again), "relation", "") == getattr(event, "relation", "")
    forged = msgspec.structs.replace(again, event=msgspec.Raw(json_of(event)))
    with pytest.raises(Unfit):
        event_of(forged)


def test_digests_of_whom_a_statement_masks_stay_behind():
    masked = (e.MaskedAlias(digest=b"d" * 16, person=b"p" * 16),)
    event = e.ConsentWithdrawn(statement=STATEMENT, masked=masked)
    said = said_of(event, at=DAY, entry="f-1")
    assert event_of(said) == e.ConsentWithdrawn(statement=STATEMENT)


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("item.erased/2", '{"item_ids":["f-1"]}'),
        ("device.revoked/2", '{"device":"f","size":0,"certificate":""}'),
        ("owner.named/1", '{"names":["x"]}'),
        ("consent.given/9", '{"statement":{}}'),
        ("consent.given/1", '{"statement":{}}'),
        ("retention.set/1", '{"type":"message","days":1,"more":2}'),
        ("retention.set/1", "[" * 100_000),
        ("use.paused/1", '{"pause":{"id":"1"},"masked":[{"digest":"","person":""}]}'),
    ],
)
def test_a_copy_cannot_say_what_no_owner_says(tmp_path, topic, event):
    said = f'{{"topic":"{topic}","at":"2024-01-01T00:00:00Z","entry":"f-1","event":{event}}}\n'
    folder = sealed(tmp_path / "copy", {STATEMENTS: said.encode()})
    with pytest.raises(TamperError, match=r"Line 1 of statements\.jsonl"):
        list(recall(folder))


def test_names_statements_and_corrections_are_recalled_in_order(tmp_path):
    events = [e.RetentionSet(type="message", days=days) for days in (1, 2, 3)]
    said = [said_of(event, at=DAY, entry=f"f-{n}") for n, event in enumerate(events)]
    correction = correction_of("better words", FULL, "f-1", "f-7", DAY)
    named = Named(ld_context=CONTEXT_FILE, type="Person", names=("Ada", "ada@x"))
    files = {
        OWNER: json_of(named),
        STATEMENTS: b"".join(json_of(one) + b"\n" for one in said),
        CORRECTIONS: json_of(correction) + b"\n",
    }
    found = list(recall(sealed(tmp_path / "copy", files)))
    assert found[0] == named
    assert [event_of(one) for one in found[1:4]] == events
    assert found[4:] == [correction]


def test_what_is_no_copy_says_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("Rain.")
    with pytest.raises(NotFound, match="no portable copy"):
        list(recall(tmp_path))
    with pytest.raises(NotFound):
        list(recall(tmp_path / "nowhere"))


def test_a_pipe_in_the_place_of_a_file_is_refused(tmp_path):
    folder = copied(tmp_path / "copy", line())
    (folder / items_file(1)).unlink()
    os.mkfifo(folder / items_file(1))
    with pytest.raises(TamperError, match="missing"):
        gathered(folder)


def test_an_item_whose_type_is_none_is_unfit():
    with pytest.raises(Unfit):
        item_of(msgspec.json.decode(line(dataType="x"), type=Line))
