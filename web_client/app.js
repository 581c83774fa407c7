// The client: what is pressed becomes events of the machine, and its effects are carried out.

import { Conversation } from "./conversation.js";
import { Drawers, keep, showDevices, showQuality } from "./drawers.js";
import { listen } from "./keyboard.js";
import { idle, isActive, step } from "./machine.js";
import { obstacle } from "./microphone.js";
import { Picture } from "./picture.js";
import { Script } from "./script.js";
import { Settings } from "./settings.js";
import { TEMPLATE } from "./template.js";
import { View } from "./view.js";

/** Puts the client into a root, which may be a shadow root. Returns a function that removes it.
 * `transport` is the way that is tried first: "webrtc", or "websocket". */
export function mount(root, { server, token = "", transport = "webrtc", keys = window, isCompact = false }) {
  const holder = document.createElement("div");
  holder.innerHTML = TEMPLATE;
  const [page] = holder.children;
  page.classList.toggle("compact", isCompact);
  root.append(page);
  const client = new Client(page, { server, token, transport });
  const unlisten = listen(keys, () => client.isTalking, (what) => client.act(what));
  const leave = () => client.happen({ type: "hangUp" });
  window.addEventListener("pagehide", leave); // a browser may show the page again as it is now
  return () => {
    unlisten();
    window.removeEventListener("pagehide", leave);
    leave();
    client.picture.close();
    page.remove();
  };
}

class Client {
  constructor(root, options) {
    this.root = root;
    this.options = options;
    this.state = idle;
    this.settings = new Settings();
    this.view = new View(root);
    this.picture = new Picture(root.querySelector(".picture"));
    this.script = new Script(root.querySelector(".script"), root.querySelector(".live"));
    this.drawers = new Drawers(root);
    this.conversation = null;
    this.bind();
    this.view.show(this.state);
    this.picture.draw();
    this.obstacle = obstacle();
    if (this.obstacle) this.view.warn(this.obstacle);
  }

  get isTalking() {
    return this.state.name === "talking" || this.state.name === "reconnecting";
  }

  // --- the machine --------------------------------------------------------------------------------

  happen(event) {
    const [state, effects] = step(this.state, event);
    const isNew = state !== this.state;
    this.state = state;
    for (const effect of effects) this.carryOut(effect);
    if (isNew) this.view.show(state);
    if (isNew && state.name === "talking") this.talking();
  }

  carryOut(effect) {
    if (effect.do === "ask") this.ask(effect.by);
    if (effect.do === "drop") this.conversation.drop();
    if (effect.do === "close") this.close();
    if (effect.do === "wait") setTimeout(() => this.happen(effect.then), effect.for_s * 1000);
    if (effect.do === "connect") {
      const { volume, audiooutput } = this.settings.values;
      this.conversation.connect({ transport: effect.transport, resume: effect.resume, volume, speaker: audiooutput });
    }
  }

  async ask(by) {
    const { server, token, transport } = this.options;
    const mine = new Conversation({ server, token, tell: (event) => mine === this.conversation && this.told(event) });
    this.conversation = mine;
    this.script.clear();
    this.picture.start(() => mine.context.currentTime);
    try {
      const { audioinput: microphone, isHeadset } = this.settings.values;
      await mine.listen({ by, microphone, isHeadset });
    } catch (problem) {
      if (mine !== this.conversation) return;
      this.happen({ type: "denied", problem: typeof problem === "string" ? problem : "unreachable" });
      return;
    }
    if (mine === this.conversation) this.happen({ type: "granted", transport });
  }

  talking() {
    this.view.setMuted(this.conversation.isMuted);
    showDevices(this.root, this.settings.values);
    if (this.state.resumed === false) this.view.say("Connected again, in a new conversation");
  }

  close() {
    this.conversation.close();
    this.picture.stop();
    this.picture.draw();
    for (const line of this.conversation.captions.lines) this.script.show(line);
    if (["quality", "keys"].includes(this.drawers.opened)) this.drawers.show("");
  }

  told(event) {
    const { script, picture, view } = this;
    if (event.type === "levels") {
      picture.levels(event);
      view.level(Math.max(...event.caller));
    } else if (event.type === "answer") script.answer(event);
    else if (event.type === "quality") showQuality(this.root, event.quality, this.conversation);
    else if (event.type === "note") this.noted(event);
    else if (event.type === "unplugged") this.unplugged();
    else this.happen(event);
  }

