// The caller's voice, in frames of 20 ms as 16-bit PCM at the rate the server was told.

import { Resampler } from "./resample.js";

class Microphone extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.resampler = new Resampler(sampleRate, rate);
    this.frame = new Int16Array(rate / 50);
    this.filled = 0;
    this.open = true;
    this.port.onmessage = () => { this.open = false; };
  }

  process([input]) {
    const samples = input[0] ?? new Float32Array(128); // nothing connected yet: silence goes on
    for (const sample of this.resampler.push(samples)) {
      this.frame[this.filled] = Math.max(-1, Math.min(1, sample)) * 32767;
      this.filled += 1;
      if (this.filled === this.frame.length) this.send();
    }
    return this.open;
  }

  send() {
    this.port.postMessage(this.frame.slice().buffer);
    this.filled = 0;
  }
}

registerProcessor("microphone", Microphone);
