"""How fast exported chats are read: messages per processor second of `Source.read`, in process.

Each kind of export is made up at full size: of people who write a few words mostly and a
paragraph now and then, in five languages, with replies, media that were left out, and what
the programs themselves tell. Beside it stands what the standard library needs to parse the
same bytes and to do nothing with them (`json.load`; for WhatsApp the lines of the text), a
floor that no reader written in Python gets below without another parser. All of it is
processor time of one process without garbage collection, the best of some rounds.
"""

import argparse
import gc
import json
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vault.collectors import registry
from vault.collectors.readers.archives import grow
from vault.items import Bad, Item

GOAL = 100_000
START = datetime(2015, 3, 1, 9, tzinfo=UTC)
PEOPLE = ("Ada Lovelace", "Bob Bäcker", "Céline", "Дима", "Eve 🌵", "Faruk", "Grace", "Hiro")
SAID = (
    "the train is late again and I forgot my keys could you please tell them that we start "
    "without me figs bread cheese tomorrow maybe ja genau bis später dann très bien merci à "
    "demain да конечно спасибо 明日ね 😀 👍 https://example.org/a?b=c lol what a week"
)
WORDS = SAID.split()
LINES, ANSWERS, MEDIA, TOLD = 0.05, 0.2, 0.08, 50
"""How many messages have several lines, answer others and were media; every how many is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message that was never sent."""

    number: int
    at: datetime
    who: int
    text: str
    answers: int
    media: bool


