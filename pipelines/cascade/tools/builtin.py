"""Tools that are the agent's own: declared to the model here, done by the pipeline."""

from collections.abc import Mapping
from types import MappingProxyType

from agent.core.calls import Json
from agent.core.protocols import Tool


def _tool(name: str, description: str, /, **arguments: str) -> Tool:
    properties: dict[str, Json] = {
        key: {"type": "string", "description": note} for key, note in arguments.items()
    }
    schema: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "required": list(arguments),
    }
    return Tool(name, description, True, schema)


BUILTIN: Mapping[str, Tool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            _tool("hang_up", "Ends the call after what you say now. Say goodbye first."),
            _tool(
                "transfer",
                "Puts the caller through after what you say now. Tell them first.",
                to="whom to, such as the front desk",
                summary="what the call was about, in a sentence for whoever takes it",
            ),
            _tool(
                "take_message",
                "Writes down a message for somebody who is not there.",
                name="who called",
                message="what they want to be passed on",
            ),
            _tool(
                "send_digits",
                "Presses telephone keys, as for the menu of another machine.",
                digits="keys in order: 0-9 * #",
            ),
            _tool(
                "hold",
                "Puts the caller on hold after what you say now, or takes them back.",
                on="yes or no",
            ),
        )
    }
)
