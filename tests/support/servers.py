"""A server with one entrance, in the test's own loop."""

from agent import server
from agent.entrances.websocket import WebSocketEntrance
from agent.switchboard import Switchboard


async def serve(settings, start_call, on_ready=None, entrances=(WebSocketEntrance,)):
    """Take calls at entrances, made for the switchboard, until cancelled."""
    switchboard = Switchboard(settings, start_call)
    await server.serve(switchboard, [make(switchboard) for make in entrances], on_ready)
