// A call to keep: sound, captions and messages, made into files. Pure but for Blob.

const LONGEST_S = 3600;
const CHUNK = 200; // messages of sound in one Blob, which a browser may keep on disk

/** Collects a call; the sound stops after an hour, at some 230 MB. */
export class Recording {
  constructor(rate, began) {
    Object.assign(this, { rate, began, blobs: [], recent: [], samples: 0, messages: [] });
  }

  /** Seconds of sound so far. */
  get length_s() {
    return this.samples / this.rate;
  }

  /** Interleaved 16-bit stereo: the caller left, the agent right. */
  sound(buffer) {
    if (this.length_s >= LONGEST_S) return;
    this.samples += buffer.byteLength / 4;
    this.recent.push(buffer);
    if (this.recent.length >= CHUNK) this.blobs.push(new Blob(this.recent.splice(0)));
  }

  /** A message either way, at a time of the call in seconds. */
  message(from, message, at_s) {
    this.messages.push({ t: round(at_s), from, ...message });
  }

  wav() {
    return new Blob([header(this.samples, this.rate), ...this.blobs, ...this.recent], { type: "audio/wav" });
  }

  trace(fields) {
    const lines = [{ t: 0, from: "page", type: "call", began: this.began, rate: this.rate, ...fields }, ...this.messages];
    return new Blob([lines.map((line) => `${JSON.stringify(line)}\n`).join("")], { type: "application/jsonl" });
  }
}

/** Captions as WebVTT. */
export function vtt(lines) {
  const cues = lines.filter(({ text }) => text).map((line) => {
    const end_s = Math.max(line.to_s, line.from_s + 1);
    const voice = line.who === "agent" ? "Agent" : "Caller";
    return `${clock(line.from_s)} --> ${clock(end_s)}\n<v ${voice}>${escaped(line.text)}\n`;
  });
  return new Blob([["WEBVTT\n", ...cues].join("\n")], { type: "text/vtt" });
}

function header(samples, rate) {
  const view = new DataView(new ArrayBuffer(44));
  const words = (at, text) => [...text].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  words(0, "RIFF");
  view.setUint32(4, 36 + samples * 4, true);
  words(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 2, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  words(36, "data");
  view.setUint32(40, samples * 4, true);
  return view.buffer;
}

function clock(at_s) {
  const ms = Math.max(0, Math.round(at_s * 1000));
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  return `${two(ms / 3600000)}:${two((ms / 60000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(at_s) {
  return Math.round(at_s * 1000) / 1000;
}
