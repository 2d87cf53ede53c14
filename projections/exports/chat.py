"""Rows as JSON Lines of conversations, checked against what fine-tuning services ask.

The file is the plain `messages` form unless a service is named that reads another. A row that
no reader takes stops the export; what only some services refuse is told, and stops it where
that service was named. No sentence repeats anything that was said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from projections.errors import ProjectionError
from projections.exports.files import Written, whole
from projections.exports.lines import fault, one_line
from projections.exports.services import SERVICES, Form, Service
from projections.rows import Message, Row

__all__ = ["Chat", "Problem", "check", "line", "write"]

_MARK = b"\xef\xbb\xbf"
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a service refuses: in how many lines, and which are the first of them.

    Where it is not `sure`, the line may pass: its tokens were not counted but bounded.
    """

    service: str
    sentence: str
    count: int = 0
    lines: tuple[int, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat(Written):
    """A written file, and what services would refuse of it."""

    problems: tuple[Problem, ...]


def line(row: Row, service: Service | None = None) -> bytes:
    """Return one row as one line, without its end.

    Args:
        row: The row.
        service: Who is to read it; anybody, if left out.

    Raises:
        ProjectionError: No reader takes it.
    """
    if wrong := fault(row.messages):
        raise ProjectionError(f"The row {row.id[:12]} {wrong}; `twin pairs reject` leaves it out.")
    return one_line(_said(row.messages, service))


def check(rows: Iterable[Row], service: Service) -> tuple[Problem, ...]:
    """Say what a service would refuse of rows, a sentence for each of its rules that is broken.

    Tokens are bounded, not counted: a tokenizer over bytes makes no more of an example than its
    line has bytes, since the marks it puts around a message are fewer than those of JSON.
    """
    checker, faulty = _Checker(service), dict[str, _Lines]()
    for number, row in enumerate(rows, start=1):
        wrong = fault(row.messages)
        if wrong:
            faulty.setdefault(wrong, _Lines()).add(number)
        checker.take(number, row, 0 if wrong else len(line(row, service)))
    return (
        *(
            found.problem(service, f"No service takes what {wrong}")
            for wrong, found in faulty.items()
        ),
        *checker.problems(),
    )


def write(rows: Iterable[Row], out: Path, *, home: Path, service: Service | None = None) -> Chat:
    """Write rows as lines, whole or not at all.

    Args:
        rows: The rows, read once.
        out: The file.
        home: The vault's folder.
        service: Who is to read it: what it surely refuses is an error. If left out, every
            service that reads this form is asked, and what they refuse is told.

    Raises:
        ProjectionError: There are no rows, no reader takes one, or the service refuses them.
        UsageError: The file would lie within the vault.
        StorageError: The disk refused.
    """
    readers = [service] if service else [s for s in SERVICES.values() if s.form is Form.MESSAGES]
    checkers = [_Checker(reader) for reader in readers]
    count = 0
    with whole(out, home=home) as file:
        if service and service.mark:
            file.write(_MARK)
        for count, row in enumerate(rows, start=1):
            said = line(row, service)
            for checker in checkers:
                checker.take(count, row, len(said))
            file.write(said + b"\n")
        if not count:
            raise ProjectionError(
                "There is nothing to export; `twin consent allow TYPE train` permits some."
            )
        size = file.tell()
        problems = tuple(problem for checker in checkers for problem in checker.problems())
        if service and (refused := [one.sentence for one in problems if one.sure]):
            raise ProjectionError(" ".join((*refused, "Leave out `--service` to write it anyway.")))
    return Chat(rows=count, size=size, problems=problems)


class _Lines:
    """Lines of which the same is to be said: how many, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []

    def add(self, number: int) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            self.first.append(number)

    def problem(self, service: Service, sentence: str, *, sure: bool = True) -> Problem:
        shown = ", ".join(map(str, self.first)) + (", …" if self.count > _SHOWN else "")
        return Problem(
            service=service.name,
            sentence=f"{sentence}: {self.count} of the lines ({shown}).",
            count=self.count,
            lines=tuple(self.first),
            sure=sure,
        )


class _Checker:
    """What one service says of lines that it is shown one by one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._rows = 0
        self._size = len(_MARK) if service.mark else 0
        self._long = _Lines()
        self._reserved = _Lines()

    def take(self, number: int, row: Row, size: int) -> None:
        """Look at one line; `size` is its bytes without the end."""
        service = self._service
        self._rows = number
        self._size += size + 1
        if service.tokens is not None and size > service.tokens:
            self._long.add(number)
        if service.reserved and any(
            word in message.content
            for message in row.messages[:-1]
            for word in service.reserved
            if message.role != "assistant"
        ):
            self._reserved.add(number)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with everything that was shown."""
        service, title = self._service, self._service.title
        found = []
        if self._rows < service.least:
            found.append(
                f"{title} asks for {service.least} examples at least; here are {self._rows}."
            )
        if service.most is not None and self._rows > service.most:
            found.append(
                f"{title} takes {service.most:,} examples at most; here are {self._rows:,}."
            )
        if service.size is not None and self._size > service.size:
            found.append(
                f"{title} takes files of {service.size:,} bytes at most; this has {self._size:,}."
            )
        problems = [Problem(service=service.name, sentence=sentence) for sentence in found]
        if self._reserved.count:
            words = " ".join(service.reserved)
            problems.append(
                self._reserved.problem(
                    service, f"{title} takes no prompt that holds one of {words}"
                )
            )
        if self._long.count:
            bound = f"may be above the {service.tokens:,} tokens that {title} takes of an example"
            problems.append(
                self._long.problem(service, f"One token for each byte, this {bound}", sure=False)
            )
        return tuple(problems)


def _said(messages: Sequence[Message], service: Service | None) -> object:
    """Return what a line says, in the form that a service reads."""
    match service.form if service else Form.MESSAGES:
        case Form.CONTENTS:
            return _contents(messages)
        case Form.CONVERSE:
            return _converse(messages)
        case _:
            weighed = service is not None and service.weights
            return {"messages": _weighed(messages) if weighed else messages}


def _weighed(messages: Sequence[Message]) -> Sequence[object]:
    """Mark the answers before the last, which are context, as not to be learned."""
    if sum(message.role == "assistant" for message in messages) == 1:
        return messages
    return [
        {"role": one.role, "content": one.content, "weight": int(left == 1)}
        if one.role == "assistant"
        else one
        for left, one in zip(range(len(messages), 0, -1), messages, strict=True)
    ]


def _contents(messages: Sequence[Message]) -> object:
    roles = {"user": "user", "assistant": "model"}
    said: dict[str, object] = {
        "contents": [
            {"role": roles[one.role], "parts": [{"text": one.content}]}
            for one in messages
            if one.role != "system"
        ]
    }
    if messages[0].role == "system":
        said["systemInstruction"] = {"parts": [{"text": messages[0].content}]}
    return said


def _converse(messages: Sequence[Message]) -> object:
    said: dict[str, object] = {"schemaVersion": "bedrock-conversation-2024"}
    if messages[0].role == "system":
        said["system"] = [{"text": messages[0].content}]
    said["messages"] = [
        {"role": one.role, "content": [{"text": one.content}]}
        for one in messages
        if one.role != "system"
    ]
    return said
