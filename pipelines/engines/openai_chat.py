"""A responder that asks a chat server as OpenAI, vLLM, llama.cpp and Ollama have it."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import closing
from dataclasses import dataclass
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, TypeVar

from agent.core.audio import silence
from agent.core.errors import EngineFailed, EngineTooSlow, EngineUnavailable
from agent.core.events import Reason
from agent.core.protocols import Expectation, Message, Remark, Role, Tool, ToolCall, ToolResult
from pipelines.engines.chat_answer import Answer, BadAnswer
from pipelines.engines.chat_faults import is_worth_another_try, sentence
from pipelines.engines.chat_messages import fitting, to_chat, to_schemas
from pipelines.engines.chat_settings import OpenAIChatSettings

T = TypeVar("T")

NAME = "openai_chat"

RATE = 16_000
"""Of the silence that a model which hears is asked with at the start."""

KEEP_CONNECTION_S = 120.0
"""How long an idle connection is kept: longer than a turn, so that a reply does not wait for a TLS
handshake. Where the server closes it first (vLLM: 5 s) a new one is made."""

NO_ANSWER = (ValueError, AttributeError, TypeError, RecursionError)
"""What comes of reading JSON that is no chat answer: of other kinds than it should be, or nested
without end."""


@dataclass(slots=True)
class _Begun:
    """An answer of which the first piece is here.

    Attributes:
        text: that piece; None if the answer ended without any.
        again: why it had to be asked for twice, or empty.
    """

    stream: Any  # openai.AsyncStream
    answer: Answer
    text: str | None
    again: str = ""


class OpenAIChat:
    """One server, for all calls. Used from one event loop at a time."""

    def __init__(self, settings: OpenAIChatSettings, library: Any, key: str) -> None:
        self._settings, self._library, self._key = settings, library, key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
        self._closing: AsyncGenerator[None, None] | None = None

    @classmethod
    def load(cls, settings: OpenAIChatSettings) -> "OpenAIChat":
        """Ready to ask; with `warm_up` the server has answered once.

        Raises:
            EngineUnavailable: no package, no key, no address, or no answer.
        """
        try:
            import openai  # noqa: PLC0415
            import openai.resources.chat.completions  # noqa: PLC0415  # else in the first reply
        except ImportError as fault:
            raise EngineUnavailable(
                NAME, "the package openai is missing; install it with pip install 'parley[openai]'"
            ) from fault
        key = os.environ.get(settings.api_key_env, "") if settings.api_key_env else "none"
        if not key:
            raise EngineUnavailable(
                NAME,
                f"expected a key in the environment variable {settings.api_key_env}, found none; "
                "set it, or leave api_key_env out for a server without keys",
            )
        made = cls(settings, openai, key)
        if settings.warm_up:
            made._warm_up()
        else:
            made._made(openai.OpenAI).close()  # the address is read, at least
        return made

    def close(self) -> None:
        """Nothing to give back: connections end with the event loop that they belong to."""

    @property
    def sound_s(self) -> float:
        """As its settings say: not every model hears."""
        return self._settings.sound_s

    def expects(self, messages: Sequence[Message]) -> Expectation:
        """Anything."""
        return Expectation()

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> AsyncGenerator[str | ToolCall | Remark, None]:
        """Remarks for the trace, the answer as it is written, then the tools it calls.

        Raises:
            EngineTooSlow: a time limit passed.
            EngineFailed: anything else; what was said before it was said.
        """
        request, dropped = self._request(messages, tools)
        begun = await self._begin(request)
        answer, text = begun.answer, begun.text
        try:
            for remark in _remarks(dropped, begun.again):
                yield remark
            while text is not None:
                if text:
                    yield text
                text = await self._wait(
                    self._next(begun.stream, answer), self._settings.token_s, "token_s"
                )
        finally:
            await begun.stream.close()
        for call in self._calls(answer, messages):
            yield call

    def _calls(self, answer: Answer, messages: Sequence[Message]) -> list[ToolCall]:
        """The tools called; after a tool's result the model may have nothing to add."""
        if answer.is_silent and messages and isinstance(messages[-1], ToolResult):
            return []
        try:
            return answer.finished()
        except BadAnswer as fault:
            raise EngineFailed(NAME, str(fault)) from fault

    # --- asking -------------------------------------------------------------------------------

    def _request(
        self, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> tuple[dict[str, Any], int]:
        """What is sent, and how many old messages are not."""
        s, schemas = self._settings, to_schemas(tools)
        spent = len(s.system) + (len(json.dumps(schemas)) if schemas else 0)
        kept, dropped = fitting(messages, max(s.context_chars - spent, s.context_chars // 4))
        system = {"role": "system", "content": s.system}
        request: dict[str, Any] = {"model": s.model, "messages": [system, *to_chat(kept)]}
        if schemas:
            request["tools"] = schemas
        if s.temperature is not None:
            request["temperature"] = s.temperature
        if s.max_tokens:
            request["max_tokens"] = s.max_tokens
        return {**request, "stream": True, "extra_body": s.extras}, dropped

    async def _begin(self, request: dict[str, Any]) -> _Begun:
        """Ask, twice if need be, until the first piece is here."""
        await self._open()  # takes tens of milliseconds the first time, none of them the server's
        limit_s = self._settings.first_token_s
        return await self._wait(self._ask_twice(request), limit_s, "first_token_s")

    async def _ask_twice(self, request: dict[str, Any]) -> _Begun:
        try:
            return await self._ask(request)
        except Exception as fault:
            if not is_worth_another_try(self._library, fault):
                raise
            again = sentence(self._library, fault, self._settings.base_url)
        begun = await self._ask(request)
        begun.again = again
        return begun

    async def _ask(self, request: dict[str, Any]) -> _Begun:
        stream = await self._client.chat.completions.create(**request)
        answer = Answer()
        try:
            return _Begun(stream, answer, await self._next(stream, answer))
        except BaseException:
            await stream.close()
            raise

    async def _next(self, stream: Any, answer: Answer) -> str | None:
        """The next text, empty for part of a tool call; None when the answer is over."""
        while (chunk := await anext(stream, None)) is not None:
            text = answer.take(chunk.to_dict(warnings=False))  # which checks for itself
            if text is not None:
                return text
        return None

    async def _wait(self, work: Awaitable[T], limit_s: float, setting: str) -> T:
        """The result of `work`, within a time limit; what goes wrong in our own words."""
        try:
            async with asyncio.timeout(limit_s):
                return await work
        except TimeoutError as fault:
            raise EngineTooSlow(
                NAME,
                f"{self._settings.base_url} sent nothing to say for {limit_s:g} s ({setting}); "
                "use a smaller model or a faster machine, turn thinking off, or raise the limit",
            ) from fault
        except (self._library.OpenAIError, *NO_ANSWER) as fault:
            raise EngineFailed(
                NAME, sentence(self._library, fault, self._settings.base_url)
            ) from fault

    # --- the connection -----------------------------------------------------------------------

    async def _open(self) -> None:
        """Have a client for the running loop. It is closed when the loop shuts its generators down:
        a pool of connections cannot outlive its loop, and `close` may come after that."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._client = loop, self._made(self._library.AsyncOpenAI)
            self._closing = _closes_with_its_loop(self._client)
            await anext(self._closing)

    def _made(self, kind: Any) -> Any:
        import httpx2  # noqa: PLC0415

        is_async = kind is self._library.AsyncOpenAI
        http = (
            self._library.DefaultAsyncHttpxClient if is_async else self._library.DefaultHttpxClient
        )
        url = self._settings.base_url
        try:
            connections = http(
                base_url=url,
                timeout=httpx2.Timeout(None, connect=self._settings.connect_s),
                limits=httpx2.Limits(keepalive_expiry=KEEP_CONNECTION_S),
                # Certificates take 40 ms to read. Without any, a redirect from http to https fails.
                verify=url.startswith("https:") or SSLContext(PROTOCOL_TLS_CLIENT),
            )
        except httpx2.InvalidURL as fault:
            raise EngineUnavailable(
                NAME,
                f"base_url: expected an address such as http://127.0.0.1:8000/v1, found {url!r} "
                f"({fault})",
            ) from fault
        return kind(
            base_url=url,
            api_key=self._key,
            max_retries=0,  # its own retries wait half a second and more
            http_client=connections,
        )

    def _warm_up(self) -> None:
        messages = [Message(Role.EVENT, Reason.GREETING)]
        if self._settings.sound_s:  # so that a model that cannot hear is found now
            messages.append(Message(Role.CALLER, "", sound=silence(RATE // 2, RATE)))
        request, _ = self._request(messages, ())
        try:
            with closing(self._made(self._library.OpenAI)) as client:
                request["timeout"] = self._settings.warm_up_s
                with client.chat.completions.create(**request) as stream:
                    next(iter(stream), None)
        except (self._library.OpenAIError, ValueError) as fault:
            raise EngineUnavailable(
                NAME, sentence(self._library, fault, self._settings.base_url)
            ) from fault


def _remarks(dropped: int, again: str) -> list[Remark]:
    left_out = f"the {dropped} oldest messages were left out (context_chars)" if dropped else ""
    asked = f"asked twice: {again}" if again else ""
    return [Remark(text) for text in (left_out, asked) if text]


async def _closes_with_its_loop(client: Any) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.close()
