"""What is run while writes fail, processes die and the power goes: all that writes to a vault."""

import shutil
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

from pod_sync.place import PodPlace
from tests.faults.pods import FileMemory, FolderSession
from tests.faults.rehearsal import Scenario, Secrets, made, opened, texts
from tests.vault.log.logkit import PASSPHRASE, draft, drafts, secrets_of
from vault import mirrors, restoring
from vault.application import Export, Vault
from vault.errors import NotFound, TamperError
from vault.events import ItemErased, OwnerNamed
from vault.items import Item
from vault.log import home, rotation
from vault.log.enrolment import revoke
from vault.log.folder import read_identity
from vault.log.merge import learn_devices, segments, take_in
from vault.log.owner import unlock
from vault.log.sealed import Draft, SealedLog

__all__ = ["SCENARIOS", "merged"]

_GOLDEN = Path(__file__).parents[1] / "golden" / "format-1"
_NEW = "another horse, another battery"
_ERASED = (2, 3)

Steps = Iterator[object]


def _nothing(place: Path) -> Secrets:
    (place / "secrets").mkdir()
    (place / "secrets" / "1 passphrase").write_text(PASSPHRASE)
    return []


def _filled(place: Path, items: int = 4) -> Secrets:
    """A vault with some items of two conversations, and one entry of the ledger."""
    _nothing(place)
    with closing(made(place)) as log:
        log.append(drafts(0, items))
        log.append([Draft(event=OwnerNamed(names=("Ada",))), draft(4)])
    (place / "secrets" / "3 new passphrase").write_text(_NEW)
    return []


def _create(place: Path) -> Steps:
    with closing(made(place)):
        yield


def _append(place: Path) -> Steps:
    with closing(opened(place)) as log:
        log.append(drafts(10, 3))
        yield
        log.append(drafts(13, 2))
        yield


def _import(place: Path) -> Steps:
    """Two pages: what comes again with another text in one reading begins a new page."""
    texts = [(1, "one"), (2, "two"), (3, "three"), (1, "one more"), (4, "four")]
    items = [
        Item(source="chat", native_id=str(n), type="document.note", text=text) for n, text in texts
    ]
    with closing(opened(place)) as log:
        Vault(log).collect(items, export=Export(locator="chat.txt"), permits=lambda _: True)
        yield


def _ids(log: SealedLog) -> list[str]:
    return [entry.id for page in log.pages() for entry in page.entries]


def _to_erase(place: Path) -> Secrets:
    _filled(place)
    with closing(opened(place)) as log:
        ids = _ids(log)
        return secrets_of(log, [ids[n] for n in _ERASED])


def _erase(place: Path) -> Steps:
    with closing(opened(place)) as log:
        ids = _ids(log)
        Vault(log).erase([ids[n] for n in _ERASED], ())
        yield


def _asked_to_erase(place: Path) -> Secrets:
    secrets = _to_erase(place)
    with closing(opened(place)) as log:
        ids = _ids(log)
        log.append([Draft(event=ItemErased(item_ids=tuple(ids[n] for n in _ERASED)))])
    return secrets


def _open(place: Path) -> Steps:
    with closing(opened(place)):
        yield


def _collector(place: Path) -> Steps:
    with closing(opened(place)) as log:
        home.delegate(place / "home", log)
        yield
    with closing(home.open_unattended(place / "home")) as log:
        log.append(drafts(20, 2))
        yield


def _format_1(place: Path) -> Secrets:
    shutil.copytree(_GOLDEN / "vault", place / "home")
    (place / "secrets").mkdir()
    passphrase = (_GOLDEN / "passphrase.txt").read_text().removesuffix("\n")
    (place / "secrets" / "1 passphrase").write_text(passphrase)
    shutil.copy(_GOLDEN / "recovery.txt", place / "secrets" / "2 recovery")
    return []


def _wrapped(place: Path) -> Secrets:
    """A vault, and all that is wrapped in it: it must be gone when the keys are replaced."""
    _filled(place)
    identity = read_identity(place / "home")
    with closing(opened(place)) as log:
        store = log.keys.store
        scopes = [scope.wrapped for scope in store.scopes_by_id(store.scope_ids()).values()]
    return [identity.passphrase, identity.recovery, *scopes]


def _wrapped_for_all(place: Path) -> Secrets:
    return _wrapped(place)[2:]


def _passphrase(place: Path) -> Steps:
    rotation.change_passphrase(place / "home", PASSPHRASE, _NEW)
    yield


