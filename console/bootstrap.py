"""The composition root: here, and nowhere else, concrete parts are chosen and wired."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from glob import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from console import naming
from console.podkeeping import PodKeeping, Way
from console.recovery_page import Beside, recovery_page
from console.scratch import remove_left_over
from console.talking import Conversation
from projections.embed import chosen
from projections.rows import Row
from projections.views import Views
from trainer import forget, states
from trainer.private import Secret
from vault.application import Vault
from vault.collectors.fingerprints import Fingerprints
from vault.consent import Effect, Filters, Purpose, Statement
from vault.derived import Derived
from vault.disk import storage, write_atomic
from vault.errors import Exists, Locked, UsageError
from vault.events import Manifest, MaskedAlias, ModelSuspended
from vault.follow import Readable, Without
from vault.log import home as vault_home
from vault.log import rotation
from vault.log.folder import unlocked
from vault.log.identity import Identity
from vault.log.keys import Keys
from vault.log.passphrase import (
    beside_recovery_key,
    recovery_bytes,
    recovery_text,
    sealed_beside,
)
from vault.log.sealed import SealedLog

if TYPE_CHECKING:
    import httpx2

    from trainer.engine import Voice

__all__ = [
    "Created",
    "Twin",
    "change_passphrase",
    "copy_of_page",
    "create",
    "is_recovery_key",
    "new_recovery_page",
    "open_",
    "opens",
    "recovery_groups",
    "recovery_pages",
    "rotate_device_key",
    "rotate_owner_key",
    "rotate_scope_keys",
    "way_into_pod",
    "way_on_page",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new vault and where its recovery key was written."""

    vault: Path
    recovery_key_file: Path


def create(home: Path, passphrase: str) -> Created:
    """Create a vault, and its recovery key beside the vault's folder.

    Raises:
        Exists: There is a vault already.
        StorageError: The disk refused; creating it again starts over.
    """
    home = home.absolute()
    if (home / "vault.json").exists():
        raise Exists(f"There is a vault in {home} already; choose another folder with --home.")
    recovery = _page_file(home)
    vault_home.create(home, passphrase, recovery, page=_page).close()
    return Created(vault=home, recovery_key_file=recovery)


def _page(key: bytes, vault: str, way: Way | None = None) -> str:
    pod = None
    if way:
        pod = Beside(url=way.url, webid=way.webid, letters=sealed_beside(key, way.encode()))
    return recovery_page(recovery_text(key), vault, datetime.now().astimezone(), pod)


def way_into_pod(home: Path, secret: str) -> Way | None:
    """Return the way into the pod of a vault that is not open, None where none is linked."""
    if not (home / "pod").is_dir():
        return None
    _, owner = unlocked(home, secret)
    return PodKeeping(Derived(home / "pod", owner.derived("derived/pod"))).way


def way_on_page(text: str) -> Way | None:
    """Return the way into the pod that a recovery page holds, None where it holds none.

    Raises:
        TamperError: What is there does not belong to the page's key.
    """
    content = beside_recovery_key(text)
    return None if content is None else Way.decode(content)


def copy_of_page(home: Path, secret: str) -> Path:
    """Write the recovery page anew with the key that it has, as it was typed to open the vault."""
    key = recovery_bytes(secret)
    assert key is not None, "the vault was opened with it"
    home = home.absolute()
    identity, _ = unlocked(home, secret)
    file = _new_page_file(home)
    with storage("The recovery page"):
        write_atomic(file, _page(key, identity.vault, way_into_pod(home, secret)).encode())
    return file


def _page_file(home: Path, number: int = 1) -> Path:
    mark = "" if number == 1 else f"-{number}"
    return home.with_name(f"{home.name}-recovery-key{mark}.html")


def _new_page_file(home: Path) -> Path:
    """Return the first name that is free: the page before stays until the new one is valid."""
    files = (_page_file(home, number) for number in count(1))
    return next(file for file in files if not file.exists())


def recovery_pages(home: Path) -> tuple[Path, ...]:
    """Return the recovery pages that lie beside a vault and open it, the newest first."""
    home = home.absolute()
    found: list[Path] = []
    for file in home.parent.glob(f"{escape(home.name)}-recovery-key*.html"):
        with suppress(OSError, UnicodeDecodeError):
            text = file.read_text(encoding="utf-8")
            if is_recovery_key(text) and opens(home, text):
                found.append(file)
    return tuple(sorted(found, key=lambda file: file.stat().st_mtime_ns, reverse=True))


def recovery_groups(page: str) -> tuple[str, ...]:
    """Return the key on a recovery page as it is printed, group by group; nothing if it has none."""
    key = recovery_bytes(page)
    return () if key is None else tuple(recovery_text(key).split("-"))


def is_recovery_key(secret: str) -> bool:
    """Whether a secret is a recovery key, or a recovery page, and no passphrase."""
    return recovery_bytes(secret) is not None


def opens(home: Path, secret: str) -> bool:
    """Whether a secret opens a vault."""
    try:
        unlocked(home, secret)
    except Locked:
        return False
    return True


