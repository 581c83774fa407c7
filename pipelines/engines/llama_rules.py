"""What a model's file and its caller's tools say about form: the chat template and the grammar."""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from agent.core.errors import EngineUnavailable
from agent.core.protocols import Tool
from pipelines.engines.chat_messages import NO_PARAMETERS
from pipelines.engines.llama_native import NAME, LlamaNative
from pipelines.engines.llama_prompt import Render


def template(native: LlamaNative) -> Render:
    """The chat template that the file carries, run in a sandbox: it is a program of others.

    Raises:
        EngineUnavailable: there is none, or it is no template.
    """
    text, (begin, end) = native.template, native.begin_end
    if not text:
        raise EngineUnavailable(
            NAME, "the model has no chat template; take an instruct or chat version of it"
        )
    formats = import_module("llama_cpp.llama_chat_format")
    try:
        made = formats.Jinja2ChatFormatter(template=text, bos_token=begin, eos_token=end)
    except Exception as fault:  # of any kind that jinja2 has
        raise EngineUnavailable(NAME, f"the model's chat template is none: {fault}") from fault

    def render(messages: Sequence[Mapping[str, str]]) -> str:
        # Templates of models that can think ask for this; the others do not look at it.
        return str(made(messages=list(messages), enable_thinking=False).prompt)

    return render


def rules(tools: Sequence[Tool]) -> str:
    """The grammar of a call of one of these tools; arguments of any form where their schema has
    what grammars cannot say."""
    convert = import_module("llama_cpp.llama_grammar").json_schema_to_gbnf
    order = ["name", "arguments"]
    try:
        return str(convert(json.dumps({"oneOf": [_call(t, t.parameters) for t in tools]}), order))
    except Exception:  # of any kind, for what a schema may hold
        loose = [_call(t, {"type": "object"}) for t in tools]
        return str(convert(json.dumps({"oneOf": loose}), order))


def _call(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A call as a JSON schema."""
    return {
        "type": "object",
        "properties": {
            "name": {"const": tool.name},
            "arguments": dict(arguments) or dict(NO_PARAMETERS),
        },
        "required": ["name", "arguments"],
    }
