"""How patient the agent is, in numbers."""

from dataclasses import dataclass

from agent.core.backchannel import BACKCHANNELS

PROBABILITIES = ("prior", "dismiss_below", "hold_above", "murmur_below", "yield_above",
                 "listen_below")  # fmt: skip


@dataclass(frozen=True, slots=True)
class TurnConfig:
    """How patient the agent is. Seconds of loop time, counted from the event they follow.

    Attributes:
        pause_min_s: silence after SpeechEnded before a turn that is surely over is taken.
        pause_max_s: the same for a turn that is surely not over. Between them it is linear in
            the predicted probability: a sentence that is likely complete waits less.
        prior: probability of a turn end while no prediction has come.
        speculations_max: replies prepared during one turn before it is decided; further changes
            of words wait for the decision. Each costs the responder and the voice one start.
        final_wait_s: how long a decided turn waits for the recogniser's final words.
        reply_wait_s: how long a released reply may take to become audible before it has failed.
        dismiss_below: a segment whose sound is less likely the caller's than this, and meant for
            the agent, counts as silence.
        hold_after_s: speech over the agent before it may be held.
        hold_above: probability of wanting the floor at which the reply is held at its sample.
        murmur_below: the same at which it goes on before the words are known.
        yield_above: the same at which the floor is the caller's, once their words are known.
        settle_s: silence after words that want the floor before the held reply is given up.
        yield_after_s: speech over the agent that takes the floor whatever it is.
        answer_before_s: a sign of listening this long before the end of a question answers it.
        filler_after_s: a released reply that is later than this is announced by a filler.
        listen_every_s: speech between the agent's own signs of listening; 0 for none.
        listen_below: probability of a turn end below which one may be made in a pause.
        user_max_s: longest single stretch of speech before the agent takes the turn.
        agent_max_s: longest reply before it is cut.
        silence_s: silence with an open floor after which the agent speaks up.
        prompts_max: how often it does so without an answer.
        digit_pause_s: after a key, how long to wait for the next one.
        backchannels: words that alone never interrupt the agent.
    """

    pause_min_s: float = 0.05
    pause_max_s: float = 2.5
    prior: float = 0.5
    speculations_max: int = 3
    final_wait_s: float = 0.8
    reply_wait_s: float = 8.0
    dismiss_below: float = 0.4
    hold_after_s: float = 0.16
    hold_above: float = 0.78
    murmur_below: float = 0.2
    yield_above: float = 0.5
    settle_s: float = 0.3
    yield_after_s: float = 2.0
    answer_before_s: float = 0.8
    filler_after_s: float = 1.5
    listen_every_s: float = 0.0
    listen_below: float = 0.2
    user_max_s: float = 60.0
    agent_max_s: float = 120.0
    silence_s: float = 8.0
    prompts_max: int = 1
    digit_pause_s: float = 1.5
    backchannels: tuple[str, ...] = tuple(sorted(BACKCHANNELS))

    def __post_init__(self) -> None:
        """Raises ValueError where the numbers contradict each other."""
        durations = {n: getattr(self, n) for n in self.__slots__ if n.endswith("_s")}
        for name, value in durations.items():
            if not 0 <= value <= 3600:  # an hour bounds every wait
                raise ValueError(f"{name}: expected 0 to 3600 seconds, found {value}")
        if self.pause_min_s > self.pause_max_s:
            raise ValueError("pause_min_s: expected at most pause_max_s")
        if self.hold_after_s > self.yield_after_s:
            raise ValueError("hold_after_s: expected at most yield_after_s")
        for name in PROBABILITIES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {value}")
        if self.murmur_below > self.hold_above:
            raise ValueError("murmur_below: expected at most hold_above")

    def pause_s(self, probability: float) -> float:
        """Silence to wait for at this probability of a turn end."""
        likely = min(1.0, max(0.0, probability))  # in this order NaN counts as 0
        return self.pause_max_s - (self.pause_max_s - self.pause_min_s) * likely
