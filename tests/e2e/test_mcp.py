"""Tools of a real MCP server, started by its command, over its standard streams."""

import asyncio
import sys
import textwrap

from pytest import fixture, mark, raises

from agent.core.errors import EngineUnavailable
from pipelines.cascade.tools.runnable import outcome
from pipelines.cascade.tools.toolbox import Toolbox
from tests.support.tools import package

pytestmark = [mark.e2e, mark.models]

SERVER = '''
import asyncio, os, sys
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("shop")

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def price(article: str) -> str:
    """Tells the price of an article."""
    return f"{article} costs five euros"

@server.tool()
def order(article: str, number: int) -> str:
    """Orders articles."""
    raise ToolError("sold out")

@server.tool()
async def wait() -> str:
    """Waits for ever."""
    try:
        await asyncio.sleep(1000)
    finally:
        open(sys.argv[1], "w").write("cancelled")

@server.tool()
def die() -> str:
    """Ends the server."""
    os._exit(1)

server.run("stdio")
'''


@fixture(scope="module")
def shop(tmp_path_factory):
    package("mcp")
    folder = tmp_path_factory.mktemp("shop")
    program, mark_file = folder / "shop.py", folder / "mark"
    program.write_text(textwrap.dedent(SERVER))
    command = [sys.executable, str(program), str(mark_file)]
    table = {"shop": {"mcp": command, "deadline_s": 5.0}}
    box = Toolbox.load(table, "x.toml: [tools]")
    yield {r.tool.name: r for r in box.runnables}, mark_file
    box.close()


def run(tools, name, **arguments):
    return asyncio.run(outcome(tools[name], arguments))


def test_the_servers_tools_are_listed_with_their_schemas(shop):
    tools, _ = shop
    assert set(tools) == {"price", "order", "wait", "die"}
    assert tools["price"].tool.description == "Tells the price of an article."
    assert tools["price"].tool.parameters["required"] == ["article"]
    assert [tools[name].tool.effects for name in ("price", "order")] == [False, True]


def test_a_tool_is_called_and_answers(shop):
    assert run(shop[0], "price", article="tea") == "tea costs five euros"


def test_a_tool_that_fails_says_why(shop):
    told = run(shop[0], "order", article="tea", number=2)
    assert told.startswith("order failed: ")
    assert "sold out" in told


def test_wrong_arguments_are_told_to_the_model(shop):
    assert run(shop[0], "price", colour="red").startswith("price failed: ")


def test_two_calls_at_once_do_not_mix(shop):
    async def main():
        names = ("tea", "milk", "bread")
        return await asyncio.gather(*(outcome(shop[0]["price"], {"article": n}) for n in names))

    assert asyncio.run(main()) == [f"{n} costs five euros" for n in ("tea", "milk", "bread")]


def test_a_caller_who_interrupts_cancels_the_tool_at_the_server(shop):
    tools, mark_file = shop

    async def main():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outcome(tools["wait"], {}))
            # Answered after the other request was taken: the server handles them in order.
            await outcome(tools["price"], {"article": "tea"})
            task.cancel()
        while not mark_file.exists():
            await outcome(tools["price"], {"article": "tea"})

    asyncio.run(main())
    assert mark_file.read_text() == "cancelled"


def test_a_server_that_dies_is_told_to_the_model_at_once_and_ever_after(shop):
    assert run(shop[0], "die").startswith("die failed: ")
    assert run(shop[0], "price", article="tea").startswith("price failed: ")


def test_a_server_that_does_not_start_is_an_engine_that_is_not_there():
    package("mcp")
    with raises(EngineUnavailable, match="MCP server `false` did not start"):
        Toolbox.load({"shop": {"mcp": ["false"]}}, "x.toml: [tools]")


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with raises(EngineUnavailable, match=r"pip install 'parley\[mcp\]'"):
        Toolbox.load({"shop": {"mcp": ["x"]}}, "x.toml: [tools]")
