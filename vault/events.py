"""Every fact that the log can hold, one frozen record each.

What was released under a topic never changes: a new version is written under a new topic,
and the old one stays readable by its upcast in `vault.upcasts`. The table of topics is in
`specs/event-format.md`.
"""

from dataclasses import dataclass, field
from datetime import datetime

from vault.consent import Filters, Pause, Statement
from vault.items import Bad, Content, Item

__all__ = [
    "ConsentGiven",
    "ConsentObserved",
    "ConsentProhibited",
    "ConsentWithdrawn",
    "ContentCollected",
    "CorrectionMade",
    "DeviceEnrolled",
    "DeviceRevoked",
    "Disclosed",
    "Event",
    "FeedbackGiven",
    "ImportFinished",
    "ItemCollected",
    "ItemErased",
    "ItemRevised",
    "KeysRotated",
    "LabelCorrected",
    "Manifest",
    "MaskedAlias",
    "ModelPreferred",
    "ModelRetired",
    "ModelRetrained",
    "ModelSuspended",
    "ModelTrained",
    "OwnerNamed",
    "PairReviewed",
    "PersonMerged",
    "PersonRelated",
    "PersonSplit",
    "PodLinked",
    "RetentionSet",
    "SliceState",
    "UsePaused",
    "UseResumed",
    "ViewDefined",
    "ViewDropped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedAlias:
    """One name or address of a person who must stay masked, known by its keyed digest alone.

    `digest` is `Aliases.digest` of the alias, `person` the token of whoever bears it:
    redaction finds and replaces the alias without anyone having stored it. `part` says what
    the alias is of its person, in the words of `vault.aliases.Part`.
    """

    digest: bytes
    person: bytes
    part: str = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Root of all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerNamed(Event):
    """The owner said under which names and addresses she appears in her exports."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCollected(Event):
    """An item was read for the first time."""

    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRevised(Event):
    """The source now states an item differently; `item_id` is the entry that first held it."""

    item_id: str
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCollected(Event):
    """A block of the bytes of an attachment; stored once, however many items carry it."""

    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemErased(Event):
    """The data keys of these entries were destroyed; the signed entries stay.

    `item_ids` names items, every entry that revises or corrects one of them, and the blocks
    of the attachments that no other item carries. `cause` is
    `asked` where the owner asked for it, `retention` where a rule of hers did.
    """

    item_ids: tuple[str, ...]
    masked: tuple[MaskedAlias, ...] = ()
    cause: str = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished(Event):
    """One reading of one export came to its end and told something new.

    `read` = `collected` + `duplicates` + the sum of `bad_reasons`; `bad` holds the first
    10,000 locators only. An item that consent refuses counts as bad, with that reason.
    `locator` is the name of what was added and `path` where it lay; `sources` are those that
    read it, each with its version (0: not known), `asked` the one that the owner named, and
    `retried` the id of the import whose failures were read again.
    """

    locator: str
    read: int
    collected: int
    duplicates: int
    path: str = ""
    sources: tuple[tuple[str, int], ...] = ()
    asked: str = ""
    retried: str = ""
    bad_reasons: tuple[tuple[str, int], ...] = ()
    bad: tuple[Bad, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """The owner allowed something."""

    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentProhibited(Event):
    """The owner forbade something. `masked` keeps the people concerned masked for ever."""

    statement: Statement
    masked: tuple[MaskedAlias, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Event):
    """The owner took a permission back: a prohibition with exactly its filters."""

    statement: Statement
    masked: tuple[MaskedAlias, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentObserved(Event):
    """A statement was found in the owner's pod, written there by another application."""

    statement: Statement
    document: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePaused(Event):
    """The owner wants some items kept and used for nothing, until she resumes.

    `masked` keeps the people concerned masked, as where a permission is withdrawn.
    """

    pause: Pause
    masked: tuple[MaskedAlias, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UseResumed(Event):
    """The owner ended a pause; what she said before it holds again."""

    pause: Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSet(Event):
    """The owner set for how many days items of a type are kept; None keeps them for ever."""

    type: str
    days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMerged(Event):
    """The owner said that some people are one.

    `people` are the keyed digests of the names and addresses of all of them
    (`vault.aliases.Aliases.identity`): nobody is named here, so nothing here has to be erased.
    """

    people: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSplit(Event):
    """The owner said that what was taken for one person are two, `people` and `others`.

    `masked` says what each of the two is called from then on: what earlier events masked, they
    masked as one person's.
    """

    people: tuple[bytes, ...]
    others: tuple[bytes, ...]
    masked: tuple[MaskedAlias, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRelated(Event):
    """The owner said what a person is to her; an empty word takes back what she said before."""

    people: tuple[bytes, ...]
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionMade(Event):
    """The owner corrected the words of an item."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCorrected(Event):
    """The owner said whether an item is about a sensitive matter; her newest word holds."""

    item_id: str
    label: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReviewed(Event):
    """The owner `approved`, `rejected` or `edited` an example; her newest word on it holds.

    `pair` names the example however it is redacted, `item_ids` the items whose words it
    teaches. `prompt` and `answer` are her own wording, not yet redacted; an empty one leaves
    what stands there.
    """

    pair: str
    item_ids: tuple[str, ...]
    verdict: str
    prompt: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDefined(Event):
    """The owner named a training view of her own; under a name that is taken, another one.

    It holds examples of items that `filters` let by, of one of `types` where any is named,
    written by her alone where it is `mine`, from threads that say all of `words`. At most
    `most` of them (0: all) are taken, in equal shares by `balance` where that names anything;
    `augment` adds variants of rare styles.
    """

    name: str
    types: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)
    words: str = ""
    mine: bool = False
    most: int = 0
    balance: tuple[str, ...] = ()
    augment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDropped(Event):
    """A view that the owner had named is not made any more."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(Event):
    """The owner judged an answer of a model, or wrote a better one."""

    model: str
    prompt: str
    answer: str
    better: str = ""
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceState:
    """One link of a model's chain of states.

    `state` is the hex digest of (previous state, rows of the slice, recipe, environment);
    `rows` the number of rows in the slice.
    """

    name: str
    state: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model was made from, completely.

    `rows_root` is the RFC 9162 root over the sorted digests of its rows, `weights` the
    SHA-256 of its trained tensors in canonical order, `base` the digest of the base model
    (empty: from scratch), `recipe` and `environment` are canonical JSON. All digests hex.
    `items_root` commits to the ids of the `items` items that these rows hold
    (`vault.membership`); it is empty where an earlier release made the model.
    """

    model: str
    kind: str
    base: str
    base_path: str
    recipe: str
    environment: str
    position: int
    checkpoint: str
    rows: int
    rows_root: str
    statements: tuple[str, ...]
    slices: tuple[SliceState, ...]
    weights: str
    metrics: tuple[tuple[str, float], ...] = ()
    items: int = 0
    items_root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTrained(Event):
    """A model came into being. `signature` is the device key's over the encoded manifest."""

    manifest: Manifest
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSuspended(Event):
    """A model learned from rows that are no longer permitted, and may not answer."""

    model: str
    rows: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRetrained(Event):
    """A model was rebuilt without what is no longer permitted; it takes `replaces`' place.

    `identical_to_clean_run` is None where no clean run was made in the same environment.
    """

    manifest: Manifest
    signature: bytes
    replaces: str
    replayed_slices: int
    identical_to_clean_run: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPreferred(Event):
    """The owner chose the model that answers where she names none; her newest choice holds."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRetired(Event):
    """The owner gave a model up: it never answers again, and its weights are deleted."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed(Event):
    """Something left the machine: what, to whom, under which statement."""

    recipient: str
    what: str
    items: int
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodLinked(Event):
    """The owner's own pod was linked."""

    url: str
    webid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEnrolled(Event):
    """A device may sign a feed of this vault; the owner key certifies its public key."""

    device: str
    name: str
    public_key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRevoked(Event):
    """A device's signatures count no more: entries of its feed from number `size` on are void.

    `device` is the feed, hexadecimal; the owner key certifies both.
    """

    device: str
    size: int
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRotated(Event):
    """Keys were replaced: those of the `owner`, of the `scopes` or of this `device`.

    `generation` counts the rotations of that part. `public_key` is the owner's signing key
    from now on, empty where it stays; `certificate` the old one's signature over it.
    """

    part: str
    generation: int
    public_key: bytes
    certificate: bytes
