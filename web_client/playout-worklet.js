// The agent's voice: takes PCM as it arrives, gives it out evenly, tells how much has sounded.

import { Playout } from "./playout.js";
import { Resampler } from "./resample.js";

const REPORT_S = 0.04;

class PlayoutOutput extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate } }) {
    super();
    this.rate = rate;
    this.playout = new Playout(rate);
    this.resampler = new Resampler(rate, sampleRate);
    this.ready = new Float32Array(0); // at the device's rate, from the last step
    this.reported = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (data === "flush") this.playout.flush();
    else if (data === "close") this.open = false;
    else this.playout.put(Float32Array.from(new Int16Array(data), (sample) => sample / 32768));
  }

  process(_, [output]) {
    const wanted = output[0].length;
    while (this.ready.length < wanted) {
      const more = this.resampler.push(this.playout.next(Math.round(this.rate / 200)));
      const joined = new Float32Array(this.ready.length + more.length);
      joined.set(this.ready);
      joined.set(more, this.ready.length);
      this.ready = joined;
    }
    output[0].set(this.ready.subarray(0, wanted));
    this.ready = this.ready.slice(wanted);
    if (currentTime - this.reported >= REPORT_S) this.report();
    return this.open;
  }

  report() {
    this.reported = currentTime;
    const { consumed, waiting, target, dropped, missing } = this.playout;
    this.port.postMessage({ time_s: currentTime, consumed, waiting, target, dropped, missing });
  }
}

registerProcessor("playout", PlayoutOutput);
