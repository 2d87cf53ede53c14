"""Whole small logs of one or two devices, and the pin: log.md, sections 2 to 5."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cases import BAD_SIGNATURE, MALFORMED, SUCCESS, Case, Value, flipped, seed
from cases.checkpoints import DEVICE, NO_LIMIT, OTHER, OWNER, TIME, certificate, public, record
from cases.entries import Parts
from cases.trees import root_of

__all__ = ["Feed", "Row", "cases"]

WRONG_ROOT = "wrong root"
_SECOND = 1_000_000_000


class Row(NamedTuple):
    """One record as it is stored: its type, its tags, its bytes."""

    type: str
    tags: str
    data: bytes

    @property
    def line(self) -> str:
        """The row as a vector has it."""
        return f"{self.type} {self.tags} {self.data.hex()}"


class Feed:
    """A device that writes entries."""

    def __init__(self, key: Ed25519PrivateKey = DEVICE, time: int = TIME) -> None:
        self.key = key
        self.time = time
        self.leaves: list[bytes] = []

    def entry(self, *, later: int = _SECOND, **changed: object) -> Row:
        """Write one entry."""
        self.time += later
        seq = len(self.leaves)
        parts = Parts(feed=public(self.key)[:8], seq=seq, time=self.time, key_page=seq + 1)
        parts = parts._replace(**{"key": seed(f"key {seq}"), **changed})
        self.leaves.append(parts.leaf)
        tag = parts.natural_key.hex() if any(parts.natural_key) else parts.topic.decode()
        return Row(parts.topic.decode(), tag, parts.data)

    def sign(self, time: int | None = None) -> Row:
        """Write a checkpoint."""
        data = record(self.leaves, self.time if time is None else time, self.key)
        return Row("checkpoint/1", public(self.key)[:8].hex(), data)

    def page(self, count: int = 1, **changed: object) -> list[Row]:
        """Write a page of entries."""
        return [*(self.entry(**changed) for _ in range(count)), self.sign()]


def cases() -> Iterator[Case]:
    """All cases of this part."""
    yield from _sound()
    for made in (_moved(), _changed(), _signed_wrongly(), _of_devices()):
        for name, comment, rows, *more in made:
            expect, devices = (*more, *(MALFORMED, _DEVICES)[len(more) :])
            yield _case(name, comment, rows, expect, devices)
    yield from _pins()


def _certified(key: Ed25519PrivateKey, most: int = NO_LIMIT) -> bytes:
    """Return a device as the vectors write it: key, number of entries, the owner's signature."""
    return public(key) + most.to_bytes(8, "big") + certificate(public(key), most)


_DEVICES = (_certified(DEVICE), _certified(OTHER))


def _case(  # noqa: PLR0917 - the columns of a table
    name: str,
    comment: str,
    rows: Sequence[Row],
    expect: str = SUCCESS,
    devices: Sequence[bytes] = _DEVICES,
    order: Sequence[Row] = (),
) -> Case:
    fields: dict[str, Value] = {"owner": public(OWNER), "devices": list(devices)}
    if expect == SUCCESS:
        # What a reader makes of it, in merged order: the leaves of the entries that count.
        heads = [row.data[: 70 + len(row.type) + 32] for row in order]
        fields["leaves"] = [sha256(b"\0" + head).digest() for head in heads]
    return Case(
        family="log",
        name=name,
        comment=comment,
        expect=expect,
        fields=fields,
        lines=[row.line for row in rows],
    )


def _entries(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.type != "checkpoint/1"]


