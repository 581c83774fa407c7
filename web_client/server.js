// Addresses of a server, and what it says when it does not take a call.

/** The server said no: an HTTP status, its sentence, and when to ask again. */
export class Refused extends Error {
  constructor(status, message, retry_s) {
    super(message);
    Object.assign(this, { status, retry_s });
  }
}

/** No way to the server over this transport. */
export class Unreachable extends Error {}

const ANSWER_S = 8; // a lost packet is sent again after 1, 3 and 7 s; then the network swallows them all
const NOBODY = "nobody answered";
const REFUSALS = [401, 403, 429, 503]; // whatever the transport

export function address(server, path) {
  return new URL(path, server);
}

/** An HTTP answer as JSON; throws Refused, or Unreachable where there is nothing at that address.
 * `isKnown`: the server has answered there before, so that 404 is about the call. */
export async function ask(server, path, token, options = {}) {
  const headers = { ...(options.body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) };
  let answer;
  try {
    answer = await fetch(address(server, path), { ...options, headers, ...patience() });
  } catch (fault) {
    throw new Unreachable(fault.name === "TimeoutError" ? NOBODY : fault.message);
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const isFinal = REFUSALS.includes(answer.status) || (options.isKnown && answer.status === 404);
  if (!isFinal) throw new Unreachable(body.error ?? "it takes no such calls"); // another way may do
  const retry_s = Number(answer.headers.get("Retry-After")) || undefined;
  throw new Refused(answer.status, body.error ?? "", retry_s);
}

/** "ok", "full", "stopping", or "" where nobody answers. */
export async function statusOf(server) {
  try {
    return (await (await fetch(address(server, "health"), patience())).json()).status;
  } catch {
    return "";
  }
}

function patience() {
  return { cache: "no-store", signal: AbortSignal.timeout(ANSWER_S * 1000) };
}

/** What a promise gives that depends on the server; throws Unreachable where it gives nothing in time. */
export function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Unreachable(NOBODY)), ANSWER_S * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Make a worklet's module known to an audio context. */
export function loadWorklet(context, server, file) {
  return inTime(context.audioWorklet.addModule(address(server, file)));
}
