"""Headers that Solid servers say important things in: links, rights, moments."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

import httpx2

__all__ = ["Link", "allowed", "links", "moment"]

_LINK: Final = re.compile(
    r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:"[^"]*"|[^\s",;<>]+))*)'
)
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s",;<>]+))')
_GROUP: Final = re.compile(r'([a-z]+)\s*=\s*"([^"]*)"')


class Link(NamedTuple):
    """One link: the relation, and the whole address that it leads to."""

    rel: str
    url: httpx2.URL


def links(answer: httpx2.Response) -> tuple[Link, ...]:
    """Return what an answer links to (RFC 8288); what is no address is left out."""
    return tuple(_links(answer))


def _links(answer: httpx2.Response) -> Iterator[Link]:
    for line in answer.headers.get_list("Link"):
        for target, parameters in _LINK.findall(line):
            try:
                url = answer.request.url.join(target)
            except httpx2.InvalidURL:
                continue
            for name, quoted, bare in _PARAMETER.findall(parameters):
                if name.lower() == "rel":
                    for rel in (quoted or bare).split():
                        yield Link(rel, url)


def allowed(text: str) -> dict[str, frozenset[str]]:
    """Return who may do what, as `WAC-Allow` says it (Web Access Control §5.1)."""
    return {group: frozenset(modes.split()) for group, modes in _GROUP.findall(text)}


def moment(text: str) -> float | None:
    """Return a date of HTTP in seconds since 1970, or None where it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