def _sound() -> Iterator[Case]:
    def case(
        name: str,
        comment: str,
        rows: Sequence[Row],
        order: Sequence[Row] | None = None,
        devices: Sequence[bytes] = _DEVICES,
    ) -> Case:
        found = _entries(rows if order is None else order)
        return _case(name, comment, rows, SUCCESS, devices, found)

    mine, other = Feed(), Feed(OTHER, TIME + 10)
    yield case("empty", "nothing was written yet", [])
    yield case("one-page", "one page of three entries", Feed().page(3))
    feed = Feed()
    yield case(
        "three-pages", "pages of one, two and five", feed.page(1) + feed.page(2) + feed.page(5)
    )
    feed = Feed()
    yield case(
        "both-versions",
        "entries of version 1, then of version 2",
        feed.page(2, version=1) + feed.page(2),
    )
    yield case(
        "unknown-topic",
        "a topic that nobody knows counts",
        Feed().page(1, topic=b"from.the.future/9"),
    )
    yield case(
        "tagged", "an entry with a natural key", Feed().page(1, natural_key=seed("natural key", 16))
    )
    feed = Feed()
    joined = [*feed.page(2)[:2], *feed.page(2)]
    yield case("joined", "without a checkpoint in between two pages are one", joined)
    rows = Feed().page(3)
    cut = rows[1]._replace(data=rows[1].data[: 70 + len(rows[1].type) + 32])
    yield case("erased", "the body of one entry was cut off", [rows[0], cut, *rows[2:]])
    yield case("zero-seconds", "entries a nanosecond apart", Feed().page(3, later=1))
    first, theirs, second = (
        mine.page(2),
        other.page(2, later=3 * _SECOND),
        mine.page(1, later=60 * _SECOND),
    )
    yield case("two-feeds", "two devices by turns", first + theirs + second)
    yield case(
        "late",
        "a page that arrives late stands where its time says",
        first + second + theirs,
        first + theirs + second,
    )
    yield case(
        "late-feed",
        "a whole feed that arrives before what it follows",
        theirs + first + second,
        first + theirs + second,
    )
    at_once = [Feed(DEVICE), Feed(OTHER)]
    a, b = (feed.page(1) for feed in sorted(at_once, key=lambda feed: public(feed.key)[:8]))
    yield case("at-once", "two pages of one time stand in the order of their feeds", b + a, a + b)
    third = other.page(2, later=90 * _SECOND)
    revoked = (_certified(DEVICE), _certified(OTHER, 2))
    yield case(
        "revoked",
        "what a device wrote after it was revoked counts nowhere",
        first + theirs + second + third,
        first + theirs + second,
        revoked,
    )
    yield case(
        "revoked-first",
        "wherever it stands",
        theirs + third + first + second,
        first + theirs + second,
        revoked,
    )
    never = (_certified(DEVICE), _certified(OTHER, 0))
    yield case(
        "revoked-wholly",
        "nothing of a device counts",
        first + theirs + second,
        first + second,
        never,
    )
    within = (_certified(DEVICE), _certified(OTHER, 1))
    yield case("revoked-within", "a page counts whole or not at all", first + theirs, first, within)


Wrong = (
    tuple[str, str, Sequence[Row]]
    | tuple[str, str, Sequence[Row], str]
    | tuple[str, str, Sequence[Row], str, Sequence[bytes]]
)
"""Name, comment and rows of a case; its reason and its devices where they are not the usual."""


def _moved() -> Iterator[Wrong]:
    """Good records in a place that is not theirs."""
    feed = Feed()
    one, two, three = feed.page(2), feed.page(2), feed.page(2)
    yield "entries-swapped", "two entries of a page have changed places", [one[1], one[0], one[2]]
    yield "pages-swapped", "two pages have changed places", two + one + three
    yield "first-page-missing", "the log begins with its second page", two + three
    yield "page-missing", "a page in the middle is missing", one + three
    yield "entry-missing", "an entry is missing", [*one, two[0], two[2], *three], WRONG_ROOT
    yield "first-entry-missing", "the first entry of a page is missing", [one[1], one[2]]
    yield "last-checkpoint-missing", "entries without a checkpoint", one + two[:2]
    yield "cut-in-page", "the log ends within a page", one + two[:1]
    yield "page-twice", "a page stands there twice", one + one + two
    yield "last-page-twice", "the last page stands there twice", one + two + two
    yield "entry-twice", "an entry stands there twice", [one[0], one[0], one[1], one[2]]
    yield "checkpoint-twice", "a checkpoint over nothing new", [*one, one[2], *two]
    yield "checkpoint-first", "a checkpoint before its entries", [one[2], one[0], one[1]]
    yield "checkpoint-alone", "a checkpoint over nothing", [Feed().sign()]
    yield (
        "checkpoint-of-later",
        "a page under the checkpoint of a later one",
        [*one[:2], two[2]],
        WRONG_ROOT,
    )
    yield (
        "checkpoint-of-earlier",
        "a page under the checkpoint of an earlier one",
        [*one, *two[:2], one[2]],
        WRONG_ROOT,
    )


