"""Collectors: an export becomes items, read once, in order, without trusting a byte of it."""

from vault.collectors.api import Found, Source
from vault.collectors.collect import Outcome, collect
from vault.collectors.readers.worker import Limits
from vault.collectors.registry import names

__all__ = ["Found", "Limits", "Outcome", "Source", "collect", "names"]
