"""How fast a mailbox becomes sealed events, against the standard library only reading it.

    python benchmarks/mbox.py [--size MB] [--rounds N] [--keep FOLDER]

Prints one JSON object. Both sides read sender, recipients, subject, date and ids, decode
the text with its charset and take the SHA-256 of attachments. Ours also separates quoted
words, finds threads, notes languages, carries everything out of the confined child, asks
consent for each mail, and seals and writes it in a fresh vault, the bytes of attachments too;
its time is that of parent and child together, without what the views do with the log
afterwards. Two mailboxes: one as people keep them, and one of small mails. The goal is a
ratio of at least 6 in processor time, in less than 300 MB whatever the size.
"""

# ruff: noqa: PLR2004 - the chances and sizes of a made-up mailbox need no names

import argparse
import base64
import itertools
import json
import mailbox
import quopri
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from email.utils import format_datetime, formataddr
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from unittest import mock

from console import bootstrap
from console.use import collecting

GOAL = 6.0
MOST_MEMORY = 300
# How many mails carry a file: as people keep them (40 kB in the mean), and few (10 kB).
MAILBOXES = {"as_kept": 0.12, "small_mails": 0.015}
OWNER = ("Ada Testperson", "ada@example.org")
HEADERS = ("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References")
CHARSETS = {
    "us-ascii": ("", 40),
    "utf-8": (" — naïve café ☕ 日本語", 40),
    "iso-8859-1": (" naïve café", 8),
    "windows-1252": (" “naïve” \u2013 café", 5),
    "koi8-r": (" Привет, мир", 3),
    "iso-2022-jp": (" 日本語のテスト", 2),
    "shift_jis": (" 日本語のテスト", 2),
}


