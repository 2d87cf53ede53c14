"""Write the JSON Schema of every topic: `.venv/bin/python specs/make_schemas.py`.

The schemas describe an event in its JSON form. Stored bodies are the same maps in MessagePack,
where bytes are bytes and not base64, and times are timestamps and not texts.
"""  # noqa: INP001 — a folder of specifications, not a package

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from vault.codec import TOPICS
from vault.upcasts import EARLIER

_FOLDER = Path(__file__).with_name("schemas")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def texts() -> dict[str, str]:
    """Return the text of every schema by the name of its file, those of earlier topics too."""
    records = TOPICS | {topic: cast.old for topic, cast in EARLIER.items()}
    return {
        f"{topic.replace('/', '.')}.json": _text(topic, kind) for topic, kind in records.items()
    }


def _text(topic: str, kind: type) -> str:
    schema = {"$schema": _DIALECT, "$comment": topic, **msgspec.json.schema(kind)}
    return json.dumps(_tidy(schema), indent=2, ensure_ascii=False) + "\n"


def _tidy(part: Any) -> Any:  # noqa: ANN401 — any JSON value
    """Take the indentation of source code out of descriptions."""
    if isinstance(part, dict):
        return {
            key: inspect.cleandoc(value)
            if key == "description" and isinstance(value, str)
            else _tidy(value)
            for key, value in part.items()
        }
    return [_tidy(one) for one in part] if isinstance(part, list) else part


def main() -> None:
    """Write what changed and remove what no topic has any more."""
    wanted = texts()
    _FOLDER.mkdir(exist_ok=True)
    for path in _FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (_FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