class Writer:
    """Makes up a chat, the same one for each seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def lines(self, count: int) -> Iterator[Line]:
        """Yield so many messages."""
        chance = self._random
        at = START
        for number in range(count):
            at += timedelta(seconds=int(chance.expovariate(1 / 900)) + 1)
            length = min(int(chance.lognormvariate(2, 0.8)) + 1, 200)
            text = " ".join(chance.choices(WORDS, k=length))
            if chance.random() < LINES:
                text = text.replace(" ", "\n", 1)
            yield Line(
                number=number,
                at=at,
                who=chance.randrange(len(PEOPLE)),
                text=text,
                answers=number - chance.randrange(1, 9) if chance.random() < ANSWERS else 0,
                media=chance.random() < MEDIA,
            )


def whatsapp(folder: Path, lines: list[Line]) -> Path:
    """Write a chat as a telephone exports it."""
    path = folder / "WhatsApp Chat with Bakers.txt"
    with path.open("w", encoding="utf-8") as file:
        file.write("01/03/2015, 09:00 - Ada Lovelace created group “Bakers”\n")
        for line in lines:
            said = "<Media omitted>" if line.media else line.text
            file.write(f"{line.at:%d/%m/%Y, %H:%M} - {PEOPLE[line.who]}: {said}\n")
    return path


def telegram(folder: Path, lines: list[Line]) -> Path:
    """Write a group as Telegram Desktop exports it."""
    path = folder / "result.json"
    messages = [_of_telegram(line) for line in lines]
    chat = {"name": "Bakers", "type": "private_supergroup", "id": 77, "messages": messages}
    path.write_text(json.dumps(chat, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _of_telegram(line: Line) -> dict[str, object]:
    parts: list[object] = [{"type": "plain", "text": line.text}]
    text: object = line.text
    if line.number % 7 == 0:
        parts.append({"type": "link", "text": "https://example.org"})
        text = [line.text, parts[1]]
    message: dict[str, object] = {
        "id": line.number + 1,
        "type": "message" if line.number % TOLD else "service",
        "date": f"{line.at + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}",
        "date_unixtime": str(int(line.at.timestamp())),
        "from": PEOPLE[line.who],
        "from_id": f"user{1000 + line.who}",
    }
    if line.answers:
        message["reply_to_message_id"] = line.answers
    if line.media:
        message["photo"] = "(File not included. Change data exporting settings to download.)"
    return {**message, "text": text, "text_entities": parts}


def slack(folder: Path, lines: list[Line]) -> Path:
    """Write a workspace with one channel as Slack zips it."""
    path = folder / "Bakers Slack export.zip"
    days: dict[str, list[object]] = {}
    for line in lines:
        days.setdefault(f"{line.at:%Y-%m-%d}", []).append(_of_slack(line))
    users = [{"id": f"U{who:08}", "name": name.lower()} for who, name in enumerate(PEOPLE)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", json.dumps(users, indent=4))
        archive.writestr("channels.json", json.dumps([{"id": "C01234567", "name": "general"}]))
        for day, messages in days.items():
            archive.writestr(f"general/{day}.json", json.dumps(messages, indent=4))
    return path


def _of_slack(line: Line) -> dict[str, object]:
    user = f"U{line.who:08}"
    ts = f"{int(line.at.timestamp())}.{line.number % 1_000_000:06}"
    text = f"<@U{line.answers % len(PEOPLE):08}> {line.text}" if line.answers else line.text
    shown = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    message: dict[str, object] = {
        "client_msg_id": f"{line.number:032x}",
        "type": "message",
        "text": text,
        "user": user,
        "ts": ts,
        "blocks": [{"type": "rich_text", "block_id": "4Kq", "elements": [shown]}],
        "team": "T01234567",
        "user_team": "T01234567",
        "user_profile": {
            "avatar_hash": "0123456789ab",
            "image_72": "https://avatars.example.org/2015-03-01/0123456789ab_72.jpg",
            "first_name": PEOPLE[line.who].split()[0],
            "real_name": PEOPLE[line.who],
            "display_name": PEOPLE[line.who].lower(),
            "name": PEOPLE[line.who].lower(),
        },
    }
    if line.answers:
        message |= {"thread_ts": "1425200400.000100", "parent_user_id": "U00000001"}
    return message


def exporter(folder: Path, lines: list[Line]) -> Path:
    """Write a channel as DiscordChatExporter saves it."""
    path = folder / "Bakers - general [100].json"
    channel = {
        "guild": {"id": "1", "name": "Bakers", "iconUrl": "https://cdn.example.org/a.png"},
        "channel": {"id": "100", "type": "GuildTextChat", "name": "general", "topic": None},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-01-01T00:00:00.0000000+00:00",
        "messages": [_of_exporter(line) for line in lines],
        "messageCount": len(lines),
    }
    path.write_text(json.dumps(channel, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


def _of_exporter(line: Line) -> dict[str, object]:
    number = 900_000_000_000_000_000 + line.number
    reference = {"messageId": str(number - 3), "channelId": "100", "guildId": "1"}
    return {
        "id": str(number),
        "type": "Reply" if line.answers else "Default",
        "timestamp": f"{line.at:%Y-%m-%dT%H:%M:%S}.123+00:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": line.text,
        "author": {
            "id": str(200_000_000_000_000_000 + line.who),
            "name": PEOPLE[line.who].lower(),
            "discriminator": "0000",
            "nickname": PEOPLE[line.who],
            "color": "#749074",
            "isBot": False,
            "roles": [{"id": "5", "name": "baker", "color": "#749074", "position": 20}],
            "avatarUrl": "https://cdn.example.org/avatars/200/7bbc6b3a6d83e186663a6b10.png",
        },
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
        **({"reference": reference} if line.answers else {}),
    }


def package(folder: Path, lines: list[Line]) -> Path:
    """Write the messages of one person as Discord packs them."""
    path = folder / "package"
    for name, value in (
        ("account/user.json", {"id": "200000000000000001", "username": "ada"}),
        ("messages/index.json", {"100000000000000001": "general in Bakers"}),
        ("messages/c100000000000000001/channel.json", {"id": "100000000000000001", "type": 0}),
        ("messages/c100000000000000001/messages.json", [_of_package(line) for line in lines]),
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(value), encoding="utf-8")
    return path


def _of_package(line: Line) -> dict[str, object]:
    return {
        "ID": 900_000_000_000_000_000 + line.number,
        "Timestamp": f"{line.at:%Y-%m-%d %H:%M:%S}",
        "Contents": line.text,
        "Attachments": "https://cdn.example.org/attachments/1/2/a.png" if line.media else "",
    }


KINDS: dict[str, tuple[str, Callable[[Path, list[Line]], Path]]] = {
    "whatsapp": ("whatsapp", whatsapp),
    "telegram": ("telegram", telegram),
    "slack": ("slack", slack),
    "discord, by DiscordChatExporter": ("discord", exporter),
    "discord, its own package": ("discord", package),
}


def ours(name: str, path: Path) -> int:
    """Read an export; return how many messages came."""
    (source,), _ = registry.load(name)
    count = 0
    for record in source.read(grow(path), None, frozenset({"ada lovelace"})):
        assert not isinstance(record, Bad), record
        count += isinstance(record, Item)
    return count


def floor(path: Path) -> None:
    """Parse the same bytes and do nothing with them."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    json.load(member)
    elif path.suffix == ".txt":
        path.read_text(encoding="utf-8").splitlines()
    else:
        for file in [path] if path.is_file() else sorted(path.rglob("*.json")):
            with file.open("rb") as stream:
                json.load(stream)


def spent(work: Callable[[], object], rounds: int) -> float:
    """Return the least processor time of some rounds, in seconds."""
    least = float("inf")
    gc.disable()
    for _ in range(rounds):
        begun = time.process_time()
        work()
        least = min(least, time.process_time() - begun)
        gc.collect()
    gc.enable()
    return least


def measure(kind: str, folder: Path, lines: list[Line], rounds: int) -> dict[str, float]:
    """Return what one kind of export costs."""
    name, write = KINDS[kind]
    path = write(folder, lines)
    count = ours(name, path)
    size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
    mine = spent(lambda: ours(name, path), rounds)
    theirs = spent(lambda: floor(path), rounds)
    return {
        "messages": count,
        "bytes_a_message": round(size / len(lines)),
        "messages_a_cpu_second": round(count / mine),
        "floor_messages_a_cpu_second": round(len(lines) / theirs),
    }


def main() -> None:
    """Measure all kinds and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(KINDS), action="append")
    options = parser.parse_args()
    lines = list(Writer(7).lines(options.messages))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.only or KINDS:
            place = Path(folder) / kind
            place.mkdir()
            found[kind] = measure(kind, place, lines, options.rounds)
    met = {kind: one["messages_a_cpu_second"] >= GOAL for kind, one in found.items()}
    print(json.dumps({"benchmark": "chats", **found, "goal": GOAL, "met": met}, indent=2))


if __name__ == "__main__":
    main()
