"""A chat server that answers at once with the same words: what is left is our client and HTTP.

python -m benchmarks.engines.chat_server PORT
"""

import json
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

WORDS = ("We", " are", " open", " from", " noon", " to", " ten.")


async def complete(request: Request) -> StreamingResponse:
    """Every question has the same answer."""
    await request.body()
    return StreamingResponse(_chunks(), media_type="text/event-stream")


async def _chunks() -> AsyncIterator[str]:
    for word in (*WORDS, None):
        end = None if word else "stop"
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": end}
        yield f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n"
    yield "data: [DONE]\n\n"


if __name__ == "__main__":
    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
