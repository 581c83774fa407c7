"""A responder that runs a language model in this process: llama.cpp with a GGUF file.

Each token is one step on the model's thread. A reply that is given up ends before its next token;
what was computed of it is kept, so that the next prompt of the same call pays for its new words
only. Several calls share the model and its steps.
"""

import asyncio
import codecs
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from importlib import import_module
from importlib.util import find_spec
from logging import getLogger
from typing import Any

from agent.core.errors import EngineFailed, EngineUnavailable
from agent.core.protocols import Expectation, Message, Remark, Tool, ToolCall, ToolResult
from pipelines.engine_thread import EngineThread
from pipelines.engines.chat_answer import BadAnswer
from pipelines.engines.llama_answer import TAGS, Answer, Part
from pipelines.engines.llama_batch import Batch, Writing
from pipelines.engines.llama_native import NAME, LlamaNative
from pipelines.engines.llama_prompt import Prompts
from pipelines.engines.llama_rules import rules, template
from pipelines.engines.llama_settings import LlamaSettings


class Llama:
    """One model for all calls. Used from one event loop at a time."""

    def __init__(self, settings: LlamaSettings, native: LlamaNative, prompts: Prompts) -> None:
        self._settings, self._native, self._prompts = settings, native, prompts
        self._batch = Batch(native, settings)
        self._tags = {t for tag in TAGS if len(found := native.tokens(tag)) == 1 for t in found}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free = asyncio.Semaphore(settings.calls)
        self._thread = EngineThread(NAME)

    @classmethod
    def load(cls, settings: LlamaSettings) -> "Llama":
        """Read the model.

        Raises:
            EngineUnavailable: the package or the file is missing, or it is no chat model.
        """
        if find_spec("llama_cpp") is None:
            raise EngineUnavailable(
                NAME,
                "the package is not installed. Run: pip install 'parley[llama]'; it compiles "
                "llama.cpp, which takes minutes",
            )
        library: Any = import_module("llama_cpp")  # slow to import, and may be missing
        # Else it prints hundreds of lines. What it takes for errors are the warnings.
        getLogger("llama-cpp-python").setLevel("CRITICAL")
        native = LlamaNative.load(library, settings, Batch.room(settings))
        try:
            limit = settings.context_tokens - settings.max_tokens
            render = template(native)
            prompts = Prompts(render, native.prompt_tokens, native.controls(), limit)
            return cls(settings, native, prompts)
        except BaseException:
            native.close()
            raise

    def close(self) -> None:
        """End the thread, waiting for the step in progress, and free the model's memory."""
        self._thread.close()
        self._batch.close()

    @property
    def computed(self) -> int:
        """Tokens computed since it was loaded, for measurements."""
        return self._batch.computed

    reads_ahead = True

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """Anything."""
        return Expectation()

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[str | ToolCall | Remark, None]:
        """The answer as it is written, then the tool it calls; a remark if it had to forget.

        Raises:
            EngineFailed: the model said nothing, ended inside a tool call, or broke.
        """
        async with self._room():
            steps = self._thread.steps(lambda: self._written(messages, tools))
            async with aclosing(steps):
                async for piece in steps:
                    if piece:
                        yield piece

    async def read_ahead(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """Compute what a reply to these messages would begin with: one to the same and a few words
        more then begins sooner.

        Raises:
            EngineFailed: the model refused.
        """
        async with self._room():
            steps = self._thread.steps(lambda: self._prepared(messages, tools))
            async with aclosing(steps):
                async for _ in steps:
                    pass

    def _room(self) -> asyncio.Semaphore:
        """As many replies as there are sequences; who comes later waits in line."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._free = loop, asyncio.Semaphore(self._settings.calls)
        return self._free

    # --- in the model's thread ----------------------------------------------------------------

    def _prepared(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Iterator[None]:
        prompt = self._prompts.fit(self._settings.system, messages, tools)
        writing = self._batch.begin(prompt.tokens)
        try:
            while self._batch.prepare(writing):
                yield
        finally:
            self._batch.end(writing)

    def _written(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> Iterator[str | ToolCall | Remark]:
        """The reply; empty text after a step that gave nothing to say."""
        prompt = self._prompts.fit(self._settings.system, messages, tools)
        if prompt.dropped:
            yield Remark(f"the {prompt.dropped} oldest messages were left out (context_tokens)")
        writing, answer = self._batch.begin(prompt.tokens), Answer()
        try:
            while self._batch.prepare(writing):
                yield ""
            yield from self._texts(writing, answer, tools)
        finally:
            self._batch.end(writing)
        yield answer.finish()
        if answer.part is Part.CALL and tools:
            yield _call(answer)
        elif not answer.said_chars and not _may_be_silent(messages):
            raise EngineFailed(NAME, _nothing(answer))

    def _texts(self, writing: Writing, answer: Answer, tools: Sequence[Tool]) -> Iterator[str]:
        """What can be said, token by token."""
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        for _ in range(self._settings.max_tokens):
            token = self._batch.next(writing)
            if self._native.ends(token):
                return
            text = decoder.decode(self._native.piece(token, marks=token in self._tags))
            before = answer.part
            said = answer.take(text)
            if answer.part is Part.CALL and before is not Part.CALL:
                if not tools:
                    return
                forced = self._native.tokens(answer.begin_call(text))
                self._batch.oblige(writing, forced, rules(tools))
            yield said
            if answer.is_whole_call():
                return


def _call(answer: Answer) -> ToolCall:
    try:
        return answer.called()
    except BadAnswer as fault:
        raise EngineFailed(NAME, str(fault)) from fault


def _may_be_silent(messages: Sequence[Message]) -> bool:
    """After a tool's result the model may have nothing to add."""
    return bool(messages) and isinstance(messages[-1], ToolResult)


def _nothing(answer: Answer) -> str:
    if answer.part is Part.CALL:
        return "the model called a tool, and there is none; instruct it, or use another model"
    if answer.thought_chars:
        return (
            f"the model thought ({answer.thought_chars} characters) and said nothing; use one that "
            "does not think, or raise max_tokens"
        )
    return "the model said nothing; check that the file is an instruct model with its own template"
