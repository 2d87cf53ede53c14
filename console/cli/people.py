"""`twin people …`."""

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.opening import opened

if TYPE_CHECKING:
    from console.use.people import Changed, Person

__all__ = ["people"]

_NAMES_TOLD = 3
_SHORT_ID = 8


@click.group("people", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def people(ctx: click.Context) -> None:
    """Say who is who, what somebody is to you, and whose words and mentions are left out.

    Alone it lists everybody. NAME is a name, an address, a part of a name that only one
    person has, or the id that the list shows.
    """
    if ctx.invoked_subcommand is None:
        _list()


@command("list")
def list_() -> None:
    """List everybody, those in most items first."""
    _list()


def _list() -> None:
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = use.everybody(twin)

    def lines() -> None:
        for one in found.people:
            click.echo(_line(one))
        if not found.people:
            talk("Nobody yet: `twin add` collects what people take part in.")

    emit(found, lines)


def _line(person: "Person") -> str:
    """Return a person in one line."""
    names = ", ".join(person.names[:_NAMES_TOLD]) or person.addresses[0]
    more = len(person.names) - _NAMES_TOLD
    parts = [
        person.id[:_SHORT_ID],
        _count(person.items, "item"),
        printable(names) + (f" and {_count(more, 'name')} more" if more > 0 else ""),
    ]
    if person.addresses:
        parts.append(f"({_count(len(person.addresses), 'address')})")
    parts += [person.relation] if person.relation else []
    parts += ["blocked"] if person.blocked else []
    return "  ".join(parts)


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"{number} {noun}"
    return f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


@command("show")
@click.argument("name", metavar="NAME")
def show(name: str) -> None:
    """Show under which names and addresses one person is known."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = use.show(twin, name)
    emit(found, lambda: _tell(found))


def _tell(person: "Person") -> None:
    click.echo(_line(person))
    for text in (*person.names, *person.addresses):
        click.echo(f"    {printable(text)}")
    if person.namesakes:
        short = ", ".join(one[:_SHORT_ID] for one in person.namesakes)
        click.echo(f"    Others have a name of hers: {short}; `twin people merge` if they are her.")


@command("merge")
@click.argument("name", metavar="NAME")
@click.argument("other", metavar="OTHER")
def merge(name: str, other: str) -> None:
    """Say that two persons are one; `twin people split` undoes it."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        _say(use.merge(twin, name, other))


@command("split")
@click.argument("name", metavar="NAME")
@click.argument("texts", nargs=-1, required=True, metavar="NAME_OR_ADDRESS...")
def split(name: str, texts: tuple[str, ...]) -> None:
    """Say that some names and addresses of a person are somebody else's."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        _say(use.split(twin, name, texts))


def _relations(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del ctx, param
    from console.use.people import RELATIONS  # noqa: PLC0415 — heavy

    return [CompletionItem(word) for word in RELATIONS if word.startswith(incomplete)]


@command("relate")
@click.argument("name", metavar="NAME")
@click.argument("relation", metavar="RELATION", shell_complete=_relations)
def relate(name: str, relation: str) -> None:
    """Say what a person is to you: mother, friend, colleague, self; none takes it back."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        _say(use.relate(twin, name, relation))


def _say(changed: "Changed") -> None:
    def lines() -> None:
        for one in changed.people:
            _tell(one)
        _suspended(changed.models_suspended)

    emit(changed, lines)


def _suspended(models: tuple[str, ...]) -> None:
    for model in models:
        talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")


@command("block")
@click.argument("name", metavar="NAME")
def block(name: str) -> None:
    """Use nothing that a person takes part in, and nothing that mentions her."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        done = use.block(twin, name)

    def lines() -> None:
        click.echo(_line(done.person))
        _suspended(done.models_suspended)

    emit(done, lines)


@command("unblock")
@click.argument("name", metavar="NAME")
def unblock(name: str) -> None:
    """End it; what you said before holds again."""
    from console.use import people as use  # noqa: PLC0415 — heavy

    with opened() as twin:
        done = use.unblock(twin, name)
    emit(done, lambda: click.echo(_line(done.person)))


for _command in (list_, show, merge, split, relate, block, unblock):
    people.add_command(_command)