def change_passphrase(home: Path, secret: str, new: str) -> None:
    """Let a new passphrase open a vault, and the old one no more.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
    """
    rotation.change_passphrase(home.absolute(), secret, new)


def new_recovery_page(home: Path, secret: str) -> Path:
    """Write a new recovery page beside a vault; the one before opens it no more.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
    """
    file = _new_page_file(home.absolute())
    page = partial(_page, way=way_into_pod(home.absolute(), secret))
    rotation.new_recovery_page(home.absolute(), secret, file, page=page)
    return file


def rotate_owner_key(home: Path, secret: str, new: str) -> Path:
    """Give a vault a new owner key under a passphrase; return its new recovery page.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
    """
    file = _new_page_file(home.absolute())
    page = partial(_page, way=way_into_pod(home.absolute(), secret))
    rotation.rotate_owner_key(home.absolute(), secret, new, file, page=page)
    return file


def rotate_device_key(home: Path, secret: str) -> None:
    """Give this device a new key, and a feed of its own in the log.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
    """
    rotation.rotate_device_key(home.absolute(), secret)


def rotate_scope_keys(
    home: Path, secret: str, progress: Callable[[int, int], None] | None = None
) -> int:
    """Give every scope of a vault a new key; return how many scopes there are.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
    """
    log = vault_home.open_(home, secret)
    try:
        return rotation.rotate_scopes(log, progress)
    finally:
        log.close()


def open_(home: Path, secret: str, *, views: Path | None = None) -> "Twin":
    """Open a vault and its views.

    Args:
        home: Its folder.
        secret: The passphrase, or the text of the recovery key.
        views: Another folder for views and models, for a clean run.

    Raises:
        Locked: The secret is wrong; nothing on disk was touched.
        VaultError: The folder is no vault, was rolled back, or tampered with.
    """
    home = home.absolute()
    log = vault_home.open_(home, secret)
    try:
        if views is None:
            remove_left_over(home)
        keys = log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        folder = views or home
        models = Derived(folder / "models", keys.sealing("models"))
        opened = _views(home, folder, keys, models)
    except BaseException:
        log.close()
        raise
    return Twin(home=home, secret=secret, log=log, models=models, views=opened)


def _views(home: Path, folder: Path, keys: Keys, models: Derived) -> Views:
    # A clean run makes its labels, and guesses names, as the vault does.
    settings = Derived(home / "views", keys.sealing("views"))
    return Views.open(
        Derived(folder / "views", keys.sealing("views")),
        models,
        alias_key=keys.derived("aliases"),
        view_key=keys.derived("surrogates"),
        embedder=chosen((settings.read(_EMBEDDER) or b"").decode()),
        names=naming.chosen(settings.read(_NAMES) or b""),
        blind=keys.blind_natural_key.each,
    )


_EMBEDDER = "embedder"
_NAMES = "names"


def is_damaged_view(error: Exception) -> bool:
    """Whether an error means that a view's file is not what was written."""
    return isinstance(error, apsw.CorruptError | apsw.NotADBError)


