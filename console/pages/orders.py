"""Long work as orders: what a server asks of a process of its own, and how far that has come.

`python -m console.pages.orders` reads one order from stdin, with what opens the vault, and
writes one JSON object a line: how far it is, at last its result or its problem. Where the
server is gone its end of the pipe closes, and the work stops as after Ctrl-C.

An order is named by its class's place (`console.pages.routes.sources:Add`), so that each part
of the pages keeps its own; only classes of this package are carried out.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, ClassVar

import msgspec

from console import bootstrap
from console.bootstrap import Twin
from console.problems import problem_of

__all__ = ["Carried", "CatchUp", "Order", "Said", "Told", "main", "named"]

Told = Callable[[int, int], None]

# How long an orphan may take to come to an end by itself.
_LAST_SECONDS = 30.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of long work; each kind is a subclass.

    `title` is what the person sees while it runs; it names no content. `back` is the page to
    go back to when it failed, `can_stop` whether it may be stopped before its end. What
    `erases` leaves the server no outcome of other work: it may quote what is gone.
    """

    title: ClassVar[str]
    back: ClassVar[str] = "/"
    can_stop: ClassVar[bool] = True
    erases: ClassVar[bool] = False

    def run(self, twin: Twin, told: Told) -> object:
        """Do the work, and return its result, a record."""
        raise NotImplementedError


class CatchUp(Order, frozen=True, kw_only=True):
    """Bring the views to the end of the log."""

    title = "Bringing the views up to date"

    def run(self, twin: Twin, told: Told) -> object:
        """Return nothing: what matters are the views."""
        twin.catch_up(told)
        return None


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its way: which vault, what opens it, which kind, and the order itself."""

    home: str
    secret: str
    kind: str
    order: msgspec.Raw


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a working process; the last one `is_over`, with a result or a problem."""

    done: int = 0
    total: int = 0
    is_over: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    code: str = ""
    message: str = ""


def named(order: Order) -> str:
    """Return the name under which an order's kind is found."""
    return f"{type(order).__module__}:{type(order).__qualname__}"


def _decoded(carried: Carried) -> Order:
    module, _, name = carried.kind.partition(":")
    assert module.startswith("console.pages."), "only our own orders are carried out"
    kind = getattr(import_module(module), name)
    assert issubclass(kind, Order)
    order: Order = msgspec.json.decode(carried.order, type=kind)
    return order


def _outlet() -> BinaryIO:
    """Return where to speak to the server, and keep everything else that prints away from it."""
    outlet = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return outlet


def _stop_with_server() -> None:
    # Nothing more is ever sent: the read returns when the server is gone.
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_LAST_SECONDS)
    os._exit(1)


def main() -> None:
    """Carry out the order on stdin."""
    # Where the server runs in the background of a script it hands down that this is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    carried = msgspec.json.decode(sys.stdin.buffer.readline(), type=Carried)
    threading.Thread(target=_stop_with_server, daemon=True).start()
    last = [-1, -1]
    outlet = _outlet()

    def say(said: Said) -> None:
        outlet.write(msgspec.json.encode(said) + b"\n")
        outlet.flush()

    def told(done: int, total: int) -> None:
        share = done * 200 // total if total else done // 1000
        if [share, total] != last:
            last[:] = [share, total]
            say(Said(done=done, total=total))

    try:
        twin = bootstrap.open_(Path(carried.home), carried.secret)
        try:
            result = _decoded(carried).run(twin, told)
        finally:
            twin.close()
        encoded = msgspec.json.encode(result, order="deterministic", enc_hook=os.fspath)
        say(Said(is_over=True, result=msgspec.Raw(encoded)))
    except BaseException as error:  # noqa: BLE001 - told to the server, which tells the person
        problem = problem_of(error)
        say(Said(is_over=True, code=problem.code, message=problem.message))


if __name__ == "__main__":
    # Orders are subclasses of the module's `Order`, not of that of `__main__`.
    import_module("console.pages.orders").main()
