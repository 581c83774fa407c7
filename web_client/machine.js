// A call, as its caller sees it: where it stands, and what follows from what happens. Pure.
//
// step(state, event) returns [state, effects]. Times are seconds, and come in as `now`. A state is
// one of: idle, asking, connecting, talking, reconnecting, ended, failed. An effect is one of
//   {do: "ask", by}                        for the microphone; by "voice", or by "text" for none
//   {do: "connect", transport, resume}     over "webrtc" or "websocket"; resume the conversation?
//   {do: "drop"}                           what is left of a connection that broke
//   {do: "close"}                          hang up and let go of the microphone
//   {do: "wait", for_s, then}              and then tell `then`, an event

export const RESUME_S = 30; // so long the server keeps a conversation whose connection broke
export const AGAIN_S = 1; // between two tries to come back

export const idle = Object.freeze({ name: "idle" });

/** Whether a call is under way, from the first press until it is over. */
export function isActive(state) {
  return ["asking", "connecting", "talking", "reconnecting"].includes(state.name);
}

export function step(state, event) {
  if (event.type === "press") return isActive(state) ? same(state) : ask(event.by ?? "voice");
  if (!isActive(state)) return same(state);
  if (event.type === "hangUp") return over({ name: "ended", reason: "bye" });
  if (event.type === "ended") return over(finished(event));
  if (event.type === "failed") return over({ name: "failed", problem: event.problem, message: event.message });
  switch (state.name) {
    case "asking": return asking(state, event);
    case "connecting": return connecting(state, event);
    case "talking": return event.type === "lost" ? lost(state, event) : same(state);
    default: return reconnecting(state, event);
  }
}

function ask(by) {
  return [{ name: "asking", by }, [{ do: "ask", by }]];
}

function asking(state, event) {
  if (event.type === "denied") return over({ name: "failed", problem: event.problem });
  if (event.type === "granted") return connect("connecting", event.transport);
  return same(state);
}

function connecting(state, event) {
  if (event.type === "connected") return [{ name: "talking", transport: state.transport }, []];
  if (event.type === "refused") return over(refused(event));
  if (event.type !== "unreachable" && event.type !== "lost") return same(state);
  if (state.transport === "webrtc") return connect("connecting", "websocket", [{ do: "drop" }]);
  return over({ name: "failed", problem: "unreachable", message: event.message });
}

function lost(state, event) {
  const until = event.now + RESUME_S;
  return [
    { name: "reconnecting", transport: state.transport, until },
    [
      { do: "drop" },
      { do: "connect", transport: state.transport, resume: true },
      { do: "wait", for_s: RESUME_S, then: { type: "expired", until } }, // perhaps nothing else ever happens
    ],
  ];
}

function reconnecting(state, event) {
  const { transport, until } = state;
  const isBroken = ["unreachable", "lost", "refused"].includes(event.type);
  if (event.type === "connected") return [{ name: "talking", transport, resumed: event.resumed }, []];
  if (event.type === "refused" && event.status === 404) return over({ name: "failed", problem: "lost" });
  const isLast = event.type === "expired" && event.until === until; // and not of a loss before this one
  if (isBroken && event.now + AGAIN_S < until) return again(state);
  if (isBroken || isLast) return over({ name: "failed", problem: "lost" });
  if (event.type === "waited") return [state, [{ do: "connect", transport, resume: true }]];
  return same(state);
}

function again(state) {
  return [state, [{ do: "drop" }, { do: "wait", for_s: AGAIN_S, then: { type: "waited" } }]];
}

function connect(name, transport, before = []) {
  return [{ name, transport }, [...before, { do: "connect", transport, resume: false }]];
}

function finished({ reason, message }) {
  if (reason === "bye" || reason === "hung_up") return { name: "ended", reason };
  return { name: "failed", problem: reason, message };
}

function refused({ status, message, retry_s, now }) {
  if (status === 429 || status === 503) {
    return { name: "failed", problem: "full", message, until: now + (retry_s ?? 5) };
  }
  return { name: "failed", problem: status === 401 ? "token" : "refused", message };
}

function over(state) {
  return [state, [{ do: "close" }]];
}

function same(state) {
  return [state, []];
}
