// Listens to both voices on one clock: how loud they are, and what they said, for the download.
// Input 0 is the caller, input 1 the agent.

import { Resampler } from "./resample.js";

const STEP_S = 0.01; // one level
const STEPS = 5; // in one message
const FLOOR_DB = -100;

class Tap extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.sides = [0, 1].map(() => ({ resampler: new Resampler(sampleRate, rate), sound: [], sum: 0, levels: [] }));
    this.length = Math.round(STEP_S * sampleRate);
    this.count = 0;
    this.open = true;
    this.port.onmessage = () => { this.open = false; };
  }

  process(inputs) {
    const both = this.sides.map((_, n) => inputs[n]?.[0] ?? new Float32Array(128));
    this.sides.forEach((side, n) => side.sound.push(side.resampler.push(both[n])));
    for (let at = 0; at < both[0].length; at += 1) {
      this.sides.forEach((side, n) => { side.sum += both[n][at] ** 2; });
      this.count += 1;
      if (this.count === this.length) this.step(at);
    }
    return this.open;
  }

  step(at) {
    for (const side of this.sides) {
      side.levels.push(Math.max(FLOOR_DB, 10 * Math.log10(side.sum / this.length)));
      side.sum = 0;
    }
    this.count = 0;
    if (this.sides[0].levels.length === STEPS) this.send(currentTime + (at + 1) / sampleRate);
  }

  send(end_s) {
    const [caller, agent] = this.sides.map((side) => side.levels);
    const sound = interleaved(...this.sides.map((side) => joined(side.sound)));
    this.port.postMessage({ end_s, step_s: STEP_S, caller, agent, sound }, [sound]);
    for (const side of this.sides) [side.levels, side.sound] = [[], []];
  }
}

function joined(parts) {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function interleaved(left, right) {
  const both = new Int16Array(left.length * 2);
  for (let n = 0; n < left.length; n += 1) {
    both[2 * n] = Math.max(-1, Math.min(1, left[n])) * 32767;
    both[2 * n + 1] = Math.max(-1, Math.min(1, right[n])) * 32767;
  }
  return both.buffer;
}

registerProcessor("tap", Tap);
