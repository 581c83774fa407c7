// A call over parley's WebSocket: docs/protocol.md. For networks that let no UDP through.
// Both transports offer: kind, source (an AudioNode with the agent's voice), resumption, send,
// quality, setMicrophone, setVolume, setSpeaker, close; and tell() of {type: "message" | "lost"}.

import { Ear, soundingAt } from "./ear.js";
import { earOf } from "./quality.js";
import { Refused, Unreachable, address, inTime, loadWorklet, statusOf } from "./server.js";

const RATE = 16000; // what recognisers hear
const PLAY_RATE = 24000; // what voices speak, at most
const SILENT_S = 4; // the server sends sound all the time

export async function openWebSocket({ server, token, context, microphone, tell }) {
  const files = ["microphone-worklet.js", "playout-worklet.js"];
  await Promise.all(files.map((file) => loadWorklet(context, server, file)));
  const socket = await opened(server, token);
  return new WebSocketTransport(socket, { server, context, microphone, tell });
}

async function opened(server, token) {
  const url = address(server, "ws");
  url.protocol = url.protocol.replace("http", "ws");
  if (token) url.searchParams.set("token", token);
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  try {
    await inTime(new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = reject;
    }));
  } catch (fault) {
    socket.close();
    throw fault instanceof Unreachable ? fault : await reason(server); // a browser does not tell why it failed
  }
  socket.send(JSON.stringify({ type: "start", version: 1, rate: RATE, play_rate: PLAY_RATE, marks: true }));
  return socket;
}

async function reason(server) {
  const health = await statusOf(server);
  if (health === "full" || health === "stopping") return new Refused(503, "");
  if (health) return new Refused(403, "It lets only certain pages in, or those who show a token.");
  return new Unreachable("nobody answered");
}

class WebSocketTransport {
  constructor(socket, { server, context, microphone, tell }) {
    this.kind = "websocket";
    this.resumption = null; // a WebSocket that closed is a call that ended
    Object.assign(this, { socket, server, context, tell, ear: new Ear(), marked: 0, state: {}, rtt_s: null, heard: 0 });
    this.uplink = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0, processorOptions: { rate: RATE } });
    this.source = new AudioWorkletNode(context, "playout", {
      numberOfInputs: 0, outputChannelCount: [1], processorOptions: { rate: PLAY_RATE },
    });
    this.volume = new GainNode(context);
    this.microphone = microphone;
    microphone.connect(this.uplink);
    this.source.connect(this.volume).connect(context.destination);
    this.uplink.port.onmessage = ({ data }) => this.open && socket.send(data);
    this.source.port.onmessage = ({ data }) => this.report(data);
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = () => tell({ type: "lost" });
    this.watch = setInterval(() => this.look(), 1000);
    this.look();
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.open) this.socket.send(JSON.stringify(message));
  }

  receive(data) {
    this.heard = this.context.currentTime;
    if (data instanceof ArrayBuffer) {
      this.source.port.postMessage(data, [data]);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "flush") this.source.port.postMessage("flush");
    if (message.type === "ended") this.socket.onclose = null;
    this.tell({ type: "message", message });
  }

  /** What the worklet gave out becomes a mark once it left the device. */
  report(state) {
    this.state = state;
    this.ear.put(state.time_s, state.consumed);
    const samples = this.ear.at(soundingAt(this.context, performance.now()));
    if (samples <= this.marked) return;
    this.marked = samples;
    this.send({ type: "played", samples });
  }

  async look() {
    if (this.heard && this.context.currentTime - this.heard > SILENT_S) this.socket.close();
    if (!this.open) return;
    const before = performance.now();
    if (await statusOf(this.server)) this.rtt_s = (performance.now() - before) / 1000;
  }

  /** The state of the connection, which the server is told too. */
  async quality() {
    const { waiting = 0, dropped = 0, missing = 0, consumed = 0 } = this.state;
    const state = {
      rtt_s: this.rtt_s, buffer_s: waiting / PLAY_RATE, device_s: this.context.outputLatency || 0,
      jitter_s: null, loss: consumed ? (dropped + missing) / (consumed + missing) : 0,
    };
    this.send(earOf(state));
    return state;
  }

  async setMicrophone() {} // the node it hears from stays the same

  setVolume(share) {
    this.volume.gain.value = share;
  }

  async setSpeaker(id) {
    await this.context.setSinkId?.(id);
  }

  /** Hang up, or let go of what broke. */
  close(isHangUp = true) {
    clearInterval(this.watch);
    if (isHangUp) this.send({ type: "bye" });
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
    this.microphone.disconnect(this.uplink);
    for (const node of [this.uplink, this.source]) node.port.postMessage("close");
    for (const node of [this.source, this.volume]) node.disconnect();
  }
}