def _changed() -> Iterator[Wrong]:
    """Records that were changed after they were signed."""
    rows = Feed().page(3)
    checkpoint = rows[-1]

    def but(number: int, change: Callable[[bytes], bytes]) -> list[Row]:
        return [
            row._replace(data=change(row.data)) if i == number else row
            for i, row in enumerate(rows)
        ]

    end = 70 + len(rows[1].type)
    yield "body-flipped", "one bit of a body", but(1, lambda data: flipped(data, 8 * len(data) - 1))
    yield (
        "hash-flipped",
        "one bit of a body's hash",
        but(1, lambda data: flipped(data, 8 * end + 5)),
    )
    cut = but(1, lambda data: flipped(data[: end + 32], 8 * end + 5))
    yield "erased-hash-flipped", "one bit of the hash of a body that is gone", cut, WRONG_ROOT
    yield "body-shortened", "a body that lacks a byte", but(1, lambda data: data[:-1])
    yield (
        "body-exchanged",
        "the body of another entry",
        but(1, lambda data: data[: end + 32] + rows[0].data[end + 32 :]),
    )
    yield "hash-cut", "an entry cut off within its hash", but(1, lambda data: data[: end + 31])
    yield (
        "slot-flipped",
        "another place for the data key",
        but(1, lambda data: flipped(data, 8 * 37)),
        WRONG_ROOT,
    )
    yield (
        "content-flipped",
        "one bit of the blinded content",
        but(1, lambda data: flipped(data, 8 * 60)),
        WRONG_ROOT,
    )
    yield (
        "time-raised",
        "a time a little later",
        but(1, lambda data: flipped(data, 8 * 25)),
        WRONG_ROOT,
    )
    yield (
        "last-time-raised",
        "the last time a little later",
        but(2, lambda data: flipped(data, 8 * 25)),
        WRONG_ROOT,
    )
    yield (
        "checkpoint-flipped",
        "one bit of the signature",
        but(3, lambda data: flipped(data, 8 * (data.index(b"\xe2\x80\x94") + 50))),
        BAD_SIGNATURE,
    )
    yield (
        "type-changed",
        "the column of the type says another topic",
        [rows[0]._replace(type="owner.named/2"), *rows[1:]],
    )
    yield (
        "tags-changed",
        "the column of tags says another",
        [rows[0]._replace(tags="item.erased/2"), *rows[1:]],
    )
    yield (
        "tags-of-checkpoint",
        "the checkpoint is tagged with another feed",
        [*rows[:-1], checkpoint._replace(tags=public(OTHER)[:8].hex())],
    )
    yield (
        "entry-as-checkpoint",
        "the column of the type makes an entry a checkpoint",
        [rows[0]._replace(type="checkpoint/1"), *rows[1:]],
    )
    yield (
        "checkpoint-as-entry",
        "the column of the type makes a checkpoint an entry",
        [*rows[:-1], checkpoint._replace(type="owner.named/1")],
    )


def _signed_wrongly() -> Iterator[Wrong]:
    """What a device itself must not write."""
    feed = Feed()
    yield "time-equal", "two entries of one time", [feed.entry(), feed.entry(later=0), feed.sign()]
    feed = Feed()
    yield (
        "time-back",
        "an entry before the one before it",
        [feed.entry(), feed.entry(later=-1), feed.sign()],
    )
    feed = Feed()
    yield (
        "time-back-in-page-two",
        "a page before the one before it",
        feed.page(1) + feed.page(1, later=-5),
    )
    feed = Feed()
    yield "seq-gap", "a number left out", [feed.entry(), feed.entry(seq=2), feed.sign()]
    feed = Feed()
    yield "seq-again", "a number used twice", [feed.entry(), feed.entry(seq=0), feed.sign()]
    feed = Feed()
    yield "seq-from-one", "numbers that begin at one", [feed.entry(seq=1), feed.sign()]
    feed = Feed()
    yield (
        "feed-of-another",
        "an entry of another feed in the page",
        [feed.entry(), feed.entry(feed=public(OTHER)[:8]), feed.sign()],
    )
    feed = Feed()
    yield "version-3", "an entry of a version that does not exist yet", feed.page(1, version=3)
    feed = Feed()
    entry = feed.entry()
    yield (
        "checkpoint-time-later",
        "a checkpoint later than its newest entry",
        [entry, feed.sign(feed.time + 1)],
    )
    yield (
        "checkpoint-time-earlier",
        "a checkpoint before its newest entry",
        [entry, feed.sign(feed.time - 1)],
    )
    short = Feed()
    long = [short.entry(), short.entry()]
    short.leaves.pop()
    yield (
        "checkpoint-of-fewer",
        "a checkpoint that leaves out the last entry",
        [*long, short.sign()],
        WRONG_ROOT,
    )
    first, forked = Feed(), Feed()
    page, _ = first.page(2), forked.page(1)
    yield (
        "forked",
        "the second page goes on from another first one",
        page + forked.page(1, later=9 * _SECOND),
    )
    same, fork = Feed(), Feed()
    page, _ = same.page(1), fork.page(1, body=b"\x80")
    yield (
        "forked-alike",
        "the same number of entries, and another first one",
        page + fork.page(1),
        WRONG_ROOT,
    )