def drop_views(home: Path, names: Iterable[str] = ("*",)) -> None:
    """Delete views, all of them unless some are named; they can be made again from the log."""
    for name in names:
        for path in (home / "views").glob(f"{name}.db*"):
            path.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class Twin:
    """An open vault with everything that follows its log.

    `network` carries requests to the owner's pod; None stands for the machine's own.
    `voices` and `talks` are models and conversations in memory, gone once the vault is closed.
    `patience` is by how many entries the views may be behind and still be brought up by who
    only looks; None stands for any number.
    """

    home: Path
    secret: str = field(repr=False)
    log: SealedLog
    models: Derived
    views: Views
    voices: "dict[str, Voice]" = field(default_factory=dict)
    talks: dict[str, Conversation] = field(default_factory=dict)
    network: "httpx2.BaseTransport | None" = None
    patience: int | None = None
    _read: Readable | None = None
    _at: datetime | None = None

    @property
    def vault(self) -> Vault:
        """The commands on the log."""
        return Vault(self.log)

    @property
    def now(self) -> datetime:
        """The present; where the log is read as it once stood, that time."""
        return self._at or self.vault.now()

    @property
    def vault_id(self) -> str:
        """What all devices of the vault call it; it is no secret."""
        return Identity.decode((self.home / "vault.json").read_bytes()).vault

    @property
    def noise(self) -> Secret:
        """What private runs draw their noise from, for as long as the vault exists."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return Secret(keys.derived("training/noise"))

    @property
    def pod(self) -> PodKeeping:
        """What this device keeps of the owner's pod."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return PodKeeping(Derived(self.home / "pod", keys.sealing("pod")))

    @property
    def pod_files(self) -> Derived:
        """The sealed files of what this device keeps of the owner's pod."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return Derived(self.home / "pod", keys.sealing("pod"))

    @property
    def documents_key(self) -> bytes:
        """What marks the vault's own documents in the pod, and hides names there."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return keys.derived("pod/documents")

    @property
    def settings(self) -> Derived:
        """What this device remembers for its owner, sealed; it is in no log."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return Derived(self.home / "views", keys.sealing("views"))

    @property
    def is_linked(self) -> bool:
        """Whether there is a way into a pod."""
        return (self.home / "pod").is_dir() and self.pod.way is not None

    def fingerprints(self) -> Fingerprints:
        """Open what this device remembers of the files that it has read."""
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        return Fingerprints(
            Derived(self.home / "views", keys.sealing("views")).database("fingerprints.db"),
            keys.derived("fingerprints"),
            order=f"{self.log.order}.{self.views.timeline.attached.lost}",
            position=self.log.head.position,
        )

    def close(self) -> None:
        """Close every file."""
        self.views.close()
        self.log.close()

    def use_embedder(self, name: str) -> None:
        """Make the labels of this vault with another embedder; views that need it start over."""
        self._choose(_EMBEDDER, name.encode())

    def use_names(self, folder: Path | None) -> None:
        """Guess names with a model in a folder too, or only with the one that ships.

        Raises:
            BaseRefused: There is no such model in the folder.
        """
        self._choose(_NAMES, naming.described(folder) if folder else b"")

    def _choose(self, setting: str, what: bytes) -> None:
        keys = self.log.keys
        assert isinstance(keys, Keys), "a secret opens all keys"
        self.settings.write(setting, what)
        self.views.close()
        self.views = _views(self.home, self.home, keys, self.models)

    def catch_up(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Bring every view to the end of the log; return the position reached."""
        if self.is_too_far_behind:
            return self.log.head.position - self.behind
        return self.views.catch_up(self._read or self.log, progress)

    @property
    def is_too_far_behind(self) -> bool:
        """Whether who only looks has to do with views that have not heard everything.

        A prohibition may be among what they have not heard; so nothing that hangs on consent
        is shown then.
        """
        return self.patience is not None and self.behind > self.patience

    @property
    def behind(self) -> int:
        """How many entries of the log the view that is furthest behind has not seen."""
        return max(self.log.head.position - view.position for view in self.views.all)

    def read_without(self, item_ids: frozenset[str], *, until: int) -> None:
        """Read the log as if some items had never been collected, up to a position."""
        self._read = Without(self.log, item_ids, until=until)

    def read_until(
        self,
        position: int,
        at: datetime | None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Read the log as it stood at a position or a time, which is then the present.

        Raises:
            UsageError: Nothing had been written by then.
        """
        self._read = Without(self.log, until=position, at=at)
        self.catch_up(progress)
        newest = self.views.permissions.newest
        if newest is None:
            raise UsageError("Nothing had been written by then; name a later position or date.")
        self._at = at or newest

    # What consent says of rows and models.

    def rows(self, now: datetime | None = None, *, view: str = "") -> tuple[Row, ...]:
        """Return the rows of a view that may be learned from now.

        Raises:
            NotFound: There is no such view.
        """
        return tuple(self.views.named(view).rows(now=now or self.now))

    def still_permitted(self, rows: Sequence[Row]) -> AbstractSet[str]:
        """Return the ids of rows that are permitted still, whoever withdrew meanwhile."""
        self.catch_up()
        return self.views.training.still_permitted(rows, self.vault.now())

    def masked_by(self, data_type: str, filters: Filters) -> tuple[MaskedAlias, ...]:
        """Return the people of the items that a prohibition would cover, as digests."""
        return self.masked_of_covered(
            Statement(
                id="", effect=Effect.DENY, type=data_type, purpose=Purpose.TRAIN, filters=filters
            )
        )

    def masked_of_covered(self, statement: Statement) -> tuple[MaskedAlias, ...]:
        """Return the people of the items that a statement is about, as digests."""
        return self.views.people.masked_for(self.views.timeline.covered_ids(statement))

    def masked_of(self, item_ids: Iterable[str]) -> tuple[MaskedAlias, ...]:
        """Return the people of some items, as digests."""
        return self.views.people.masked_for(item_ids)

    def suspend_tainted(self, cause: str) -> tuple[str, ...]:
        """Suspend what learned from a lost row, and keep nothing that such a row has shaped."""
        affected = self.views.lineage.to_suspend(self.vault.now())
        if affected:
            self.vault.record(
                *(ModelSuspended(model=m.model, rows=m.rows, cause=cause) for m in affected)
            )
            self.catch_up()
        forget.lose(self.views.lineage, self.models, self.vault.now())
        for state in self.voices.keys() - states.known(self.models):
            del self.voices[state]
        return tuple(one.model for one in affected)

    def destroy_tainted_states(self) -> int:
        """Delete all states but those that only permitted rows have shaped; return how many.

        States of runs that were interrupted belong to no model; they go too, because nobody
        can say any more what they learned from.
        """
        now = self.vault.now()
        return forget.lose(self.views.lineage, self.models, now, strangers=True).states

    def manifest(self, model: str = "") -> Manifest:
        """Return the manifest of a model, the newest by default.

        Raises:
            NotFound: There is none.
        """
        return self.views.lineage.model(model).manifest

    def next_model(self) -> str:
        """Return the name for the next model."""
        return f"twin-{len(self.views.lineage.models()) + 1}"
