// How long the agent took to answer, at the caller's ear, and where the time went. Pure.
//
// All times are seconds of one clock, the audio clock of the page.

const SPEECH_DB = -45; // of full scale: a voice after the browser's gain control is 15 dB above
const SOUND_DB = -55; // the agent's line is digitally silent, or comfort noise below this
const SPOKEN_S = 0.06; // shorter is a click
const EARLY_S = 0.15; // a caption may come after the first of its sound by this
const LONGEST_S = 15;

const PARTS = [
  ["hearing", "Noticing that you stopped"],
  ["deciding", "Deciding that it is its turn"],
  ["making", "Finding words and voice"],
  ["network", "Network and jitter buffer"],
  ["device", "Microphone and speaker"],
  ["remainder", "Not explained by any part"],
];

/** Watches levels and notes, and tells of each answer once it is heard. */
export class Turns {
  constructor() {
    this.spoken_s = 0;
    this.stopped = null; // when the caller's last speech ended; null once it is answered
    this.sounding = -Infinity; // when the agent was last heard
    this.onset = -Infinity; // and when that sound began
    this.floor = {};
    this.awaited = null;
    this.known = new Set();
  }

  /** Levels in dB of steps of `step_s`, the last of which ends at `end_s`; `quality` is that of the
   * connection. Returns the answers that were heard in them. */
  levels({ end_s, step_s, caller, agent }, quality) {
    const answers = [];
    caller.forEach((db, n) => {
      const at = end_s - (caller.length - n) * step_s;
      this.hearCaller(db, at, step_s);
      this.hearAgent(agent[n], at, step_s);
      const answer = this.answered(quality);
      if (answer) answers.push(answer);
    });
    return answers;
  }

  note(kind, data, at) {
    if (kind === "floor") this.floor[data.floor] = at;
    if (kind !== "caption" || data.who !== "agent" || this.known.has(data.reply)) return;
    this.known.add(data.reply);
    if (this.stopped !== null && !data.final) this.awaited = { reply: data.reply, at, stopped: this.stopped };
    this.stopped = null;
  }

  hearCaller(db, at, step_s) {
    this.spoken_s = db > SPEECH_DB ? this.spoken_s + step_s : 0;
    if (this.spoken_s >= SPOKEN_S) this.stopped = at + step_s;
  }

  hearAgent(db, at, step_s) {
    if (db <= SOUND_DB) return;
    if (at - this.sounding > EARLY_S) this.onset = at;
    this.sounding = at + step_s;
  }

  answered(quality) {
    const { awaited, onset } = this;
    if (!awaited || onset < awaited.at - EARLY_S) return null;
    this.awaited = null;
    const device_s = (quality.device_s ?? 0) + (quality.input_s ?? 0);
    const total_s = onset - awaited.stopped + device_s;
    if (total_s <= 0 || total_s > LONGEST_S) return null;
    return { reply: awaited.reply, total_s, parts: this.parts(awaited, total_s, quality) };
  }

  /** The server's parts by when its notes came; the rest by what the browser measures. */
  parts({ at, stopped }, total_s, quality) {
    const rtt_s = quality.rtt_s ?? 0;
    const paused = within(this.floor.pause, stopped, at);
    const taken = within(Math.min(this.floor.pending ?? at, at), paused, at);
    const length = {
      hearing: Math.max(0, paused - stopped - rtt_s), // the notes of it came over the network too
      deciding: taken - paused,
      making: at - taken,
      network: rtt_s + Math.max(0, Math.min(this.onset - at, quality.buffer_s ?? 0)),
      device: (quality.device_s ?? 0) + (quality.input_s ?? 0),
    };
    const explained = Object.values(length).reduce((sum, part) => sum + part, 0);
    length.remainder = total_s - explained;
    return PARTS.map(([name, words]) => ({ name, words, length_s: length[name] }));
  }
}

function within(at, from, to) {
  return at === undefined || at < from ? from : Math.min(at, to);
}