def _of_devices() -> Iterator[Wrong]:
    mine, other = Feed(), Feed(OTHER, TIME + 10)
    rows = mine.page(1) + other.page(1)
    device = _certified(DEVICE)
    yield "device-unknown", "a feed whose device was never enrolled", rows, MALFORMED, [device]
    yield "device-none", "no device at all", rows, MALFORMED, []
    self_made = public(OTHER) + _certified(OTHER)[32:40] + certificate(public(OTHER), key=OTHER)
    yield (
        "device-self-made",
        "a device that certified itself",
        rows,
        BAD_SIGNATURE,
        [device, self_made],
    )
    revived = _certified(OTHER)[:40] + certificate(public(OTHER), 1)
    yield (
        "device-revived",
        "a revocation taken out of a certificate",
        rows,
        BAD_SIGNATURE,
        [device, revived],
    )
    lent = Feed()
    entry = lent.entry()
    theirs = Row("checkpoint/1", public(OTHER)[:8].hex(), record(lent.leaves, lent.time, OTHER))
    yield (
        "signed-by-another-device",
        "a page under another device's checkpoint",
        [entry, theirs],
        BAD_SIGNATURE,
    )
    entry = Feed(OTHER).entry()
    under_mine = Row(
        "checkpoint/1",
        public(DEVICE)[:8].hex(),
        record([Parts(feed=public(OTHER)[:8]).leaf], TIME, DEVICE),
    )
    yield (
        "signed-for-another-device",
        "another device's entry under this one's checkpoint",
        [entry, under_mine],
        BAD_SIGNATURE,
    )


def _pins() -> Iterator[Case]:
    """The pin of both formats, read without the log."""
    mine, other = public(DEVICE)[:8].hex().encode(), public(OTHER)[:8].hex().encode()
    leaves = [seed(f"leaf {i}") for i in range(3)]
    here, there = record(leaves, TIME), record(leaves[:2], TIME + 1, OTHER)

    def pin(position: int, *feeds: tuple[bytes, int, bytes]) -> bytes:
        head = b"twinvault/pin/2\n%d\n" % position
        return head + b"".join(
            b"%b %d %d\n%b" % (feed, at, len(data), data) for feed, at, data in feeds
        )

    def case(name: str, comment: str, body: bytes, expect: str = MALFORMED, **more: Value) -> Case:
        fields: dict[str, Value] = {"devices": [public(DEVICE), public(OTHER)], **more}
        return Case(
            family="pin", name=name, comment=comment, expect=expect, fields=fields, body=body
        )

    both = sorted([(mine, 4, here), (other, 7, there)])
    good = pin(7, *both)
    roots = {"roots": [root_of(leaves if feed == mine else leaves[:2]) for feed, *_ in both]}
    one_root = {"roots": [root_of(leaves)]}
    yield case("one-feed", "one device", pin(4, (mine, 4, here)), SUCCESS, position=4, **one_root)
    yield case("two-feeds", "two devices", good, SUCCESS, position=7, **roots)
    yield case("format-1", "as format 1 wrote it", b"4\n" + here, SUCCESS, position=4, **one_root)
    yield case("empty", "nothing", b"")
    yield case("no-feed", "no feed", pin(0))
    yield case("cut", "the last byte is missing", good[:-1])
    yield case("longer", "a byte more", good + b"\n")
    yield case("unsorted", "the feeds in another order", pin(7, *both[::-1]))
    yield case("twice", "a feed that stands there twice", pin(4, (mine, 4, here), (mine, 4, here)))
    yield case("position-later", "the end behind every checkpoint", pin(8, *both))
    yield case("position-earlier", "the end before a checkpoint", pin(6, *both))
    yield case(
        "position-zero", "a position with a zero in front", good.replace(b"\n7\n", b"\n07\n", 1)
    )
    yield case(
        "length-other",
        "a length that ends within the record",
        pin(4, (mine, 4, here)).replace(b" %d\n" % len(here), b" %d\n" % (len(here) - 32), 1),
    )
    longer = pin(4, (mine, 4, here)).replace(b" %d\n" % len(here), b" %d\n" % (len(here) + 1), 1)
    yield case("length-longer", "a length that reaches behind the end", longer)
    yield case("crlf", "line ends of another system", good.replace(b"\n", b"\r\n"))
    yield case("newer", "a pin of a later format", good.replace(b"pin/2", b"pin/3", 1))
    yield case(
        "flipped",
        "one bit of a signature",
        pin(4, (mine, 4, here.replace(b"\xe2\x80\x94", b"\xe2\x80\x93"))),
    )
    yield case(
        "other-device",
        "a record of another device under this feed",
        pin(4, (mine, 4, record(leaves, TIME, OTHER))),
        BAD_SIGNATURE,
    )
    yield case("format-1-zero", "a position with a zero in front, in format 1", b"04\n" + here)
    yield case("format-1-sign", "a position with a sign, in format 1", b"+4\n" + here)
    yield case("format-1-cut", "a record that lacks a byte, in format 1", b"4\n" + here[:-1])