class Writer:
    """Writes messages as mailboxes hold them: threads, quotations, charsets, attachments."""

    def __init__(self, seed: int, attached: float) -> None:
        self.random = random.Random(seed)
        self.attached = attached
        lengths = (2, 3, 4, 5, 5, 6, 7, 8, 9, 11)
        self.words = [self._word(self.random.choice(lengths)) for _ in range(6000)]
        self.weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(6000)))
        self.people = [self._person() for _ in range(300)]
        self.sent: list[tuple[str, str, str, str]] = []
        self.now = datetime(2012, 1, 1, tzinfo=UTC)

    def _word(self, length: int) -> str:
        return "".join(self.random.choices("etaoinshrdlucmfwypvbgkjqxz", k=length))

    def _person(self) -> tuple[str, str]:
        first, last = self._some(2)
        return f"{first.title()} {last.title()}", f"{first}.{last}@example.com"

    def _some(self, count: int) -> list[str]:
        return self.random.choices(self.words, cum_weights=self.weights, k=count)

    def _paragraph(self, count: int) -> str:
        lines = [""]
        for word in self._some(count):
            if len(lines[-1]) + len(word) > 72:
                lines.append("")
            lines[-1] += (" " if lines[-1] else "") + word
        return "\n".join(lines) + "."

    def message(self) -> bytes:
        """Return the next message with its envelope."""
        chance = self.random
        self.now += timedelta(seconds=chance.expovariate(1 / 5400))
        zone = timezone(timedelta(minutes=chance.choice([0, 60, 120, -300, -480, 330])))
        pair = [OWNER, chance.choice(self.people)]
        sender, to = pair if chance.random() < 0.3 else reversed(pair)
        answered = chance.choice(self.sent) if self.sent and chance.random() < 0.5 else None
        own = "\n\n".join(
            self._paragraph(chance.randint(10, 90)) for _ in range(chance.randint(1, 5))
        )
        body = own
        if answered:
            quoted = "\n".join("> " + line for line in answered[2].split("\n")[:40])
            body += f"\n\nOn Mon, Jan 2, 2012 at 3:04 PM, {to[0]} wrote:\n{quoted}"
        if chance.random() < 0.6:
            body += f"\n\n-- \n{sender[0]}\nExample Corp"
        subject = f"Re: {answered[1]}" if answered else " ".join(self._some(chance.randint(2, 7)))
        message_id = f"<{chance.getrandbits(64):x}@mail.example.org>"
        root = answered[3] if answered else message_id
        lines = self._header(sender, to, subject, message_id, self.now.astimezone(zone))
        if answered:
            lines += [f"In-Reply-To: {answered[0]}", f"References: {root} {answered[0]}"]
        self.sent = [*self.sent[-300:], (message_id, subject.removeprefix("Re: "), own, root)]
        content = "\n".join(lines).encode() + b"\n" + self._content(body)
        escaped = content.replace(b"\nFrom ", b"\n>From ")
        envelope = f"From {sender[1]} {self.now:%a %b %d %H:%M:%S %Y}\n".encode()
        return envelope + escaped.rstrip(b"\n") + b"\n\n"

    def _header(
        self,
        sender: tuple[str, str],
        to: tuple[str, str],
        subject: str,
        message_id: str,
        date: datetime,
    ) -> list[str]:
        chance = self.random
        if chance.random() < 0.2:
            encoded = base64.b64encode((subject + " ☕").encode()).decode()
            subject = f"=?utf-8?B?{encoded}?="
        stamp = format_datetime(date)
        received = [
            f"Received: from mx{hop}.example.org (mx{hop}.example.org [192.0.2.{hop}])\n\tby "
            f"in.example.org with ESMTPS id {chance.getrandbits(60):x}\n\tfor <{to[1]}>; {stamp}"
            for hop in range(chance.randint(1, 4))
        ]
        signature = base64.b64encode(chance.randbytes(180)).decode()
        return [
            f"Delivered-To: {to[1]}",
            *received,
            f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=k1;\n\tb={signature}",
            f"From: {formataddr(sender)}",
            f"To: {formataddr(to)}",
            f"Subject: {subject}",
            f"Date: {stamp}",
            f"Message-ID: {message_id}",
            "MIME-Version: 1.0",
            "X-Gmail-Labels: Inbox",
        ]

    def _content(self, body: str) -> bytes:
        chance = self.random
        names = list(CHARSETS)
        charset = chance.choices(names, [weight for _, weight in CHARSETS.values()])[0]
        raw = (body + CHARSETS[charset][0]).encode(charset, "replace")
        encoding = "7bit"
        if charset not in {"us-ascii", "iso-2022-jp"}:
            encoding = chance.choice(["8bit", "quoted-printable", "base64"])
        plain = _part(f"text/plain; charset={charset}", raw, encoding)
        kind = chance.random()
        if kind < 0.35:
            return plain
        paragraphs = b"".join(
            b"<p class='x'>" + piece.replace(b"\n", b"<br>") + b"</p>"
            for piece in raw.split(b"\n\n")
        )
        html = b"<html><body style='font-family:arial'>" + paragraphs + b"</body></html>"
        page = _part(f"text/html; charset={charset}", html, "quoted-printable")
        if kind < 0.4:
            return page
        both = self._multipart("alternative", [plain, page])
        if kind < 1 - self.attached:
            return both
        name = 'application/pdf; name="report.pdf"'
        # Half of them are below 100 kB, as pictures and documents in mailboxes are.
        data = chance.randbytes(min(int(chance.lognormvariate(11.5, 1.2)), 8_000_000))
        return self._multipart("mixed", [both, _part(name, data, "base64", attached=True)])

    def _multipart(self, kind: str, parts: list[bytes]) -> bytes:
        border = f"=_{self.random.getrandbits(64):x}"
        head = f'Content-Type: multipart/{kind}; boundary="{border}"\n\n'.encode()
        inner = b"".join(f"--{border}\n".encode() + part + b"\n" for part in parts)
        return head + inner + f"--{border}--\n".encode()


def _part(kind: str, data: bytes, encoding: str, *, attached: bool = False) -> bytes:
    encoded = data
    if encoding == "base64":
        encoded = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        encoded = quopri.encodestring(data)
    head = f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n"
    if attached:
        head += 'Content-Disposition: attachment; filename="report.pdf"\n'
    return head.encode() + b"\n" + encoded


