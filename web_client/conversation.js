// One call's sound and messages: microphone, transport, and what is kept of both.

import { Captions } from "./captions.js";
import { openMicrophone, silence } from "./microphone.js";
import { Recording } from "./record.js";
import { Refused, loadWorklet } from "./server.js";
import { Turns } from "./turns.js";
import { openWebRtc } from "./webrtc.js";
import { openWebSocket } from "./websocket.js";

const RATE = 16000; // of the recording
const OPEN = { webrtc: openWebRtc, websocket: openWebSocket };

/** Made inside a press, or the browser will not let it sound. `tell` gets the machine's events and
 * {type: "levels" | "note" | "answer" | "quality" | "sounded", ...} for whoever shows them. */
export class Conversation {
  constructor({ server, token, tell }) {
    Object.assign(this, { server, token, tell });
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.onstatechange = () => this.context.state === "interrupted" && this.context.resume().catch(() => {});
    this.pressed = performance.now();
    this.began = new Date().toISOString();
    this.captions = new Captions();
    this.turns = new Turns();
    this.recording = new Recording(RATE, this.began);
    this.quality = {};
    this.voice = new GainNode(this.context);
    this.transport = null;
    this.identity = null;
    this.tries = 0; // so that what a given-up try still says is known to be late
    this.isMuted = false;
    this.isHungUp = false; // by the server
    this.isOver = false;
  }

  /** Seconds since the recording began. */
  get at_s() {
    return this.recordedFrom === undefined ? 0 : this.context.currentTime - this.recordedFrom;
  }

  async listen({ by, microphone, isHeadset }) {
    this.isHeadset = isHeadset;
    this.stream = by === "text" ? silence(this.context) : await openMicrophone(microphone, isHeadset);
    if (this.isOver) return stop(this.stream); // hung up before the microphone was there
    this.use(this.stream);
    await loadWorklet(this.context, this.server, "tap-worklet.js");
    this.tap = new AudioWorkletNode(this.context, "tap", {
      numberOfInputs: 2, numberOfOutputs: 1, processorOptions: { rate: RATE },
    });
    this.tap.port.onmessage = ({ data }) => this.heard(data);
    this.voice.connect(this.tap, 0, 0);
    this.tap.connect(this.context.destination); // silent, but without it nothing is processed
    this.recordedFrom = this.context.currentTime;
    return this.context.resume();
  }

  use(stream) {
    this.stream = stream;
    this.input?.disconnect();
    this.input = this.context.createMediaStreamSource(stream);
    this.input.connect(this.voice);
    const [track] = stream.getAudioTracks();
    track.enabled = !this.isMuted;
    track.onended = () => this.tell({ type: "unplugged" });
  }

  async connect({ transport, resume, volume, speaker }) {
    this.tries += 1;
    const mine = this.tries;
    const tell = (event) => mine === this.tries && this.received(event);
    const { server, token, context, stream, voice } = this;
    const options = { server, token, context, stream, microphone: voice, tell, resume: resume ? this.identity : null };
    try {
      const opened = await OPEN[transport](options);
      if (mine !== this.tries || this.isOver) return opened.close();
      this.begin(opened, volume, speaker, resume);
    } catch (fault) {
      if (mine === this.tries && !this.isOver) this.tell(failure(fault));
    }
  }

  begin(transport, volume, speaker, resume) {
    const resumed = resume && Boolean(this.identity) && transport.resumption?.call === this.identity.call;
    if (resume && !resumed) this.renew();
    this.transport = transport;
    this.identity = transport.resumption;
    transport.source.connect(this.tap, 0, 1);
    transport.setMicrophone(this.stream).catch(() => {}); // it may have changed since the try began
    transport.setVolume(volume);
    if (speaker) transport.setSpeaker(speaker).catch(() => {});
    this.connected_s ??= (performance.now() - this.pressed) / 1000;
    this.tell({ type: "connected", resumed });
    this.watch = setInterval(() => this.measure(), 1000);
    this.measure();
  }

  /** The server knows nothing of what was said before. */
  renew() {
    this.captions.end(this.at_s);
    this.captions.renew();
    this.turns = new Turns();
  }

  async measure() {
    const quality = await this.transport?.quality().catch(() => null);
    if (!quality) return;
    const input_s = this.stream.getAudioTracks()[0]?.getSettings().latency ?? 0;
    this.quality = { ...quality, input_s, transport: this.transport.kind };
    this.tell({ type: "quality", quality: this.quality });
  }

  received(event) {
    if (event.type === "lost") return this.tell({ type: "lost", now: performance.now() / 1000 });
    const { message } = event;
    this.recording.message("server", message, this.at_s);
    if (message.type === "error") this.failure = message.message;
    if (message.type === "ended") this.isHungUp = true;
    if (message.type === "ended") this.tell({ type: "ended", reason: message.reason, message: this.failure });
    if (message.type === "note") this.noted(message.kind, message.data);
    return undefined;
  }

  noted(kind, data) {
    if (kind === "error") this.failure = data.message;
    this.turns.note(kind, data, this.context.currentTime);
    if (kind === "floor" && ["user", "overlap"].includes(data.floor)) this.spoke_s = this.at_s;
    const from_s = data.who === "caller" ? this.spoke_s : this.at_s;
    const line = kind === "caption" ? this.captions.note(data, this.at_s, from_s) : null;
    this.tell({ type: "note", kind, data, line });
  }

  heard(levels) {
    this.recording.sound(levels.sound);
    if (this.sounded_s === undefined && levels.agent.some((db) => db > -50)) {
      this.sounded_s = (performance.now() - this.pressed) / 1000;
    }
    this.tell({ type: "levels", ...levels });
    for (const answer of this.turns.levels(levels, this.quality)) {
      this.recording.message("page", { type: "answer", ...answer }, this.at_s);
      this.tell({ type: "answer", line: this.captions.id("agent", answer.reply), ...answer });
    }
  }

  /** A key, or a line that was written. */
  send(message) {
    this.recording.message("page", message, this.at_s);
    this.transport?.send(message);
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
  }

  async setMicrophone(id) {
    const opened = await openMicrophone(id, this.isHeadset);
    if (this.isOver) return stop(opened); // hung up before it was there
    const old = this.stream; // looked at only now: meanwhile it may have been changed already
    this.use(opened);
    try {
      return await this.transport?.setMicrophone(opened);
    } finally {
      stop(old);
    }
  }

  /** Let go of a connection that broke, or of one that is being made. */
  drop(isHangUp = false) {
    this.tries += 1;
    clearInterval(this.watch);
    this.transport?.close(isHangUp);
    this.transport = null;
  }

  /** Hang up, and let go of the microphone. What was recorded stays. */
  close() {
    if (this.isOver) return;
    this.isOver = true;
    this.captions.end(this.at_s);
    this.drop(!this.isHungUp);
    if (this.stream) stop(this.stream);
    this.tap?.port.postMessage("close");
    this.context.close();
  }
}

function failure(fault) {
  const now = performance.now() / 1000;
  if (!(fault instanceof Refused)) return { type: "unreachable", message: fault.message, now };
  return { type: "refused", status: fault.status, message: fault.message, retry_s: fault.retry_s, now };
}

function stop(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
