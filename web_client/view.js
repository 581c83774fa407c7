// What the page says about the call: one state at a time, in words.

import { isActive } from "./machine.js";
import { describe } from "./problems.js";

const LINES = {
  idle: "Not connected", asking: "Asking for the microphone…", connecting: "Connecting…", talking: "Connected",
  reconnecting: "Connection lost, coming back…", ended: "The call has ended", failed: "No call",
};
const FLOORS = {
  open: "Nobody is speaking", user: "You are speaking", pause: "You paused", pending: "The agent is about to answer",
  agent: "The agent is speaking", overlap: "You are both speaking",
};

export class View {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.name = "Agent";
  }

  get isTyping() {
    return !this.find(".typing").hidden;
  }

  show(state) {
    clearInterval(this.counting);
    this.root.dataset.state = state.name;
    this.root.classList.toggle("active", isActive(state));
    if (state.name === "talking") this.root.classList.add("called");
    this.find(".line").textContent = LINES[state.name];
    this.say(LINES[state.name]);
    this.find(".talk .label").textContent = this.label(state);
    this.find(".problem").hidden = state.name !== "failed";
    this.find(".talk").disabled = false;
    if (state.name === "failed") this.problem(state);
    if (!isActive(state)) this.unwritten(false);
    if (state.name !== "talking") this.floor(state.name === "reconnecting" ? "waiting" : "");
    if (state.by === "text") this.toggleTyping(true);
    if (!isActive(state)) this.toggleTyping(false);
    this.enableTools(state);
  }

  label({ name }) {
    if (name === "asking" || name === "connecting") return "Stop";
    return name === "ended" || name === "failed" ? "Talk again" : "Talk";
  }

  enableTools({ name }) {
    const isTalking = name === "talking" || name === "reconnecting";
    for (const tool of ["mute", "type", "keys", "end"]) this.find(`footer [data-tool="${tool}"]`).disabled = !isTalking;
    this.find('[data-tool="keep"]').disabled = !this.root.classList.contains("called");
  }

  problem(state) {
    const { title, advice, detail, canType } = describe(state);
    this.find(".problem strong").textContent = title;
    this.find(".problem .advice").textContent = advice;
    this.find(".problem .detail").textContent = detail ?? "";
    this.find(".problem .plain").hidden = !canType;
    if (state.until) this.countDown(state.until);
  }

  /** The button waits as long as the server asked for. */
  countDown(until) {
    const talk = this.find(".talk");
    const tick = () => {
      const left_s = Math.ceil(until - performance.now() / 1000);
      talk.disabled = left_s > 0;
      this.find(".talk .label").textContent = left_s > 0 ? `Again in ${left_s} s` : "Talk again";
      if (left_s <= 0) clearInterval(this.counting);
    };
    this.counting = setInterval(tick, 250);
    tick();
  }

  /** A problem that is known before anything was pressed. */
  warn(problem) {
    this.root.dataset.state = "failed";
    this.find(".problem").hidden = false;
    this.problem({ problem });
    this.find(".talk").disabled = true;
  }

  floor(name) {
    const words = name === "waiting" ? "Waiting for the connection" : (FLOORS[name] ?? "");
    this.find(".floor").dataset.floor = name;
    this.find(".floor .words").textContent = words.replace("The agent", this.name === "Agent" ? "The agent" : this.name);
    this.find(".picture").setAttribute("aria-label", `Both voices over the last seconds. ${words}`);
  }

  /** What the server tells of its agent, where it does: a name, and whether it understands keys. */
  agent({ name, keys }) {
    if (name) {
      this.name = name;
      this.find(".side.agent").textContent = name;
    }
    this.root.classList.toggle("has-keys", Boolean(keys));
  }

  /** Whether what the caller says now is kept out of captions and traces. */
  unwritten(isOn) {
    this.find(".unwritten").hidden = !isOn;
    if (isOn) this.say("What you say now is not written down");
  }

  level(db) {
    this.find(".meter").value = Math.min(1, Math.max(0, (db + 60) / 50));
  }

  setMuted(isMuted) {
    const button = this.find('[data-tool="mute"]');
    button.setAttribute("aria-pressed", String(isMuted));
    button.querySelector("span").textContent = isMuted ? "Unmute" : "Mute";
    this.root.classList.toggle("muted", isMuted);
  }

  toggleTyping(wanted = !this.isTyping) {
    this.find(".typing").hidden = !wanted;
    this.find('[data-tool="type"]').setAttribute("aria-expanded", String(wanted));
    if (wanted) this.find(".typing input").focus();
  }

  /** Tell those who listen to the page. */
  say(words) {
    this.find(".status").textContent = words;
  }
}
