"""The published schemas are those of the event classes, and events are valid under them."""

import json
import runpy
from pathlib import Path

import msgspec
import pytest

from vault.codec import TOPICS
from vault.upcasts import EARLIER

SPECS = Path(__file__).parents[1] / "specs"
RECORDS = TOPICS | {topic: cast.old for topic, cast in EARLIER.items()}


def test_schemas_are_those_of_the_event_classes():
    """No drift: what is written is what the classes say, topic by topic, and nothing else."""
    wanted = runpy.run_path(str(SPECS / "make_schemas.py"))["texts"]()
    found = {path.name: path.read_text("utf-8") for path in (SPECS / "schemas").iterdir()}
    assert sorted(found) == sorted(wanted)
    changed = [name for name in wanted if found[name] != wanted[name]]
    assert not changed, f"run specs/make_schemas.py: {changed}"


@pytest.mark.parametrize("topic", RECORDS)
def test_a_schema_names_every_field_of_its_event_in_order(topic):
    schema = json.loads((SPECS / "schemas" / f"{topic.replace('/', '.')}.json").read_text("utf-8"))
    name = schema["$ref"].rsplit("/", 1)[1]
    fields = [field.name for field in msgspec.inspect.type_info(RECORDS[topic]).fields]
    assert list(schema["$defs"][name]["properties"]) == fields
    assert schema["$comment"] == topic
