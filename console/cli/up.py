"""`twin up`."""

import json
import webbrowser
from pathlib import Path

import click

from console.cli.common import command, home_folder, options

__all__ = ["up"]

_FILE = click.Path(path_type=Path, dir_okay=False)


@command("up")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port; any free one by default."
)
@click.option("--no-open", is_flag=True, help="Open no browser.")
@click.option("--lan", default="", metavar="NAME", help="Let your network in, under this name.")
@click.option("--certificate", type=_FILE, help="With --lan: the TLS certificate for that name.")
@click.option("--key", type=_FILE, help="With --lan: the certificate's key.")
def up(port: int, no_open: bool, lan: str, certificate: Path | None, key: Path | None) -> None:
    """Serve the pages on this computer until Ctrl-C, and open the browser.

    The address that is printed lets one browser in, once. With --lan other machines reach the
    pages too: over TLS alone, and whoever opens them has to type the passphrase.
    """
    if bool(lan) != bool(certificate and key) or (certificate is None) != (key is None):
        raise click.UsageError(
            "Your network is let in with --lan, --certificate and --key together."
        )
    from console.pages import serving  # noqa: PLC0415 — heavy

    network = None
    if certificate and key:
        network = serving.Lan(name=lan, certificate=certificate, key=key)
    as_json = options().as_json

    def ready(url: str) -> None:
        if as_json:
            click.echo(json.dumps({"url": url}))
        elif network:
            click.echo(f"Your pages: {url}\nWhoever can reach {lan} sees a page that asks for the")
            click.echo("passphrase, and nothing else without it. Ctrl-C ends the server.")
        else:
            click.echo(f"Your pages: {url}\nThe link works once. Ctrl-C ends the server.")
        if not no_open and not network:
            webbrowser.open(url)

    serving.hush()
    try:
        serving.serve(home_folder(), port, ready, network)
    except KeyboardInterrupt:
        # It serves until it is interrupted: this is how it ends.
        return
