"""The clean run reads beside a rebuild, and trains for whoever waits for it."""

import pytest

from console.clean_run import CleanRun
from tests.taught import opened, teach


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return teach(tmp_path_factory.mktemp("taught"))


@pytest.fixture
def twin(folder):
    with opened(folder) as twin:
        yield twin


def test_a_clean_run_that_nobody_waits_for_reads_and_never_trains(twin):
    now, position = twin.vault.now(), twin.catch_up()
    with CleanRun(twin, twin.manifest(), position=position, now=now) as run:
        run._child.stdin.close()
        said = run._child.stdout.read()
    assert b"Nobody waits" in said
    assert b"step " not in said


def test_a_clean_run_that_is_waited_for_arrives_where_the_model_is(twin):
    now, position, made = twin.vault.now(), twin.catch_up(), twin.manifest()
    with CleanRun(twin, made, position=position, now=now) as run:
        assert run.result().weights == made.weights
