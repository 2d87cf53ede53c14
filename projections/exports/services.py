"""What managed fine-tuning services ask of a file of chat examples, as their pages say.

Limits are those of the service; where a model sets a lower one, the model's page says it.
Sizes are in bytes and megabytes are decimal, the stricter reading. Two services are left out
because they take no new training: Cohere's ended on 15 September 2025
(https://docs.cohere.com/docs/fine-tuning), and so did that of Anthropic's models on Bedrock
with Claude 3 Haiku on 10 September 2026
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-card-anthropic-claude-3-haiku.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["SERVICES", "Form", "Service"]


class Form(StrEnum):
    """How a line says a conversation."""

    MESSAGES = "messages"
    CONVERSE = "converse"
    CONTENTS = "contents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: the form it reads and the bounds it sets, None where its page names none.

    `least` and `most` are numbers of examples, `size` the bytes of a file, `tokens` those of
    one example. `weights`: answers other than the last can be marked as not to be learned.
    `mark`: a file begins with a byte order mark. `reserved`: what no prompt may hold.
    """

    name: str
    title: str
    source: str
    form: Form = Form.MESSAGES
    least: int = 1
    most: int | None = None
    size: int | None = None
    tokens: int | None = None
    weights: bool = False
    mark: bool = False
    reserved: tuple[str, ...] = ()


_ALL = (
    # Ten examples at least: https://developers.openai.com/docs/guides/distillation. 512 MB a
    # file: https://platform.openai.com/docs/api-reference/files/create. 65,536 tokens an
    # example (cut, not refused): the page below. Closing: no new customers are taken.
    Service(
        name="openai",
        title="OpenAI",
        source="https://developers.openai.com/api/docs/guides/fine-tuning-best-practices",
        least=10,
        size=512_000_000,
        tokens=65_536,
        weights=True,
    ),
    # Tokens: "training example context length" in the table of models of the same pages.
    Service(
        name="azure",
        title="Azure OpenAI",
        source="https://learn.microsoft.com/azure/ai-services/openai/how-to/fine-tuning",
        least=10,
        size=512_000_000,
        tokens=65_536,
        weights=True,
        mark=True,
    ),
    # Roles alternate after a system message; a second key beside `messages` is refused.
    Service(
        name="together",
        title="Together AI",
        source="https://docs.together.ai/docs/fine-tuning/data-preparation",
        size=100_000_000_000,
        weights=True,
    ),
    Service(
        name="fireworks",
        title="Fireworks AI",
        source="https://docs.fireworks.ai/fine-tuning/fine-tuning-models",
        least=3,
        most=3_000_000,
        weights=True,
    ),
    # 512 MB a training file, any number of files: https://docs.mistral.ai/guides/finetuning.
    Service(
        name="mistral",
        title="Mistral AI",
        source="https://docs.mistral.ai/capabilities/finetuning/text_vision_finetuning",
        size=512_000_000,
    ),
    # Form: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare
    Service(
        name="gemini",
        title="Google Vertex AI (Gemini)",
        source="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning",
        form=Form.CONTENTS,
        most=1_000_000,
        size=1_000_000_000,
        tokens=131_072,
    ),
    Service(
        name="nova",
        title="Amazon Bedrock (Nova)",
        source="https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html",
        form=Form.CONVERSE,
        reserved=("User:", "Bot:", "Assistant:", "System:", "<image>", "<video>", "[EOS]"),
    ),
)

SERVICES: Mapping[str, Service] = MappingProxyType({service.name: service for service in _ALL})
"""The services by the names that a command takes."""
