// Changes the rate of a stream of samples. Pure; runs inside the audio worklets.

const HALF = 12; // zero crossings on each side: 70 dB of stop band with the window below
const STEPS = 256; // of the filter's table between two zero crossings, with lines between them

/** Windowed-sinc resampling of one mono stream; a delay of 12 samples of the lower rate. */
export class Resampler {
  constructor(from, to) {
    this.ratio = from / to;
    this.scale = Math.min(1, to / from) * 0.95; // of the narrower band; leaves room for the slope
    this.reach = Math.ceil(HALF / this.scale);
    this.table = Float32Array.from({ length: HALF * STEPS + 2 }, (_, at) => kernel(at / STEPS));
    this.kept = new Float32Array(2 * this.reach); // before the first sample there was silence
    this.at = this.reach; // place of the next sample within what is kept
  }

  /** The samples that follow from these; float32, as many as there are by now. */
  push(samples) {
    if (this.ratio === 1) return samples.slice();
    const all = new Float32Array(this.kept.length + samples.length);
    all.set(this.kept);
    all.set(samples, this.kept.length);
    const count = Math.max(0, Math.ceil((all.length - this.reach - this.at) / this.ratio));
    const out = new Float32Array(count);
    for (let n = 0; n < count; n += 1) out[n] = this.value(all, this.at + n * this.ratio);
    this.at += count * this.ratio;
    const gone = Math.max(0, Math.floor(this.at) - this.reach);
    this.kept = all.slice(gone);
    this.at -= gone;
    return out;
  }

  value(all, at) {
    const first = Math.max(0, Math.ceil(at - this.reach));
    const last = Math.min(all.length - 1, Math.floor(at + this.reach));
    let sum = 0;
    for (let n = first; n <= last; n += 1) {
      const place = Math.abs(n - at) * this.scale * STEPS;
      const low = place | 0;
      if (low >= HALF * STEPS) continue;
      sum += all[n] * (this.table[low] + (place - low) * (this.table[low + 1] - this.table[low]));
    }
    return sum * this.scale;
  }
}

function kernel(x) {
  if (x >= HALF) return 0;
  const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / HALF) + 0.08 * Math.cos((2 * Math.PI * x) / HALF);
  return window * (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
}
