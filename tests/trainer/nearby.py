"""Children of a run without a process: the real learner, and one that only writes down."""

import hashlib
from typing import ClassVar

import msgspec

from trainer.wire import (
    Begin,
    Finish,
    Held,
    Hold,
    Learn,
    Learned,
    Measured,
    Sample,
    Sampled,
    Slice,
    State,
)
from trainer.worker import Learner


class Nearby:
    """The learner itself, in this process."""

    def __init__(self, plan):
        self.plan = plan

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        pass

    def begin(self, plan, pulse):
        del pulse
        self.learner = Learner(
            Begin(
                recipe=plan.recipe.canonical(),
                environment=plan.environment.canonical(),
                digest=plan.foundation.digest,
                path=plan.foundation.path,
            )
        )

    def tell(self, request):
        self.learner.answer(request)

    def expect(self, request, kind, pulse):
        del kind, pulse
        return self.learner.answer(request)


class Scribe:
    """Learns nothing: its weights are the words that it was given, in order."""

    given: ClassVar[list[str]] = []

    def __init__(self, plan):
        del plan
        self.words: list[str] = []

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        pass

    def begin(self, plan, pulse):
        pass

    def tell(self, request):
        assert isinstance(request, Slice)
        if kept := request.held or request.weights:
            self.words = msgspec.json.decode(kept)

    def expect(self, request, kind, pulse):
        del kind, pulse
        body = msgspec.json.encode(self.words)
        match request:
            case Learn(batches=batches):
                said = [one.messages[-1].content for batch in batches for one in batch]
                Scribe.given += said
                self.words = self.words + said
                return Learned(loss=1.0, tokens=1, read=1, rate=0.1, memory=1)
            case Hold():
                return Held(body=body)
            case Sample():
                return Sampled(said=(" ".join(self.words),))
            case Finish():
                return State(weights=body, digest=hashlib.sha256(body).hexdigest())
            case _:
                Scribe.given += [one.messages[-1].content for one in request.batch]
                return Measured(bits=float(len(self.words) % 3), size=1)
