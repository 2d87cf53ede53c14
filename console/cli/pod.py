"""`twin pod …`."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, command, emit, home_folder, printable, talk
from console.cli.mirrors import Share, say_replaced, say_restored
from console.cli.opening import newer_secret, opened, progress, secret, told_secret
from vault.errors import UsageError

if TYPE_CHECKING:
    from console.bootstrap import Twin
    from console.use.pacing import Told
    from console.use.podding import Account, Credentials, Synced

__all__ = ["pod"]

_PASSWORD = "TWIN_POD_PASSWORD_FILE"  # noqa: S105 — names a variable that names a file
_SECRET = "TWIN_POD_SECRET_FILE"  # noqa: S105
_LARGEST_PAGE = 1 << 20


@click.group("pod")
@GlobalOptions.add
def pod() -> None:
    """Keep the vault in a Solid pod of yours: mirror it, meet other devices, get it back.

    What is in the pod is sealed, but for what you say about consent and how many items there
    are. A password or secret of the pod is asked for, or read from the file that
    TWIN_POD_PASSWORD_FILE or TWIN_POD_SECRET_FILE names.
    """


@command("serve")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--port", type=click.IntRange(1, 65535), help="Where it listens.")
@click.option("--lan", default="", metavar="NAME", help="Let the local network in, by this name.")
def serve(folder: Path | None, port: int | None, lan: str) -> None:
    """Run a Solid server of your own until interrupted.

    Its files are in DIR, by default ~/.local/share/twinvault-pod. Nobody but this machine
    reaches it, unless `--lan` says under which name the local network does: it speaks http, so
    say it only where you trust everybody on the wire.
    """
    from console.solid_server import SolidServer, usual_folder  # noqa: PLC0415 — heavy

    click.echo("Starting the server; this takes a moment.", err=True)
    with SolidServer(folder or usual_folder(), port=port or 0, lan=lan) as server:
        served = {"url": server.url, "folder": server.folder}

        def lines() -> None:
            talk(f"A Solid server is ready at {server.url}, its files are in {server.folder}")
            talk(f"In another terminal: twin pod link {server.url}")
            talk("Ctrl-C ends it.")

        emit(served, lines)
        sys.stdout.flush()
        server.wait()


@command("link")
@click.argument("url")
@click.option("--email", default="", help="Your account on the server, or the one to make.")
@click.option("--pod", "name", default="", help="The pod to make there, or one you have.")
@click.option("--webid", default="", help="Who you are, where you have credentials already.")
@click.option("--client-id", default="", help="The id of these credentials.")
@click.option("--issuer", default="", help="Who gave them, where your profile names several.")
def link(  # noqa: PLR0917 - as the command line has them
    url: str, email: str, name: str, webid: str, client_id: str, issuer: str
) -> None:
    """Link a pod, and make a recovery page that leads to it.

    Without options URL is a server where you have an account or get one: you are asked for
    e-mail address, password and the name of the pod. With `--webid` and `--client-id`, URL is
    the pod itself, and you are asked for the secret of these credentials.
    """
    from console.use import podding  # noqa: PLC0415 — heavy

    by: Account | Credentials | None = _credentials(webid, client_id, issuer)
    if by is not None and (email or name):
        raise click.UsageError("Say --email and --pod, or --webid and --client-id, not both.")
    with opened(tidy=False) as twin:
        opens = twin.secret
    done = podding.link(home_folder(), opens, url, by or _account(email, name))

    def lines() -> None:
        talk(f"Linked: {printable(done.url)}, where you are {printable(done.webid)}")
        if done.before not in {"", done.url}:
            talk(f"It takes the place of {printable(done.before)}; what is there stays there.")
        if done.revoked is False:
            talk("The credentials used there before may still work; that server can revoke them.")
        if done.revoked:
            talk("The credentials used there before are revoked: a device that came back from the")
            talk("page with them links again, `twin pod link`.")
        talk(f"New recovery page: {done.recovery_key_file}")
        kept = "" if done.same_key else " The page before opens this device's vault no more."
        talk(f"Print it and move it away from this machine: it leads back to the pod.{kept}")
        talk("`twin consent allow TYPE mirror` says what may go there, `twin pod sync` brings it.")

    emit(done, lines)


def _credentials(webid: str, client_id: str, issuer: str) -> "Credentials | None":
    """Return the credentials that were named, with their secret; None where none were.

    Raises:
        click.UsageError: One half of them is missing.
    """
    from console.use.podding import Credentials  # noqa: PLC0415 — heavy

    if not webid and not client_id and not issuer:
        return None
    if not webid or not client_id:
        raise click.UsageError("Credentials need both --webid and --client-id.")
    told = told_secret("Secret of these credentials", _SECRET)
    return Credentials(webid=webid, client_id=client_id, secret=told, issuer=issuer)


def _account(email: str, name: str) -> "Account":
    from console.use.podding import Account  # noqa: PLC0415 — heavy

    email = email or _asked("E-mail address", "--email")
    password = told_secret("Password of your account there", _PASSWORD)
    return Account(email=email, password=password, pod=name or _asked("Name of the pod", "--pod"))


def _asked(what: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what} is needed: run this in a terminal, or say {option}.")
    return str(click.prompt(what, err=True))


@command("sync")
@click.option("--follow", is_flag=True, help="Go on as the vault and the pod change.")
def sync(follow: bool) -> None:
    """Read what is new in the pod, and write what is new here.

    Only what a permission lets into the pod goes there (`twin consent allow TYPE mirror`); of
    everything else there is a hash, so that the log verifies. It may be interrupted anywhere
    and goes on when it is run again.

    If the owner key was replaced on another device, this one takes the new one over: with
    the same passphrase, or with one that is asked for or read from the file in
    TWIN_NEW_PASSPHRASE_FILE.
    """
    from console.use import podding  # noqa: PLC0415 — heavy
    from vault.errors import ForeignVault  # noqa: PLC0415

    newer = False
    with opened() as twin:
        before = twin.secret
        try:
            _synced(twin, follow=follow)
        except ForeignVault:
            newer = podding.is_newer(twin)
            if not newer:
                raise
    if newer:
        talk("The owner key was replaced on another device; this one takes the new one over.")
        with closing(podding.adopted(home_folder(), before, newer_secret(before))) as twin:
            _synced(twin, follow=follow)


def _synced(twin: "Twin", *, follow: bool) -> None:
    from console.use import pacing, podding  # noqa: PLC0415 — heavy

    if follow:
        pacing.follow(twin, _tell)
        return
    with progress("Synchronising", "entries") as told:
        done = podding.sync(twin, told)
    emit(done, lambda: _say_synced(done))


def _tell(told: "Told") -> None:
    def lines() -> None:
        click.echo(f"{told.at:%H:%M:%S}  {printable(told.text)}")

    emit(told, lines)
    sys.stdout.flush()


def _say_synced(done: "Synced") -> None:
    talk(
        f"{done.taken.entries} entries came, {done.written.entries} went; "
        f"{done.events} entries, checkpoint {done.checkpoint}"
    )
    if done.withheld:
        talk(_withheld(done.withheld))
    if done.documents:
        talk(f"{done.documents} documents about consent were written.")
    if done.noticed:
        talk(
            f"{done.noticed} edits of consent in the pod were heard: `twin consent history` tells "
            "them, `twin consent inbox` what waits for your word."
        )
    for feed in done.taken.revoked:
        talk(f"Device {feed} was revoked.")
    for feed in done.taken.waiting:
        talk(f"Device {feed} has to take over the newer keys first: let it sync.")
    for model in done.suspended:
        talk(f"Model {model} learned what is no longer permitted, and is suspended.")
    say_replaced(done.written)
    talk(_cost(done.requests, done.sent, done.received))


def _withheld(bodies: int) -> str:
    return (
        f"Of {bodies} entries only the hash is there: nothing allows their words into the pod. What "
        "others wrote has to be allowed by name (TYPE.received)."
    )


def _cost(requests: int, sent: int, received: int) -> str:
    return f"{requests} requests, {_size(sent)} sent, {_size(received)} received."


def _size(size: int) -> str:
    """Return bytes as a person reads them."""
    if size < 1000:  # noqa: PLR2004 — the least that a larger unit is for
        return f"{size} B"
    value, unit = float(size), "B"
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007
        value /= 1000
        if value < 1000:  # noqa: PLR2004
            break
    return f"{value:.1f} {unit}"


@command("status")
def status() -> None:
    """Say what is not in the pod yet, without asking it."""
    from console.use import podding  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = podding.status(twin)

    def lines() -> None:
        talk(f"{printable(found.url)}, as {printable(found.webid)}")
        talk(f"{found.waiting} entries are not there yet.")
        if found.owed:
            talk(f"{found.owed} erasures are not carried out there yet: `twin pod sync`.")
        last = found.last
        if last is None:
            talk("Never synchronised: `twin pod sync`.")
            return
        talk(
            f"Last sync {last.at:%Y-%m-%d %H:%M:%S} UTC: {last.events} entries, "
            f"checkpoint {last.checkpoint}"
        )
        if last.withheld:
            talk(_withheld(last.withheld))
        talk(_cost(last.requests, last.sent, last.received))

    emit(found, lines)


@command("scrub")
@click.option(
    "--read-data-subset", "share", type=Share(), help="Read so many files, chosen at random."
)
def scrub(share: float | None) -> None:
    """Read the pod again and verify it; exit 6 if it is not whole."""
    from console.use import podding  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Reading", "files") as told:
        found = podding.scrub(twin, 1.0 if share is None else share, told)

    def lines() -> None:
        talk(f"{found.entries} entries in {found.files} files, {found.read} of them read.")
        for problem in found.problems:
            click.echo(printable(problem), err=True)
        talk("The pod is whole." if not found.problems else "The pod is not whole.")
        talk(_cost(found.requests, 0, found.received))

    emit(found, lines)
    if found.problems:
        sys.exit(6)


@command("restore")
@click.argument("url")
@click.option(
    "--recovery-key",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The recovery page, or a file with the recovery key.",
)
@click.option("--name", default="", help="What to call this device.")
@click.option("--webid", default="", help="Who you are, where the page does not say it.")
@click.option("--client-id", default="", help="The id of your credentials there.")
@click.option("--issuer", default="", help="Who gave them, where your profile names several.")
def restore(  # noqa: PLR0917 - as the command line has them
    url: str, page: Path | None, name: str, webid: str, client_id: str, issuer: str
) -> None:
    """Make the vault again from its pod, as a new device.

    The recovery page that `twin pod link` made is all it takes. It appears at --home (or
    TWIN_HOME) whole or not at all; if it was interrupted, running it again goes on.
    """
    from console.use import podding  # noqa: PLC0415 — heavy

    by = _credentials(webid, client_id, issuer)
    if page is None and by is None:
        raise click.UsageError("Say --recovery-key with the recovery page, or --webid.")
    opens = secret("What is in the pod is sealed") if page is None else _page(page)
    with progress("Restoring", "entries") as told:
        done = podding.restore(home_folder(), url, opens, name, by=by, progress=told)

    def lines() -> None:
        say_restored(done.restored)
        talk(_cost(done.requests, 0, done.received))

    emit(done, lines)


@command("ls")
@click.argument("path", required=False, default="")
def ls(path: str) -> None:
    """List the pod's files in the folder PATH."""
    from console.use import browsing  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        found = browsing.ls(twin, path)

    def lines() -> None:
        for one in found.entries:
            size = "" if one.size is None else _size(one.size)
            facts = f"{printable(one.modified):24}  {size:>9}  " if one.modified or size else ""
            click.echo(facts + printable(one.name) + ("/" if one.folder else ""))
        if not found.entries:
            talk("Nothing is there.")

    emit(found, lines)


