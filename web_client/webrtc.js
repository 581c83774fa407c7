// A call over WebRTC: docs/webrtc.md. The shortest way, with the browser's own jitter buffer.

import { earOf, ofStats } from "./quality.js";
import { Refused, Unreachable, address, ask } from "./server.js";

const CONNECT_S = 6; // then UDP is blocked, and the WebSocket is tried
const SILENT_S = 2; // the server calls a connection lost after as long

export async function openWebRtc({ server, token, context, stream, resume, tell }) {
  if (!window.RTCPeerConnection) throw new Unreachable("this browser has no WebRTC");
  const iceServers = resume?.iceServers ?? (await ask(server, "api/ice", token)).iceServers;
  const transport = new WebRtcTransport({ server, token, context, tell, iceServers });
  try {
    await transport.connect(stream, resume);
  } catch (fault) {
    transport.close(!resume); // a conversation that goes on is left for the next try
    throw fault;
  }
  return transport;
}

class WebRtcTransport {
  constructor({ server, token, context, tell, iceServers }) {
    const peer = new RTCPeerConnection({ iceServers });
    Object.assign(this, { kind: "webrtc", server, token, context, tell, iceServers, peer, identity: null, before: null });
    this.candidates = []; // found, and not sent yet
    this.reachable = 0;
    this.player = new Audio();
    this.player.autoplay = true;
    this.source = new GainNode(context);
    this.channel = peer.createDataChannel("parley");
    this.channel.onmessage = ({ data }) => tell({ type: "message", message: JSON.parse(data) });
    this.channel.onclose = () => this.lost();
    peer.ontrack = ({ track }) => this.hear(track);
    peer.onicecandidate = ({ candidate }) => this.trickle(candidate);
  }

  async connect(stream, resume) {
    for (const track of stream.getAudioTracks()) this.peer.addTrack(track, stream);
    await this.peer.setLocalDescription();
    const { sdp, type } = this.peer.localDescription;
    const known = resume ? { call: resume.call, key: resume.key } : {};
    const answer = await this.post("POST", { sdp, type, ...known }, Boolean(resume));
    this.identity = { call: answer.call, key: answer.key };
    await this.peer.setRemoteDescription({ sdp: answer.sdp, type: "answer" });
    this.trickle(null);
    await this.opened();
    this.peer.onconnectionstatechange = () => this.changed();
  }

  opened() {
    return new Promise((resolve, reject) => {
      const failed = () => reject(new Unreachable("no way through for UDP"));
      this.refuse = (fault) => fault instanceof Refused && reject(new Unreachable(fault.message));
      this.timer = setTimeout(failed, CONNECT_S * 1000);
      this.channel.onopen = () => {
        clearTimeout(this.timer);
        resolve();
      };
      this.peer.onconnectionstatechange = () => this.peer.connectionState === "failed" && failed();
      const gathered = () => this.peer.iceGatheringState === "complete" && !this.reachable && failed();
      this.peer.onicegatheringstatechange = gathered;
      gathered();
    });
  }

  changed() {
    clearTimeout(this.timer);
    const state = this.peer.connectionState;
    if (state === "failed" || state === "closed") this.lost();
    if (state === "disconnected") this.timer = setTimeout(() => this.lost(), SILENT_S * 1000);
  }

  lost() {
    if (this.identity) this.tell({ type: "lost" });
  }

  /** Candidates wait until the server knows the call they are for. */
  trickle(candidate) {
    if (candidate?.candidate) this.reachable = this.candidates.push(candidate.toJSON());
    if (!this.identity || !this.candidates.length) return;
    const candidates = this.candidates.splice(0);
    this.post("PATCH", { ...this.identity, candidates }).catch((fault) => this.refuse?.(fault));
  }

  post(method, message, isKnown = true) {
    return ask(this.server, "api/offer", this.token, { method, body: JSON.stringify(message), isKnown });
  }

  hear(track) {
    const stream = new MediaStream([track]);
    this.player.srcObject = stream; // heard from here: the browser's echo canceller knows it
    this.player.play().catch(() => {});
    this.context.createMediaStreamSource(stream).connect(this.source);
  }

  send(message) {
    if (this.channel.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  /** What it takes to come back into this conversation. */
  get resumption() {
    return { ...this.identity, iceServers: this.iceServers };
  }

  async setMicrophone(stream) {
    await this.peer.getSenders()[0].replaceTrack(stream.getAudioTracks()[0]);
  }

  /** The state of the connection, which the server is told too: it is what lies before the ear. */
  async quality() {
    this.before = ofStats(await this.peer.getStats(), this.before);
    const { sums, ...state } = this.before;
    state.device_s = this.context.outputLatency || state.device_s || 0;
    this.send(earOf(state));
    return state;
  }

  setVolume(share) {
    this.player.volume = share;
  }

  async setSpeaker(id) {
    await this.player.setSinkId?.(id);
  }

  /** Hang up, or let go of what broke. A beacon also goes out while the page is being left. */
  close(isHangUp = true) {
    clearTimeout(this.timer);
    this.channel.onclose = this.peer.onconnectionstatechange = this.peer.onicegatheringstatechange = null;
    if (isHangUp && this.identity) {
      const bye = address(this.server, "api/bye");
      if (this.token) bye.searchParams.set("token", this.token);
      navigator.sendBeacon(bye, JSON.stringify(this.identity));
    }
    this.player.srcObject = null;
    this.source.disconnect();
    this.peer.close();
  }
}
