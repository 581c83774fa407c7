"""Events arrive in order, none is lost, and a deadline ends the wait."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from pytest import raises

from agent.virtual_loop import run_virtual
from pipelines.mailbox import Mailbox, MailboxFull


def now():
    return asyncio.get_running_loop().time()


def test_what_was_put_is_taken_in_order_without_waiting():
    async def main():
        mail = Mailbox()
        for number in range(5):
            mail.put(number)
        return [await mail.take(None) for _ in range(5)], now()

    assert run_virtual(main()) == ([0, 1, 2, 3, 4], 0.0)


def test_a_taker_waits_for_the_next_event():
    async def main():
        mail = Mailbox()
        asyncio.get_running_loop().call_later(3.0, mail.put, "late")
        return await mail.take(None), now()

    assert run_virtual(main()) == ("late", 3.0)


def test_a_deadline_ends_the_wait_at_its_time():
    async def main():
        return await Mailbox().take(2.5), now()

    assert run_virtual(main()) == (None, 2.5)


def test_an_event_before_the_deadline_is_taken_when_it_comes():
    async def main():
        mail = Mailbox()
        asyncio.get_running_loop().call_later(1.0, mail.put, "event")
        return await mail.take(2.5), now()

    assert run_virtual(main()) == ("event", 1.0)


def test_an_event_that_waits_is_taken_though_the_deadline_is_past():
    async def main():
        mail = Mailbox()
        mail.put("event")
        await asyncio.sleep(5)
        return await mail.take(2.0), now()

    assert run_virtual(main()) == ("event", 5.0)


def test_a_deadline_that_is_past_does_not_wait():
    async def main():
        await asyncio.sleep(5)
        return await Mailbox().take(2.0), now()

    assert run_virtual(main()) == (None, 5.0)


def test_an_event_at_the_very_deadline_is_taken_now_or_next():
    async def main():
        mail = Mailbox()
        asyncio.get_running_loop().call_at(2.0, mail.put, "event")
        taken = [await mail.take(2.0)]
        taken.append(await mail.take(3.0))
        return [t for t in taken if t is not None]

    assert run_virtual(main()) == ["event"]


def test_a_taker_that_is_cancelled_leaves_the_event_to_the_next():
    async def main():
        mail = Mailbox()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(mail.take(None))
            await asyncio.sleep(1)
            mail.put("event")
            first.cancel()
        return await mail.take(None)

    assert run_virtual(main()) == "event"


def test_none_of_what_is_put_over_the_limit_replaces_what_waits():
    async def main():
        mail = Mailbox(limit=2)
        mail.put(1)
        mail.put(2)
        with raises(MailboxFull, match="at most 2 waiting"):
            mail.put(3)
        return [await mail.take(None), await mail.take(None), await mail.take(0.0)]

    assert run_virtual(main()) == [1, 2, None]


def test_room_is_made_by_taking():
    async def main():
        mail = Mailbox(limit=1)
        for number in range(3):
            mail.put(number)
            assert await mail.take(None) == number

    run_virtual(main())


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), max_size=20))
def test_every_event_is_taken_once_and_in_order_whatever_the_deadlines(steps):
    async def main():
        mail, taken = Mailbox(), []

        async def put():
            for number, (gap, _) in enumerate(steps):
                await asyncio.sleep(gap)
                mail.put(number)

        async def take():
            while len(taken) < len(steps):
                wait = steps[len(taken)][1]
                event = await mail.take(now() + wait + 0.001)
                if event is not None:
                    taken.append(event)

        async with asyncio.TaskGroup() as group:
            group.create_task(put())
            group.create_task(take())
        return taken

    assert run_virtual(main()) == list(range(len(steps)))
