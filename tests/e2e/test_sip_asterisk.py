"""baresip calls an extension of a real Asterisk, where the agent is registered by SIP."""

import asyncio
import re

from pytest import mark

from tests.e2e.test_sip import signal
from tests.support import asterisk, baresip
from tests.support.correlation import find
from tests.support.sip_phones import telephone, until

pytestmark = [
    mark.e2e,
    mark.models,
    mark.peers,
]  # models: Asterisk may take longer to start than a test may

ACCOUNT = """
[agent]
type=endpoint
context=phones
disallow=all
allow=ulaw
auth=agent
aors=agent
direct_media=no
[agent]
type=auth
auth_type=userpass
username=agent
password=secret
[agent]
type=aor
max_contacts=1
"""


def test_a_call_through_an_asterisk_where_the_agent_is_registered():
    async def scene(exchange):
        account = {"user": "agent", "password": "secret"}
        async with telephone(registrar=f"127.0.0.1:{exchange.sip}", **account):
            await until(lambda: "agent/sip:agent@" in exchange.tell("pjsip show contacts"))
            with baresip.phone(exchange.sip) as handset:
                handset.dial("300")
                await until(lambda: len(handset.heard()) > 2000)
                handset.say(signal(3))
                await asyncio.sleep(4.5)
                heard, said = handset.heard(), handset.sent()
                handset.hang_up()
                await until(lambda: handset.is_over)
        return heard, said, exchange.tell("pjsip show contacts")

    with asterisk.running() as exchange:
        file = exchange.folder / "pjsip.conf"
        file.write_text(file.read_text("utf-8") + ACCOUNT, "utf-8")
        exchange.tell("module reload res_pjsip.so")
        exchange.tell("dialplan add extension 300,1,Dial,PJSIP/agent into phones")
        heard, said, after = asyncio.run(scene(exchange))
    assert find(signal(3)[4000:20000], said).likeness >= 0.99
    assert find(signal(3)[4000:20000], heard).likeness >= 0.99
    assert not re.search("agent/sip:agent@", after)  # it said goodbye