def _recovery_page(place: Path) -> Steps:
    rotation.new_recovery_page(place / "home", PASSPHRASE, place / "secrets" / "4 new recovery")
    yield


def _owner_key(place: Path) -> Steps:
    recovery = place / "secrets" / "4 new recovery"
    rotation.rotate_owner_key(place / "home", PASSPHRASE, _NEW, recovery)
    yield


def _device_key(place: Path) -> Steps:
    rotation.rotate_device_key(place / "home", PASSPHRASE)
    yield
    with closing(opened(place)) as log:
        log.append(drafts(30, 1))
        yield


def _scopes(place: Path) -> Steps:
    with closing(opened(place)) as log:
        rotation.rotate_scopes(log)
        yield


def _enrolled(place: Path) -> None:
    """Another device of the vault, in `place / "second"`."""
    with closing(opened(place)) as log:
        identity = read_identity(place / "home")
        shared = unlock(identity, PASSPHRASE).shared(identity)
        other = home.enrol(place / "second", shared, PASSPHRASE, "second device", log.devices.all())
    with closing(other):
        other.append([draft(1, "written elsewhere"), draft(40)])
        other.append(drafts(41, 2))


def _two_devices(place: Path, items: int = 4) -> Secrets:
    _filled(place, items)
    _enrolled(place)
    return []


def _merge(place: Path) -> Steps:
    with (
        closing(opened(place)) as log,
        closing(home.open_(place / "second", PASSPHRASE)) as other,
    ):
        learn_devices(log, other.devices.all())
        for segment in segments(other, other.feed, 0, other.head.size):
            take_in(log, segment)
        yield


def merged(place: Path, items: int = 4) -> Secrets:
    """A vault that holds what two devices wrote."""
    _two_devices(place, items)
    for _ in _merge(place):
        pass
    return []


def _revoke(place: Path) -> Steps:
    with closing(opened(place)) as log:
        revoke(log, "second device")
        yield


# Mirrors: what a backup is, is what can be made from it again.


def _give(place: Path, name: str = "home") -> None:
    with closing(home.open_(place / name, PASSPHRASE)) as log:
        mirrors.give(log, place / name, mirrors.Folder(place / "mirror", log.feed.hex()))


def _backup(place: Path) -> Steps:
    _give(place)
    yield


def _backed_up(place: Path) -> Secrets:
    """A backup, and since then an erasure and more."""
    _filled(place)
    _give(place)
    with closing(opened(place)) as log:
        ids = _ids(log)
        Vault(log).erase([ids[n] for n in _ERASED], ())
        log.append(drafts(60, 2))
    return []


def _restorable(place: Path) -> object:
    """What would come back from the mirror: the texts of its entries, or that it is none yet."""
    to = place / "from the mirror"
    try:
        restoring.restore(to, mirrors.Folder(place / "mirror"), PASSPHRASE, "restored")
    except (NotFound, TamperError):
        return "no whole backup"
    finally:
        shutil.rmtree(place / "from the mirror.restoring", ignore_errors=True)
    with closing(home.open_(to, PASSPHRASE)) as log:
        found = _without_devices(log)
    shutil.rmtree(to)
    return found


def _without_devices(log: SealedLog) -> tuple[str, ...]:
    """Return the entries as text, but for those that say that a device was enrolled."""
    return tuple(text for text in texts(log) if " device.enrolled" not in text)


def _backup_again(place: Path) -> None:
    _give(place)
    checked = restoring.check(mirrors.Folder(place / "mirror"), PASSPHRASE, 1.0)
    assert checked.problems == (), checked.problems
    with closing(opened(place)) as log:
        assert _restorable(place) == _without_devices(log)


def _restore(place: Path) -> Steps:
    restoring.restore(place / "restored", mirrors.Folder(place / "mirror"), PASSPHRASE, "restored")
    yield


def _restored(place: Path) -> object:
    if not (place / "restored").exists():
        return "nothing restored"
    with closing(home.open_(place / "restored", PASSPHRASE)) as log:
        return texts(log)


def _restore_again(place: Path) -> None:
    if not (place / "restored").exists():
        for _ in _restore(place):
            pass
    assert not list(place.glob("*restoring*"))


def _given_by_another(place: Path) -> Secrets:
    _two_devices(place)
    _give(place, "second")
    return []


