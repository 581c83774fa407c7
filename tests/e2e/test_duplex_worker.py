"""The worker and its client over real sockets, with a model that only counts."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress

import numpy as np
from pytest import fixture, mark, raises

from agent.core.audio import AudioFrame
from agent.core.duplex import DuplexPrompt, Seats
from agent.core.errors import EngineBusy, EngineFailed, EngineTooSlow, EngineUnavailable
from pipelines.engines.duplex_batched import BatchedModel
from pipelines.engines.duplex_remote import FRESH_S, RemoteModel, RemoteSettings
from pipelines.engines.duplex_wire import (
    Answer,
    Close,
    Frame,
    Hello,
    Messages,
    Open,
    Refused,
    Times,
    encode,
)
from pipelines.engines.duplex_worker import DuplexWorker, WorkerSettings
from tests.support.counting_batch import FRAME, RATE, CountingBatch

pytestmark = mark.e2e

NOTHING = DuplexPrompt()


class SlowBatch(CountingBatch):
    """Steps of so many seconds."""

    step_s = 0.0

    def step(self, frames):
        time.sleep(self.step_s)  # noqa: TID251  # blocking work, in the batch's own thread
        return super().step(frames)


@asynccontextmanager
async def worker(batch=None, **settings):
    """Its address, and the batch behind it."""
    batch = batch or CountingBatch()
    settings = WorkerSettings(**{"listen": "127.0.0.1:0", **settings})
    model = BatchedModel(lambda: batch, "counting")
    stop, where = asyncio.Event(), asyncio.get_running_loop().create_future()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(
                DuplexWorker(model, "counting", settings).serve(where.set_result, stop)
            )
            try:
                yield str(await where), batch
            finally:
                stop.set()
    finally:
        model.unload()


@asynccontextmanager
async def line(where):
    """A client of our own making: what the worker says, and a way to say anything to it."""
    host, _, port = where.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def all_said(reader):
    """Everything until the worker hangs up."""
    decoder, found = Messages(), []
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            found += decoder.feed(data)
    return found


def frame(value=0.0, number=0):
    return AudioFrame(np.full(FRAME, value, np.float32), RATE, number * FRAME)


def level(output):
    return None if output.frame is None else round(float(output.frame.samples[0]), 3)


@fixture(params=["tcp", "unix"])
def listen(request, tmp_path):
    return "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/worker.sock"


def test_a_call_gets_the_answers_that_it_would_get_in_the_same_process(listen):
    async def main():
        async with worker(listen=listen) as (where, _):
            model = RemoteModel.load(RemoteSettings(where))
            slot = await model.open(NOTHING)
            outputs = [await model.step(slot, frame(0.25, n)) for n in range(4)]
            assert [level(o) for o in outputs] == [None, 2.25, 3.25, 4.25]
            assert [o.frame.start for o in outputs[1:]] == [0, FRAME, 2 * FRAME]
            assert "".join(o.text for o in outputs) == " one one one"
            assert (outputs[1].tokens, outputs[1].batch) == ((1,), 4)
            assert round(outputs[1].step_s, 6) == 0.004
            await model.close(slot)
            await model.close(slot)

    asyncio.run(main())


def test_several_servers_share_a_worker_and_know_of_each_others_calls():
    async def main():
        async with worker() as (where, _):
            one, two = (RemoteModel.load(RemoteSettings(where)) for _ in range(2))
            assert one.seats() == Seats(0, 1)
            slots = [await one.open(NOTHING), await two.open(NOTHING), await two.open(NOTHING)]
            await one.step(slots[0], frame())
            assert one.seats() == Seats(3, 4, 4)
            slots.append(await two.open(NOTHING))
            with raises(EngineBusy, match="all 4 taken"):
                await one.open(NOTHING)
            await two.close(slots.pop())
            again = await open_soon(one)
            for slot in slots:
                await one.close(slot)
            await one.close(again)

    asyncio.run(main())


def test_a_seat_of_ours_is_known_to_be_taken_and_to_be_free_before_the_worker_speaks_again():
    async def main():
        async with worker(CountingBatch(2)) as (where, _):
            model = RemoteModel.load(RemoteSettings(where))
            slots = [await model.open(NOTHING), await model.open(NOTHING)]
            assert model.seats() == Seats(2, 2, 2)
            for slot in slots:
                await model.step(slot, frame())
            for slot in slots:
                await model.close(slot)
                await model.close(slot)
            assert model.seats() == Seats(0, 2, 2)

    asyncio.run(main())


async def open_soon(model):
    """A slot that was just given back: the worker may hear of it a little later."""
    for _ in range(200):
        with suppress(EngineBusy):
            return await model.open(NOTHING)
        await asyncio.sleep(0.01)
    raise AssertionError("the slot was never given back")


def test_a_prompt_goes_to_the_model_and_one_that_it_does_not_take_is_refused():
    async def main():
        async with worker() as (where, batch):
            model = RemoteModel.load(RemoteSettings(where))
            slot = await model.open(DuplexPrompt("hi"))
            assert ("force", {0: "i"}) in batch.log
            with raises(EngineFailed, match="no voice nobody"):
                await model.open(DuplexPrompt(voice="nobody"))
            await model.close(slot)

    asyncio.run(main())


def test_without_a_worker_the_engine_is_unavailable_and_known_to_be_for_a_while():
    async def main():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        model = RemoteModel.load(RemoteSettings(f"127.0.0.1:{port}"))
        with raises(EngineUnavailable, match="expected a duplex worker at"):
            await model.open(NOTHING)
        assert model.seats().total == 0
        assert FRESH_S < 5

    asyncio.run(main())


def test_another_servers_port_is_said_to_be_none_of_a_worker():
    async def main():
        def greet(reader, writer):
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with raises(EngineUnavailable, match="is this a duplex worker's port"):
            await RemoteModel.load(RemoteSettings(f"127.0.0.1:{port}")).open(NOTHING)
        server.close()

    asyncio.run(main())


def test_a_model_of_another_rate_is_refused_by_the_client():
    async def main():
        async with worker() as (where, _):
            with raises(EngineUnavailable, match="16000 Hz and 1280 samples, found 1, 24000"):
                await RemoteModel.load(RemoteSettings(where, rate=16_000, frame_samples=1280)).open(
                    NOTHING
                )

    asyncio.run(main())


async def failure(step):
    with raises(EngineFailed) as found:
        await step
    return found.value


def test_a_worker_that_goes_away_is_told_to_the_step_under_way():
    async def main():
        batch = SlowBatch()
        batch.step_s = 0.3
        async with asyncio.TaskGroup() as group, worker(batch) as (where, _):
            model = RemoteModel.load(RemoteSettings(where))
            slot = await model.open(NOTHING)
            step = group.create_task(failure(model.step(slot, frame())))
            await asyncio.sleep(0.05)
        assert "the worker is gone" in str(step.result())
        with raises(EngineFailed, match="the worker is gone"):
            await model.step(slot, frame())
        await model.close(slot)

    asyncio.run(main())


def test_an_answer_that_takes_too_long_is_too_slow():
    async def main():
        batch = SlowBatch()
        batch.step_s = 0.3
        async with worker(batch) as (where, _):
            model = RemoteModel.load(RemoteSettings(where, answer_s=0.1))
            slot = await model.open(NOTHING)
            with raises(EngineTooSlow, match=r"an answer within 0\.1 s"):
                await model.step(slot, frame())
            await model.close(slot)

    asyncio.run(main())


# --- clients that misbehave -----------------------------------------------------------------------


def with_half_a_character(name):
    body = b'O{"version": 1, "' + name.encode() + rb'": "\ud800"}'
    return len(body).to_bytes(4, "little") + body


def raw_frame(number, count=FRAME):
    return encode(Frame(number, np.zeros(count, np.float32)))


@mark.parametrize(
    ("said", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "expected a message"),
        (encode(Open(version=2)), "version: expected 1, found 2"),
        (encode(Open(token="guess")), "expected the worker's token"),
        (with_half_a_character("token"), "surrogates not allowed"),
        (with_half_a_character("text"), "surrogates not allowed"),
        (raw_frame(0), "expected a request to open, found frame 0"),
        (encode(Open()) + raw_frame(1), "expected frame 0, found frame 1"),
        (encode(Open()) + encode(Open()), "expected frame 0, found open"),
        (encode(Open()) + raw_frame(0, 1000), "expected 1920 samples"),
        (encode(Open()) + raw_frame(0, 15_000), "expected 1920 samples"),
        (encode(Open()) + b"\xff\xff\xff\xff", "expected a message of 1 to"),
        (encode(Open()) + b"".join(map(raw_frame, range(40))), "at most 2 s ahead"),
    ],
)
def test_what_a_client_does_wrong_is_told_and_ends_its_own_call_only(said, why):
    async def main():
        async with worker() as (where, _):
            model = RemoteModel.load(RemoteSettings(where))
            slot = await model.open(NOTHING)
            async with line(where) as (reader, writer):
                writer.write(said)
                last = (await all_said(reader))[-1]
            assert isinstance(last, Refused)
            assert why in last.message
            await model.step(slot, frame())
            assert level(await model.step(slot, frame())) == 2
            await model.close(slot)
            await no_seats_taken(where)

    asyncio.run(main())


async def no_seats_taken(where):
    """The worker has noticed that everybody went."""
    for _ in range(200):
        async with line(where) as (reader, writer):
            writer.write(encode(Close()))
            hello = (await all_said(reader))[0]
        if isinstance(hello, Hello) and hello.taken == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a slot was never given back")


def test_a_client_that_hangs_up_without_a_word_gives_its_slot_back():
    async def main():
        async with worker() as (where, _):
            async with line(where) as (reader, writer):
                writer.write(encode(Open()) + raw_frame(0)[:1000])
                await reader.read(100)
            await no_seats_taken(where)

    asyncio.run(main())


def test_a_client_that_says_nothing_for_too_long_loses_its_slot():
    async def main():
        async with worker(idle_s=1.0) as (where, _), line(where) as (reader, writer):
            writer.write(encode(Open()))
            assert len(await all_said(reader)) == 2
            await no_seats_taken(where)

    asyncio.run(main())


def test_a_client_that_sends_a_byte_now_and_then_loses_its_slot_too():
    async def main():
        async with worker(idle_s=1.0) as (where, _), line(where) as (reader, writer):
            writer.write(encode(Open()))
            async with asyncio.TaskGroup() as group, asyncio.timeout(10.0):
                dripping = group.create_task(drip(writer, raw_frame(0)))
                assert len(await all_said(reader)) == 2
                dripping.cancel()
            await no_seats_taken(where)

    asyncio.run(main())


@mark.parametrize("turns", [2, 3])  # of the loop; sooner asyncio itself loses the connection
def test_a_client_that_comes_while_the_worker_ends_does_not_keep_it(turns):
    async def main():
        async with asyncio.timeout(10.0), worker(idle_s=60.0) as (where, _):
            host, _, port = where.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            await reader.read(1)
            late = socket.create_connection((host, int(port)))
            for _ in range(turns):
                await asyncio.sleep(0)
        late.close()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    asyncio.run(main())


async def drip(writer, data):
    for at in range(len(data)):
        writer.write(data[at : at + 1])
        await asyncio.sleep(0.2)


def test_a_client_that_stops_reading_is_cut_off_and_nobody_else_waits():
    async def main():
        settings = {"unread_bytes": 2**14, "ahead_s": 1e6}
        async with worker(**settings) as (where, _):
            model = RemoteModel.load(RemoteSettings(where))
            slot = await model.open(NOTHING)
            async with line(where) as (_reader, writer):
                writer.write(encode(Open()))
                with suppress(ConnectionError):
                    for number in range(5000):
                        writer.write(raw_frame(number))
                        await writer.drain()
                        if number % 100 == 0:
                            await model.step(slot, frame())
                    raise AssertionError("expected to be cut off")
            await model.step(slot, frame())
            await model.close(slot)
            await no_seats_taken(where)

    asyncio.run(main())


def test_a_worker_that_says_nonsense_fails_the_call_in_words():
    async def main():
        def lie(reader, writer):
            writer.write(encode(Hello(1, "liar", RATE, FRAME, 0, 1, 1)))
            writer.write(encode(Answer(7, frame().samples, "", None, Times(), 0, 1)) * 3)
            writer.close()

        server = await asyncio.start_server(lie, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with raises(EngineFailed, match=r"expected a slot|expected one answer"):
            await RemoteModel.load(RemoteSettings(f"127.0.0.1:{port}")).open(NOTHING)
        server.close()

    asyncio.run(main())