  noted({ kind, data, line }) {
    if (line) this.script.show(line);
    if (kind === "floor") {
      this.picture.floor = data.floor;
      this.view.floor(data.floor);
    }
    if (kind === "tool") this.view.say(`The agent uses ${data.name}`);
    if (kind === "sensitive") this.view.unwritten(data.on);
    if (kind === "agent") this.view.agent(data);
  }

  async unplugged() {
    this.view.say("The microphone was unplugged");
    await this.conversation.setMicrophone("").catch(() => this.view.say("No microphone is left; you can type"));
  }

  // --- what is pressed ----------------------------------------------------------------------------

  bind() {
    const { root } = this;
    root.querySelector(".talk").onclick = () => this.act("talk");
    root.querySelector('[data-do="type"]').onclick = () => this.happen({ type: "press", by: "text" });
    const press = (selector, act) => {
      for (const button of root.querySelectorAll(selector)) button.onclick = () => act(button.dataset);
    };
    press("[data-tool]", ({ tool }) => this.act(tool));
    press("[data-digit]", ({ digit }) => this.act(`digit ${digit}`));
    press("[data-keep]", (button) => keep(button.keep, this.conversation));
    for (const select of root.querySelectorAll("[data-device]")) select.onchange = () => this.choose(select);
    root.querySelector(".volume").oninput = ({ target }) => this.setVolume(target.value / 100);
    root.querySelector(".volume").value = this.settings.values.volume * 100;
    root.querySelector(".headset").checked = this.settings.values.isHeadset;
    root.querySelector(".headset").onchange = ({ target }) => this.wear(target.checked);
    root.querySelector(".typing").onsubmit = (event) => this.type(event);
  }

  /** Does what a button or a key stands for; false if it means nothing now. */
  act(what) {
    const [name, value] = what.split(" ");
    if (this.obstacle) return false;
    if (name === "talk") this.happen({ type: isActive(this.state) ? "hangUp" : "press" });
    else if (name === "end") this.happen({ type: "hangUp" });
    else if (name === "escape") return this.escape();
    else if (name === "mute") this.mute();
    else if (name === "digit") this.digit(value);
    else if (name === "type") this.view.toggleTyping();
    else if (name !== "keep" || this.root.classList.contains("called")) this.open(name);
    return true;
  }

  open(drawer) {
    if (drawer === "settings") showDevices(this.root, this.settings.values);
    this.drawers.toggle(drawer);
  }

  escape() {
    if (this.drawers.opened) this.drawers.show("");
    else if (this.view.isTyping) this.view.toggleTyping();
    else if (isActive(this.state)) this.happen({ type: "hangUp" });
    else return false;
    return true;
  }

  mute() {
    if (!this.isTalking) return;
    this.conversation.mute(!this.conversation.isMuted);
    this.view.setMuted(this.conversation.isMuted);
  }

  digit(key) {
    if (!this.isTalking) return;
    this.conversation.send({ type: "digit", digit: key });
    this.view.say(`Key ${key}`);
  }

  type(event) {
    event.preventDefault();
    const input = this.root.querySelector(".typing input");
    const text = input.value.trim();
    if (!text || !this.isTalking) return;
    this.conversation.send({ type: "text", text });
    this.script.show(this.conversation.captions.typed(text, this.conversation.at_s));
    input.value = "";
  }

  async choose({ dataset, value }) {
    this.settings.set(dataset.device, value);
    if (!this.isTalking) return;
    const isSpeaker = dataset.device === "audiooutput";
    const { conversation } = this;
    const change = isSpeaker ? conversation.transport?.setSpeaker(value) : conversation.setMicrophone(value);
    await Promise.resolve(change).catch(() => this.view.say("That device does not answer"));
  }

  async wear(isHeadset) {
    this.settings.set("isHeadset", isHeadset);
    if (!this.isTalking) return;
    this.conversation.isHeadset = isHeadset;
    await this.conversation.setMicrophone(this.settings.values.audioinput).catch(() => {});
  }

  setVolume(share) {
    this.settings.set("volume", share);
    this.conversation?.transport?.setVolume(share);
  }
}
