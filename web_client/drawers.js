// What opens below the call: connection, keypad, download, sound.

import { devices } from "./microphone.js";
import { grade } from "./quality.js";
import { vtt } from "./record.js";

const WORDS = { good: "Good", fair: "Fair", poor: "Poor" };
const WAYS = { webrtc: "WebRTC", websocket: "WebSocket" };

/** At most one drawer is open; `opened` is its name, or "". */
export class Drawers {
  constructor(root) {
    this.root = root;
    this.opened = "";
  }

  toggle(name) {
    this.show(this.opened === name ? "" : name);
  }

  show(name) {
    this.opened = name;
    for (const drawer of this.root.querySelectorAll("[data-drawer]")) {
      const { drawer: mine } = drawer.dataset;
      drawer.hidden = mine !== name;
      this.root.querySelector(`[data-tool="${mine}"]`).setAttribute("aria-expanded", String(mine === name));
    }
    const first = name && this.root.querySelector(`[data-drawer="${name}"] :is(button, select, input)`);
    if (first) first.focus();
  }
}

/** Facts about the connection, and the bars beside its name. */
export function showQuality(root, quality, conversation) {
  const button = root.querySelector(".connection");
  const mark = grade(quality);
  button.dataset.grade = mark;
  const facts = [
    ["Quality", WORDS[mark]],
    ["Way", WAYS[quality.transport]],
    ["Round trip", ms(quality.rtt_s)],
    ["Loss", `${(quality.loss * 100).toFixed(1)} %`],
    ["Jitter", ms(quality.jitter_s)],
    ["Receive buffer", ms(quality.buffer_s)],
    ["Output device", ms(quality.device_s)],
    ["Connected after", ms(conversation.connected_s)],
    ["First sound after", ms(conversation.sounded_s)],
  ];
  root.querySelector(".facts").replaceChildren(...facts.flatMap(([name, value]) => [text("dt", name), text("dd", value)]));
}

/** Fill the lists of devices; the speakers' is hidden where a page cannot choose. */
export async function showDevices(root, chosen) {
  const found = await devices();
  for (const select of root.querySelectorAll("[data-device]")) {
    const mine = found.filter(({ kind, id }) => kind === select.dataset.device && id && id !== "default");
    const options = [{ id: "", name: "As the system has it" }, ...mine].map(({ id, name }) => new Option(name, id));
    select.replaceChildren(...options);
    select.value = mine.some(({ id }) => id === chosen[select.dataset.device]) ? chosen[select.dataset.device] : "";
  }
  root.querySelector(".speaker").hidden = !("setSinkId" in HTMLMediaElement.prototype);
}

/** Save one of a call's files on this device. */
export function keep(kind, conversation) {
  const { recording, captions, began } = conversation;
  const files = {
    wav: () => recording.wav(),
    vtt: () => vtt(captions.lines),
    jsonl: () => recording.trace({ transport: conversation.quality.transport, call: conversation.identity?.call }),
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(files[kind]());
  link.download = `parley-${began.slice(0, 19).replaceAll(":", "-")}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function ms(length_s) {
  return typeof length_s === "number" ? `${Math.round(length_s * 1000)} ms` : "not known";
}

function text(tag, words) {
  const made = document.createElement(tag);
  made.textContent = words;
  return made;
}
