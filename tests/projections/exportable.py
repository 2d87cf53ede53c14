"""Rows to export: any that a reader takes, and short ways to say one."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from projections.rows import Facts, Message, Row
from vault.consent import Profile

ASKED = (("user", "how are you?"), ("assistant", "fine"))


def row(*messages, split="train", event="e", **facts):
    """Return a row that says something; `ASKED` if nothing is given."""
    said = tuple(Message(role=role, content=content) for role, content in messages or ASKED)
    return Row.of(
        events=(event,), statements=("s1",), messages=said, split=split, group="g",
        at=datetime(2024, 5, 6, 7, 8, 9, 10, UTC), facts=Facts(**facts),
    )  # fmt: skip


def many(count, **facts):
    """Return some rows, no two alike."""
    return [row(event=str(number), **facts) for number in range(count)]


WORDS = st.text(min_size=1).filter(str.strip)
_LABELS = st.text("abc.é", max_size=5)
_FACTS = st.builds(
    Facts,
    pair=_LABELS, kind=_LABELS, type=_LABELS, source=_LABELS, style=_LABELS,
    tags=st.lists(_LABELS, max_size=3).map(tuple),
    profile=st.sampled_from(Profile),
    masked=st.dictionaries(_LABELS, st.integers(0, 9), max_size=3).map(lambda d: tuple(d.items())),
)  # fmt: skip


@st.composite
def rows(draw):
    """Draw a row: perhaps a system's word, then turns of user and assistant."""
    turns = draw(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
    said = [*((("system", draw(WORDS)),) if draw(st.booleans()) else ())]
    for asked, answered in turns:
        said += [("user", asked), ("assistant", answered)]
    return Row.of(
        events=tuple(draw(st.lists(_LABELS, min_size=1, max_size=2))),
        statements=tuple(draw(st.lists(_LABELS, max_size=2))),
        messages=tuple(Message(role=role, content=content) for role, content in said),
        split=draw(st.sampled_from(["train", "held"])),
        group="g",
        at=draw(st.none() | st.datetimes(timezones=st.just(UTC))),
        facts=draw(_FACTS),
    )
