import json
from datetime import UTC, datetime

from vault.collectors.readers.archives import grow
from vault.collectors.sources.instagram import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

ROOT = "instagram-ada-2024-01-05/your_instagram_activity"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each byte of UTF-8 as a letter of its own.
    path.write_text(json.dumps(value, ensure_ascii=False).encode().decode("latin-1"))
    return path


def read(path, me=()):
    tree = grow(path)
    part = tree.sub([file for file in tree.files if SOURCE.detect(tree.sub([file])) > 0.75])
    records = list(SOURCE.read(part, None, frozenset(me)))
    return [record for record in records if not isinstance(record, Progress)]


def items(records):
    return [record for record in records if isinstance(record, Item)]


def fact(value, stamp=0):
    return {"href": "", "value": value, "timestamp": stamp}


def test_messages_are_read_and_the_profile_says_whose_they_are(tmp_path):
    messages = [
        {"sender_name": "Zoë", "timestamp_ms": 1_700_000_001_000, "content": "see you at the café"},
        {"sender_name": "Ada 🐎", "timestamp_ms": 1_700_000_000_000, "content": "hi"},
    ]
    people = [{"name": "Zoë"}, {"name": "Ada 🐎"}]
    value = {"participants": people, "messages": messages, "thread_path": "inbox/zoe_17"}
    write(tmp_path / ROOT / "messages/inbox/zoe_17/message_1.json", value)
    profile = {"profile_user": [{"string_map_data": {"Name": fact("Ada 🐎")}}]}
    write(tmp_path / ROOT / "../personal_information/personal_information.json", profile)
    found = [(item.type, item.author.name, item.text) for item in items(read(tmp_path))]
    assert found == [
        ("message.chat.direct.sent", "Ada 🐎", "hi"),
        ("message.chat.direct.received", "Zoë", "see you at the café"),
    ]
    assert {item.source for item in items(read(tmp_path))} == {"instagram"}


def test_posts_are_their_captions_with_their_pictures(tmp_path):
    one = {
        "uri": "media/posts/201901/1_n.jpg",
        "creation_timestamp": 1_546_300_800,
        "title": "Été 🌞",
    }
    two = {"uri": "media/posts/201902/2_n.jpg", "creation_timestamp": 1_549_000_000, "title": ""}
    posts = [
        {"media": [one]},
        {"media": [two, {**two, "uri": "media/posts/201902/3_n.jpg"}], "title": "Both", "creation_timestamp": 1_549_000_001},
    ]  # fmt: skip
    write(tmp_path / ROOT / "media/posts_1.json", posts)
    picture = tmp_path / ROOT.partition("/")[0] / "media/posts/201901/1_n.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\xff\xd8")
    records = read(tmp_path)
    first, second = items(records)
    assert (first.type, first.text, first.at) == (
        "post.social",
        "Été 🌞",
        datetime(2019, 1, 1, tzinfo=UTC),
    )
    assert [shown.name for shown in first.attachments] == ["1_n.jpg"]
    assert isinstance(records[1], Content)
    assert (second.text, second.attachments, second.sent) == ("Both", (), True)
    assert [item.native_id for item in (first, second)] == [
        "post 1546300800 1_n.jpg",
        "post 1549000001 2_n.jpg",
    ]


def test_comments_are_read_in_any_language_of_the_download(tmp_path):
    english = [
        {
            "media_list_data": [{"uri": ""}],
            "string_map_data": {
                "Comment": fact("Très beau"),
                "Media Owner": fact("zoe"),
                "Time": {"timestamp": 1_700_000_000},
            },
        }
    ]
    german = {
        "comments_reels_comments": [
            {
                "string_map_data": {
                    "Kommentar": fact("Schön"),
                    "Medienbesitzer": fact("grace"),
                    "Zeit": {"timestamp": 1_700_000_001},
                }
            }
        ]
    }
    write(tmp_path / ROOT / "comments/post_comments_1.json", english)
    write(tmp_path / ROOT / "comments/reels_comments.json", german)
    found = [
        (item.type, item.text, item.to[0].name, item.at.second) for item in items(read(tmp_path))
    ]
    assert found == [
        ("post.comment", "Très beau", "zoe", 20),
        ("post.comment", "Schön", "grace", 21),
    ]
    assert items(read(tmp_path))[0].to == (Agent(id="acct:zoe@instagram.com", name="zoe"),)


def test_broken_entries_are_told_and_the_ones_around_them_read(tmp_path):
    good = {"media": [{"uri": "a.jpg", "creation_timestamp": 1, "title": "good"}]}
    path = write(
        tmp_path / "posts_1.json", [good, {"media": 7}, {"media": [{"title": "when?"}]}, good]
    )
    records = read(path)
    assert [item.text for item in items(records)] == ["good", "good"]
    bad = [(one.locator, one.reason) for one in records if isinstance(one, Bad)]
    assert bad == [
        ("posts_1.json#1", "it is of another shape than such files have"),
        ("posts_1.json#2", "it has no time"),
    ]


def test_a_sample_of_another_program_is_exactly_these_messages(shared):
    tree = grow(shared / "exports/instagram/cm-export.json")
    records = SOURCE.read(tree, None, frozenset({"john doe"}))
    found = [(item.type, item.author.name, item.text, item.at) for item in items(records)]
    assert found == [
        ("message.chat.direct.received", "Jane Doe", "Hello John!", datetime(2019, 12, 24, 11, 23, tzinfo=UTC)),
        ("message.chat.direct.sent", "John Doe", "Hello Jane!", datetime(2020, 1, 17, 20, 49, tzinfo=UTC)),
    ]  # fmt: skip
