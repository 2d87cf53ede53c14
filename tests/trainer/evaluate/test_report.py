"""Reports are kept, read again, and go with their model."""

from datetime import UTC, datetime

import pytest

from trainer.errors import TrainingError
from trainer.evaluate.report import (
    Group,
    Measure,
    Report,
    evaluated,
    forget,
    name_of,
    shadows_of,
)
from trainer.states import Memory


def report(model="twin-1", value=0.59):
    return Report(
        model=model,
        state="s",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        position=3,
        rows=2,
        seed=0,
        environment="{}",
        measures=(
            Measure(name="style_auc", value=value, low=0.5, high=0.7, floor=0.5, ceiling=1, n=200),
            Measure(name="tone", value=None, note="Too few texts to tell: 3."),
        ),
        groups=(Group(by="type", name="message.chat", rows=2, bits_per_byte=2, base=4),),
        samples=("so cold",),
    )


def test_a_report_is_read_as_it_was_written():
    assert Report.decode(report().encode()) == report()
    assert report().measure("style_auc").n == 200
    assert report().measure("unheard of") is None


def test_a_damaged_report_is_refused():
    with pytest.raises(TrainingError, match="twin eval"):
        Report.decode(report().encode()[:-9])


def test_what_is_kept_of_one_model_goes_and_nothing_of_another():
    store = Memory()
    for model in ("twin-1", "twin-10"):
        store.write(name_of(model), report(model).encode())
        store.write(shadows_of(model), b"{}")
    assert forget(store, "twin-1") == 2
    assert set(store.names()) == {"eval-twin-10", "eval-twin-10.shadows"}
    assert [one.model for one in evaluated(store, ["twin-1", "twin-10"])] == ["twin-10"]
