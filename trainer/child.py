"""The worker process as its parent holds it: asked one thing at a time, and never waited for blindly."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from trainer.errors import BaseModelChanged, BaseRefused, Diverged, TrainingError
from trainer.slices import Plan
from trainer.wire import (
    Begin,
    Failed,
    Held,
    Learned,
    Measured,
    Ready,
    Reply,
    Request,
    Sampled,
    State,
    receive,
    send,
)

__all__ = ["Child", "Pulse"]

_T = TypeVar("_T", Ready, Learned, Held, Sampled, State, Measured)

# Told, about once a second, for how long the child has not answered.
Pulse = Callable[[float], None]

_BEAT = 1.0


class Child:
    """A worker process, ended on every way out, Ctrl-C included."""

    def __init__(self, plan: Plan) -> None:
        self._process = subprocess.Popen(
            # -P: nothing in the current folder may pose as one of our modules.
            [sys.executable, "-P", "-m", "trainer.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_surroundings(plan.recipe.threads),
        )
        self._decoder = msgspec.msgpack.Decoder(Reply)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._process.wait()

    def begin(self, plan: Plan, pulse: Pulse) -> None:
        """Have the model built."""
        request = Begin(
            recipe=plan.recipe.canonical(),
            environment=plan.environment.canonical(),
            digest=plan.foundation.digest,
            path=plan.foundation.path,
        )
        self.expect(request, Ready, pulse)

    def tell(self, request: Request) -> None:
        """Send a request that has no reply."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            send(pipe, request)
        except BrokenPipeError:
            self._heard()
            raise self._died() from None

    def expect(self, request: Request, kind: type[_T], pulse: Pulse) -> _T:
        """Send a request and return its reply.

        Raises:
            TrainingError: The child cannot go on, or is gone.
        """
        self.tell(request)
        self._wait(pulse)
        reply = self._heard()
        if not isinstance(reply, kind):
            raise self._died()
        return reply

    def _wait(self, pulse: Pulse) -> None:
        pipe, asked = self._process.stdout, time.monotonic()
        assert pipe is not None
        # Between two replies nothing is left in the reader's buffer.
        while not select.select([pipe], [], [], _BEAT)[0]:
            pulse(time.monotonic() - asked)

    def _heard(self) -> Reply | None:
        pipe = self._process.stdout
        assert pipe is not None
        reply = receive(pipe, self._decoder)
        if isinstance(reply, Failed):
            known = {error.__name__: error for error in (BaseModelChanged, BaseRefused, Diverged)}
            raise known.get(reply.kind, TrainingError)(reply.reason)
        return reply

    def _died(self) -> TrainingError:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            reason = "it was killed, most likely because memory ran out; lower the recipe's batch"
        elif code < 0:
            reason = f"it was ended by {signal.Signals(-code).name}"
        else:
            reason = f"it ended with status {code}"
        return TrainingError(
            f"The training process is gone: {reason}. What it had learned is kept up to the last "
            "checkpoint; the same command goes on from there."
        )


def _surroundings(threads: int) -> dict[str, str]:
    """Return the child's environment: this one's, kept quiet, offline and on few threads."""
    here = str(Path(__file__).resolve().parent.parent)
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Two spinning threads on two busy cores run fifteen times slower than one, two that sleep
        # at once half as fast as they could on idle ones; this short spin, where GNU's OpenMP is
        # the one, costs neither (measured).
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "20000",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        # A kernel is made for every shape of batch; remembering a thousand of them takes twice
        # the memory (2.8 against 1.5 GB), and a fortieth of the time less (measured).
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
        # Without, products on a GPU differ from run to run (cuBLAS, "Results reproducibility").
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