def _exchange(place: Path) -> Steps:
    with closing(opened(place)) as log:
        folder = mirrors.Folder(place / "mirror", log.feed.hex())
        mirrors.take(log, folder)
        yield
        mirrors.give(log, place / "home", folder)
        yield


class _AtHome:
    """Keeps the bodies of some entries at home."""

    edition = b"1"

    def __init__(self, ids: list[str]) -> None:
        self._ids = frozenset(ids)

    def withheld(self, ids: Sequence[str]) -> AbstractSet[str]:
        return self._ids.intersection(ids)


def _lacking(place: Path) -> Secrets:
    """A vault that took entries from another device without two bodies, which are to be had now."""
    _two_devices(place)
    folder = mirrors.Folder(place / "mirror")
    with closing(home.open_(place / "second", PASSPHRASE)) as other:
        ids = _ids(other)[-2:]
        mirrors.give(other, place / "second", folder, withholding=_AtHome(ids))
    with closing(opened(place)) as log:
        mirrors.take(log, folder)
    _give(place, "second")
    return []


def _take(place: Path) -> Steps:
    with closing(opened(place)) as log:
        assert mirrors.take(log, mirrors.Folder(place / "mirror")).filled == 2
        yield


def _withdraw(place: Path) -> Steps:
    """What may not be in the mirror any more leaves it."""
    with closing(opened(place)) as log:
        ids = [_ids(log)[n] for n in _ERASED]
        folder = mirrors.Folder(place / "mirror", log.feed.hex())
        mirrors.give(log, place / "home", folder, withholding=_AtHome(ids))
        yield


def _backed_up_whole(place: Path) -> Secrets:
    _filled(place)
    _give(place)
    return []


# A pod: the same with files that count once an index names them.


def _in_pod(place: Path, feed: str = "") -> PodPlace:
    return PodPlace(FolderSession(place / "pod"), feed, FileMemory(place / f"memory {feed}"))


def _sync(place: Path) -> Steps:
    with closing(opened(place)) as log, _in_pod(place, log.feed.hex()) as pod:
        mirrors.give(log, place / "home", pod)
        pod.settle(b"settled")
        yield


def _synced(place: Path) -> Secrets:
    """A mirror in a pod, and since then an erasure and more."""
    _filled(place)
    for _ in _sync(place):
        pass
    with closing(opened(place)) as log:
        ids = _ids(log)
        Vault(log).erase([ids[n] for n in _ERASED], ())
        log.append(drafts(60, 2))
    return []


def _sync_again(place: Path) -> None:
    for _ in _sync(place):
        pass
    with _in_pod(place) as pod:
        checked = restoring.check(pod, PASSPHRASE, 1.0)
        assert checked.problems == (), checked.problems
        there = {one.name for one in (place / "pod" / "twinvault" / "files").glob("*/*/*-*")}
        assert {name for name in there if "." not in name} == set(pod.sizes())


SCENARIOS = {
    "create": Scenario(_nothing, _create),
    "append": Scenario(_filled, _append),
    "import": Scenario(_filled, _import, frozenset(["import.page"])),
    "erase": Scenario(_to_erase, _erase, frozenset(["erase.recorded"])),
    "finish an erasure": Scenario(_asked_to_erase, _open),
    "collector": Scenario(_filled, _collector),
    "open format 1": Scenario(_format_1, _open),
    "passphrase": Scenario(_filled, _passphrase),
    "recovery page": Scenario(_filled, _recovery_page),
    "owner key": Scenario(_wrapped, _owner_key),
    "device key": Scenario(_filled, _device_key),
    "scope keys": Scenario(_wrapped_for_all, _scopes),
    "merge": Scenario(_two_devices, _merge, frozenset(["merge.devices", "merge.pages"])),
    "revoke": Scenario(merged, _revoke),
    "first backup": Scenario(_filled, _backup, also=_restorable, again=_backup_again),
    "backup": Scenario(_backed_up, _backup, also=_restorable, again=_backup_again),
    "withdraw": Scenario(_backed_up_whole, _withdraw, also=_restorable, again=_backup_again),
    "fill": Scenario(_lacking, _take, frozenset(["merge.filled"])),
    "restore": Scenario(_backed_up, _restore, also=_restored, again=_restore_again),
    "pod": Scenario(_synced, _sync, again=_sync_again),
    "exchange": Scenario(
        _given_by_another, _exchange, frozenset(["merge.devices", "merge.pages"]), _restorable
    ),
}
