// What getStats says, in our words: seconds and shares. Pure.

/** The state of a connection; shares and delays since `before`, where there is one. */
export function ofStats(report, before) {
  const stats = [...report.values()];
  const inbound = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio") ?? {};
  const playout = stats.find(({ type }) => type === "media-playout") ?? {};
  const pair = stats.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded") ?? {};
  const sums = {
    lost: inbound.packetsLost ?? 0, received: inbound.packetsReceived ?? 0,
    waited: inbound.jitterBufferDelay ?? 0, emitted: inbound.jitterBufferEmittedCount ?? 0,
    played: playout.totalPlayoutDelay ?? 0, samples: playout.totalSamplesCount ?? 0,
  };
  const was = before?.sums ?? {};
  const since = (key) => sums[key] - (was[key] ?? 0);
  return {
    sums,
    rtt_s: pair.currentRoundTripTime ?? null,
    jitter_s: inbound.jitter ?? null,
    loss: share(since("lost"), since("lost") + since("received")),
    buffer_s: share(since("waited"), since("emitted")),
    device_s: since("samples") > 0 ? share(since("played"), since("samples")) : null,
  };
}

/** What the server is told of the way to the ear; what is not known is left out. */
export function earOf({ rtt_s, jitter_s, loss, buffer_s, device_s }) {
  const fields = { round_trip_s: rtt_s, jitter_s, loss, buffer_s, output_latency_s: device_s };
  const known = Object.entries(fields).filter(([, value]) => typeof value === "number");
  return { type: "ear", ...Object.fromEntries(known) };
}

/** "good", "fair" or "poor". Source: ITU-T G.114 (150 ms one way go unnoticed, 400 are too many);
 * concealment of speech is noticed from about 2 % of lost packets, and hurts from about 8 %. */
export function grade({ rtt_s, jitter_s, loss, buffer_s }) {
  const delay_s = (rtt_s ?? 0) / 2 + (buffer_s ?? 0);
  if (loss > 0.08 || delay_s > 0.4 || jitter_s > 0.1) return "poor";
  if (loss > 0.02 || delay_s > 0.2 || jitter_s > 0.04) return "fair";
  return "good";
}

function share(part, whole) {
  return whole > 0 ? Math.max(0, part / whole) : 0;
}
