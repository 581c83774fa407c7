"""Two telephones and the wire between them, in a time of its own."""

from audio_io.sip.agent import UserAgent
from audio_io.sip.leg import Invited
from audio_io.sip.sdp import PCMA, PCMU

ALICE, BOB = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
ALICE_RTP, BOB_RTP = ("10.0.0.1", 10_000), ("10.0.0.2", 20_000)


class Wire:
    """Carries datagrams at once, except those that `lose` says are lost.

    Attributes:
        said: every datagram that was sent, as text, in order.
        told: what each telephone was told, by name.
    """

    def __init__(self, lose=lambda data: False, accept=True, **bob):
        self.now = 0.0
        self.alice = UserAgent(ALICE, bob.pop("theirs", (PCMU, PCMA)))
        self.bob = UserAgent(BOB, bob.pop("codecs", (PCMU, PCMA)), **bob)
        self.said = []
        self.told = {"alice": [], "bob": []}
        self._lose = lose
        self._accept = accept

    def call(self, to="sip:100@10.0.0.2"):
        leg = self.alice.calls.invite("sip:alice@10.0.0.1", to, BOB, ALICE_RTP, self.now)
        self.settle()
        return leg

    def settle(self):
        """Until nothing is on the wire."""
        while True:
            packets = [(self.bob, "bob", ALICE, p) for p in self.alice.outgoing()]
            packets += [(self.alice, "alice", BOB, p) for p in self.bob.outgoing()]
            if not packets:
                return
            for agent, name, source, packet in packets:
                self.said.append(packet.data.decode())
                if not self._lose(packet.data) and packet.to in (ALICE, BOB):
                    self._tell(name, agent.receive(packet.data, source, self.now))

    def wait(self, seconds):
        """Time passes, a tenth of a second at a time."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.1
            self._tell("alice", self.alice.expire(self.now))
            self._tell("bob", self.bob.expire(self.now))
            self.settle()

    def leg(self, name="bob"):
        """The call, as that telephone knows it."""
        return self.told[name][0].leg

    def first_lines(self):
        return [text.split("\r\n")[0] for text in self.said]

    def kinds(self, name):
        return [type(event).__name__ for event in self.told[name]]

    def _tell(self, name, events):
        self.told[name] += events
        for event in events:
            if isinstance(event, Invited) and self._accept:
                self.bob.calls.accept(event.leg, BOB_RTP, self.now)