def generate(path: Path, megabytes: int, attached: float = 0.12, seed: int = 7) -> int:
    """Write a mailbox of about so many megabytes; return its number of messages."""
    writer = Writer(seed, attached)
    count = size = 0
    with path.open("wb") as file:
        while size < megabytes * 1_000_000:
            size += file.write(writer.message())
            count += 1
    return count


def ours(path: Path) -> dict[str, float]:
    """Collect a mailbox into a fresh vault; return what that cost."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        home = Path(folder) / "vault"
        bootstrap.create(home, "benchmark")
        twin = bootstrap.open_(home, "benchmark")
        try:
            with _Following() as following:
                cost = measure(lambda: collecting.add(twin, path, names=[OWNER[1]]))
            imported = cost.pop("result")
            assert not imported.bad, imported.bad[0]
        finally:
            twin.close()
    cost["cpu_s"] = round(cost["cpu_s"] - following.spent, 3)
    return {**cost, "views_cpu_s": round(following.spent, 3), "messages": imported.collected}


class _Following:
    """Takes the time that views need to follow the log, which is not that of collecting."""

    def __enter__(self) -> Self:
        self.spent = 0.0
        self._patch = mock.patch.object(bootstrap.Twin, "catch_up", self._catch_up)
        self._whole = bootstrap.Twin.catch_up
        self._patch.__enter__()
        return self

    def __exit__(self, *facts: object) -> None:
        self._patch.__exit__(*facts)

    @property
    def _catch_up(self) -> Callable[[bootstrap.Twin], int]:
        def timed(twin: bootstrap.Twin) -> int:
            began = _spent()
            position = self._whole(twin)
            self.spent += _spent() - began
            return position

        return timed


def standard_library(path: Path) -> dict[str, float]:
    """Read the same of a mailbox with `mailbox` and `email`, in their fastest policy."""
    cost = measure(lambda: _read(path))
    cost["messages"] = cost.pop("result")
    return cost


def _read(path: Path) -> int:
    count = 0
    box = mailbox.mbox(path, create=False)
    for message in box:
        for name in HEADERS:
            message[name]
        _text(message)
        count += 1
    box.close()
    return count


def _text(message: Message) -> str:
    """Return the plain text of a message, else its HTML as it stands."""
    found: dict[str, str] = {}
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        kind = part.get_content_type()
        if part.get_filename():
            sha256(content).hexdigest()
        elif kind not in found:
            found[kind] = content.decode(part.get_content_charset("utf-8"), "replace")
    return found.get("text/plain") or found.get("text/html", "")


def _spent() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(work: Callable[[], Any]) -> dict[str, Any]:
    """Return the cost of doing something once, and what it returned."""
    processor, wall = _spent(), time.perf_counter()
    result = work()
    return {
        "cpu_s": round(_spent() - processor, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        "result": result,
    }


def compare(path: Path, megabytes: int, rounds: int, attached: float) -> dict[str, Any]:
    """Measure both sides in turn."""
    written = generate(path, megabytes, attached)
    sides = [(ours(path), standard_library(path)) for _ in range(rounds)]
    assert all(mine["messages"] == theirs["messages"] == written for mine, theirs in sides)
    ratio = statistics.median(theirs["cpu_s"] / mine["cpu_s"] for mine, theirs in sides)
    return {
        "messages": written,
        "mean_message_kb": round(megabytes * 1000 / written, 1),
        "ours": [mine for mine, _ in sides],
        "standard_library": [theirs for _, theirs in sides],
        "ratio_cpu": round(ratio, 2),
        "met": ratio >= GOAL,
    }


def main() -> None:
    """Measure both sides on each mailbox and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200, help="megabytes (default: 200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="write the mailboxes here and leave them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        found = {
            name: compare(place / f"{name}.mbox", options.size, options.rounds, attached)
            for name, attached in MAILBOXES.items()
        }
    result = {
        "benchmark": "mbox",
        "megabytes": options.size,
        **found,
        "peak_child_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "peak_parent_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "goal": GOAL,
        "most_memory_mb": MOST_MEMORY,
        "met": all(one["met"] for one in found.values()),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
