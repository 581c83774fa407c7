"""Which model file is run and how: the settings of the engine `llama`."""

from dataclasses import dataclass

from pipelines.engines.chat_messages import HOUSE
from pipelines.engines.chat_settings import INSTRUCTIONS


@dataclass(frozen=True, slots=True)
class LlamaSettings:
    """One model in this process, for all calls. docs/engines/llama.md explains each.

    Attributes:
        model: path of a GGUF file with a chat template.
        instructions: the system prompt. How to speak on a telephone is added to it.
        temperature: 0 for always the likeliest token, up to 2.
        seed: of the dice, begun anew with each reply: the same history gets the same reply.
        max_tokens: longest reply.
        context_tokens: instructions, tools, history and reply together, in each call.
        calls: how many replies may be written at once; further ones wait for their turn.
        threads: of the CPU for one step, 1..256.
        gpu_layers: how many of the model's layers a graphics card computes; -1: all.
        step_tokens: so much of a prompt is computed in one step. A reply that is given up ends
            between two steps, and other calls get their next token there.
    """

    model: str
    instructions: str = INSTRUCTIONS
    temperature: float = 0.7
    seed: int = 1
    max_tokens: int = 300
    context_tokens: int = 4096
    calls: int = 4
    threads: int = 4
    gpu_layers: int = 0
    step_tokens: int = 128

    def __post_init__(self) -> None:
        """Raises ValueError for what no model could do."""
        if not self.model:
            raise ValueError("model: expected the path of a GGUF file, found nothing")
        for name, number, least, most in (
            ("temperature", self.temperature, 0, 2),
            ("seed", self.seed, 0, 2**32 - 2),
            ("max_tokens", self.max_tokens, 1, self.context_tokens // 2),
            ("context_tokens", self.context_tokens, 256, 2**20),
            ("calls", self.calls, 1, 64),
            ("threads", self.threads, 1, 256),
            ("gpu_layers", self.gpu_layers, -1, 1000),
            ("step_tokens", self.step_tokens, 16, 2048),
        ):
            if not least <= number <= most:
                raise ValueError(f"{name}: expected {least}..{most}, found {number}")

    @property
    def system(self) -> str:
        """The whole system prompt, without tools."""
        return f"{self.instructions}\n{HOUSE}".strip()
