"""Kills a process that uses a vault for everything, at any moment, and counts what is left.

`python -m tests.faults.kills ROUNDS SHARE SHARES FOLDER` prints one JSON object: how many rounds
there were, how many items were acknowledged in them, and what went wrong. The process says
before and after each of its steps what it does; after the kill, all that it finished holds, and
the step that it died in has happened whole or not at all.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.rehearsal import made, opened, texts
from tests.vault.log.logkit import PASSPHRASE, drafts, numbers
from vault import mirrors, restoring
from vault.application import Vault
from vault.errors import Locked
from vault.log import home, rotation
from vault.log.folder import unlocked

__all__ = ["main"]

_OTHER = "another horse, another battery"
_ROUNDS_OF_ONE_VAULT = 20
_LONGEST = 0.15


@dataclass
class Known:
    """What must be there: items by number, those erased, and what opens the vault."""

    items: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    passphrase: str = PASSPHRASE


Step = tuple[str, list[int]]


def _steps(place: Path, known: Known, chance: random.Random) -> Iterator[Step]:
    """Do one thing after the other; yield each before it is done."""
    passphrase, items = known.passphrase, sorted(known.items)
    number = max(known.items | known.erased, default=0) + 1
    while True:
        what = chance.choice(list(_STEPS))
        count = chance.randrange(1, 8)
        if what == "erase":
            named = chance.sample(items, min(len(items), 2))
            items = [item for item in items if item not in named]
        elif what in {"append", "collect"}:
            named = list(range(number, number + count))
            number += count
            items += named
        else:
            named = []
        yield what, named
        passphrase = _STEPS[what](place, passphrase, named) or passphrase


def _append(place: Path, passphrase: str, named: list[int]) -> None:
    with closing(home.open_(place / "home", passphrase)) as log:
        log.append(drafts(named[0], len(named)))


def _collect(place: Path, passphrase: str, named: list[int]) -> None:
    with closing(home.open_(place / "home", passphrase)) as log:
        home.delegate(place / "home", log)
    with closing(home.open_unattended(place / "home")) as log:
        log.append(drafts(named[0], len(named)))


def _erase(place: Path, passphrase: str, named: list[int]) -> None:
    with closing(home.open_(place / "home", passphrase)) as log:
        ids = {
            int(entry.event.item.native_id): entry.id
            for page in log.pages()
            for entry in page.entries
            if entry.event and entry.topic.startswith("item.collected")
        }
        if named:
            Vault(log).erase([ids[number] for number in named], ())


def _backup(place: Path, passphrase: str, _: list[int]) -> None:
    with closing(home.open_(place / "home", passphrase)) as log:
        mirrors.give(log, place / "home", mirrors.Folder(place / "mirror", log.feed.hex()))


def _scopes(place: Path, passphrase: str, _: list[int]) -> None:
    with closing(home.open_(place / "home", passphrase)) as log:
        rotation.rotate_scopes(log)


def _device(place: Path, passphrase: str, _: list[int]) -> None:
    rotation.rotate_device_key(place / "home", passphrase)


def _other(passphrase: str) -> str:
    return _OTHER if passphrase == PASSPHRASE else PASSPHRASE


def _passphrase(place: Path, passphrase: str, _: list[int]) -> str:
    rotation.change_passphrase(place / "home", passphrase, _other(passphrase))
    return _other(passphrase)


def _owner(place: Path, passphrase: str, _: list[int]) -> str:
    page = place / "secrets" / f"page {time.time_ns()}"
    rotation.rotate_owner_key(place / "home", passphrase, _other(passphrase), page)
    return _other(passphrase)


_STEPS: dict[str, Callable[[Path, str, list[int]], str | None]] = {
    "append": _append,
    "collect": _collect,
    "erase": _erase,
    "back up": _backup,
    "renew scope keys": _scopes,
    "renew the device key": _device,
    "change the passphrase": _passphrase,
    "renew the owner key": _owner,
}


def _life(place: Path, known: Known, chance: random.Random) -> list[Step]:
    """Let a process live for a moment; return its steps, the last of which it died in."""
    heard, speak = os.pipe()
    child = os.fork()
    if not child:
        try:
            for step in _steps(place, known, chance):
                os.write(speak, json.dumps(step).encode() + b"\n")
        finally:
            os._exit(1)
    os.close(speak)
    time.sleep(chance.uniform(0, _LONGEST))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(heard) as lines:
        steps = [json.loads(line) for line in lines.read().splitlines()]
    assert os.WIFSIGNALED(status), f"the process gave up: {steps[-1:]}"
    return steps


def _finished(known: Known, step: Step) -> None:
    what, named = step
    match what:
        case "append" | "collect":
            known.items |= set(named)
        case "erase":
            known.items -= set(named)
            known.erased |= set(named)
        case "change the passphrase" | "renew the owner key":
            known.passphrase = _other(known.passphrase)


def _opens(place: Path, passphrase: str) -> bool:
    try:
        unlocked(place / "home", passphrase)
    except Locked:
        return False
    return True


def _check(place: Path, known: Known, steps: list[Step]) -> int:
    """Compare what is there with what was finished; return how many items that were."""
    last = steps[-1] if steps else ("", [])
    for step in steps[:-1]:
        _finished(known, step)
    (place / "secrets" / "1 passphrase").write_text(PASSPHRASE)
    (place / "secrets" / "2 passphrase").write_text(_OTHER)
    with closing(opened(place)) as log:
        problems = log.verify().problems
        assert problems == (), problems
        held = [number for number in numbers(log) if number is not None]
    opening = [one for one in (PASSPHRASE, _OTHER) if _opens(place, one)]
    assert len(opening) == 1, "one passphrase opens"
    assert len(held) == len(set(held)), "an item is there twice"
    happened = Known(set(known.items), set(known.erased), known.passphrase)
    _finished(happened, last)
    found = (set(held), opening[0])
    assert found in [(k.items, k.passphrase) for k in (known, happened)], (
        f"died in {last}: {sorted(set(held) ^ known.items)} differ"
    )
    if found == (happened.items, happened.passphrase):
        known.erased, known.items = happened.erased, happened.items
        known.passphrase = happened.passphrase
    return sum(len(named) for what, named in steps[:-1] if what in {"append", "collect"})


def _check_backup(place: Path, known: Known) -> None:
    """A backup goes on where it was interrupted, and is whole."""
    _backup(place, known.passphrase, [])
    folder, to = mirrors.Folder(place / "mirror"), place / "restored"
    checked = restoring.check(folder, known.passphrase, 1.0)
    assert checked.problems == (), checked.problems
    restoring.restore(to, folder, known.passphrase, "restored")
    with closing(opened(place)) as log, closing(home.open_(to, known.passphrase)) as other:
        assert texts(other)[: len(texts(log))] == texts(log)


def _one_vault(place: Path, rounds: int, chance: random.Random) -> int:
    """Run some rounds on a fresh vault; return how many items were acknowledged."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "secrets").mkdir(parents=True)
    made(place).close()
    known, acknowledged = Known(), 0
    for _ in range(rounds):
        steps = _life(place, known, chance)
        try:
            acknowledged += _check(place, known, steps)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}; it had done {steps}") from error
    _check_backup(place, known)
    return acknowledged


def main(arguments: list[str]) -> None:
    """Run a share of the rounds, and print the report."""
    every, share, shares = map(int, arguments[:3])
    mine = every // shares + (share < every % shares)
    acknowledged, problems = 0, []
    for first in range(0, mine, _ROUNDS_OF_ONE_VAULT):
        rounds = min(_ROUNDS_OF_ONE_VAULT, mine - first)
        try:
            acknowledged += _one_vault(Path(arguments[3]) / "place", rounds, random.Random())
        except Exception as error:  # noqa: BLE001 - whatever it is, a round failed
            problems.append(f"{type(error).__name__}: {error}")
    report = {"rounds": mine, "acknowledged": acknowledged, "problems": problems}
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