@command("get")
@click.argument("path")
@click.option("--out", type=click.Path(path_type=Path), help="Where to; never over a file.")
def get(path: str, out: Path | None) -> None:
    """Bring a file of the pod here."""
    from console.use import browsing  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        done = browsing.get(twin, path, out)
    emit(done, lambda: talk(f"{done.file}: {_size(done.size)}, {printable(done.media_type)}"))


@command("put")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("path", required=False, default="")
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
def put(file: Path, path: str, replace: bool) -> None:
    """Put a file into the pod.

    PATH is where to; one that ends with / is a folder. The file goes there as it is, in the clear: who may read it, the pod's rules say.
    """
    from console.use import browsing  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        done = browsing.put(twin, file, path, replace=replace)
    emit(done, lambda: talk(f"{done.path} in the pod: {_size(done.size)}, {done.media_type}"))


def _page(page: Path) -> str:
    """Return the text of a recovery page.

    Raises:
        UsageError: There is no such file, or it is none.
    """
    try:
        with page.expanduser().open("rb") as stream:
            text = stream.read(_LARGEST_PAGE + 1)
        if len(text) > _LARGEST_PAGE:
            raise UsageError(f"{page} is too large to be a recovery page; name the page.")
        return text.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{page} cannot be read as a recovery page; name the page.") from error


for _command in (link, serve, sync, status, scrub, restore, ls, get, put):
    pod.add_command(_command)
