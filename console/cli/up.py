"""`twin up`."""

import json
import webbrowser

import click

from console.cli.common import command, home_folder, options

__all__ = ["up"]


@command("up")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; any free one by default.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
def up(port: int, no_open: bool) -> None:
    """Serve the pages on this computer until Ctrl-C, and open the browser.

    The address that is printed lets one browser in, once.
    """
    from console.pages import serving  # noqa: PLC0415 — heavy

    as_json = options().as_json

    def ready(url: str) -> None:
        if as_json:
            click.echo(json.dumps({"url": url}))
        else:
            click.echo(f"Your pages: {url}\nThe link works once. Ctrl-C ends the server.")
        if not no_open:
            webbrowser.open(url)

    serving.serve(home_folder(), port, ready)
