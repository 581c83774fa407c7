"""sipp, told what to do step by step: each function is one step of a scenario."""

import asyncio
import tempfile
from pathlib import Path

from tests.support.sip_phones import free_udp_port
from tests.support.tools import missing, tool

SOUNDS = Path("/usr/share/sip-tester")  # of the package sip-tester: a voice in 30 ms packets, keys

ALAW = "8"


def sdp(codec=ALAW, direction="sendrecv", crypt=""):
    return f"""
      v=0
      o=sipp 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio [media_port] RTP/{crypt}AVP {codec} 101
      a=rtpmap:101 telephone-event/8000
      a={direction}
"""


def ask(method, number, body="", *headers):
    """Send a request of the caller's; the To tag is known after the first answer."""
    tag = "" if method == "INVITE" and number == 1 else "[peer_tag_param]"
    again = "" if method == "ACK" else ' retrans="500"'
    lines = [
        f"{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]",
        f"To: <sip:[service]@[remote_ip]:[remote_port]>{tag}",
        "Call-ID: [call_id]",
        f"CSeq: {number} {method}",
        "Contact: <sip:sipp@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        *headers,
        *(["Content-Type: application/sdp"] if body else []),
        "Content-Length: [len]",
    ]
    return f"<send{again}><![CDATA[\n" + "\n".join(lines) + f"\n{body}\n]]></send>"


def answer(status, body="", *headers):
    """Answer the last request, as whoever is called."""
    lines = [
        f"SIP/2.0 {status}",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:];tag=[call_number]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
        "Contact: <sip:[local_ip]:[local_port]>",
        *headers,
        *(["Content-Type: application/sdp"] if body else []),
        "Content-Length: [len]",
    ]
    return "<send><![CDATA[\n" + "\n".join(lines) + f"\n{body}\n]]></send>"


def answer_again(status, body=""):
    """Answer a request within the call: its To has our tag already."""
    return answer(status, body).replace(";tag=[call_number]", "")


def refuse_invite(status):
    """Answer the INVITE after its CANCEL was answered."""
    return answer(status).replace("[last_CSeq:]", "CSeq: 1 INVITE")


def ask_back(method, *headers, body=""):
    """Send a request within the call, as whoever was called."""
    lines = [
        f"{method} [next_url] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "From: <sip:100@[local_ip]:[local_port]>;tag=[call_number]",
        "To: [$caller]",
        "[last_Call-ID:]",
        f"CSeq: 10 {method}",
        "Contact: <sip:[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        *headers,
        "Content-Length: [len]",
    ]
    return '<send retrans="500"><![CDATA[\n' + "\n".join(lines) + f"\n\n{body}\n]]></send>"


def notify(status):
    """Tell how a transfer went."""
    sipfrag = ("Event: refer", "Content-Type: message/sipfrag", "Subscription-State: terminated")
    return ask_back("NOTIFY", *sipfrag, body=f"SIP/2.0 {status} Done")


def cancel():
    """Take the INVITE back, which was sent four steps ago: the same transaction, and no To tag."""
    text = ask("CANCEL", 1).replace("[branch]", "[branch-4]")
    return text.replace("[peer_tag_param]", "").replace(' retrans="500"', "")


def hear(status, says="", optional=False):
    """Expect an answer, and words in it."""
    check = ""
    if says:
        check = (
            f'<action><ereg regexp="{says}" search_in="msg" check_it="true" '
            'assign_to="found"/><log message="[$found]"/></action>'
        )
    words = ' optional="true"' if optional else ""
    route = ' rrs="true"' if status == 200 else ""
    return f'<recv response="{status}"{words}{route}>{check}</recv>'


def hear_request(method):
    """Expect a request; from an INVITE it is kept who calls."""
    if method != "INVITE":
        return f'<recv request="{method}"/>'
    keep = (
        '<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>'
        '<log message="[$caller]"/></action>'
    )
    return f'<recv request="INVITE" rrs="true">{keep}</recv>'


def pause(seconds):
    return f'<pause milliseconds="{round(seconds * 1000)}"/>'


def play(name):
    """Play a recording of packets."""
    return f'<nop><action><exec play_pcap_audio="{SOUNDS / name}.pcap"/></action></nop>'


def call(body=None, *headers):
    """The beginning of a call, until it is up."""
    body = sdp() if body is None else body
    return [ask("INVITE", 1, body, *headers), hear(100, optional=True), hear(200), ask("ACK", 1)]


def hang_up(number=2):
    return [ask("BYE", number), hear(200)]


async def sipp(steps, port=None, *options, calls=1, limit_s=15):
    """Play a scenario: against a port, or waiting at one; exit status, and what was printed."""
    program = tool("sipp")
    if not (SOUNDS / "g711a.pcap").is_file():
        missing(f"sipp's recordings are not in {SOUNDS}")
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="parley">\n'
    text += "\n".join(steps) + "\n</scenario>\n"
    with tempfile.TemporaryDirectory(prefix="parley-sipp-") as folder:
        path = Path(folder) / "scenario.xml"
        path.write_text(text, "utf-8")
        own = options if "-p" in options else ("-p", str(free_udp_port()), *options)
        command = [
            program, *([f"127.0.0.1:{port}"] if port else []), "-sf", str(path), "-s", "100",
            "-i", "127.0.0.1", "-mi", "127.0.0.1", "-mp", str(free_udp_port() // 2 * 2),
            "-m", str(calls), "-nostdin", "-timeout", str(limit_s), "-timeout_error", *own,
        ]  # fmt: skip
        return await _run(command, folder)


async def _run(command, folder):
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode("utf-8", "replace")
