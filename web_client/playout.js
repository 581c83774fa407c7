// What waits to be played: starts late enough to ride out the network's jitter, no later. Pure.

const START_S = 0.08; // a browser's timers and a home network together jitter by this
const LONGEST_S = 0.3; // beyond this, talking becomes walkie-talkie
const STEP_S = 0.02; // one frame of the server's
const ROOM_S = 0.1; // above the target before the oldest is dropped: a burst is no lasting delay
const CALM_S = 10; // without running dry, before the target is lowered by a step
const FADE_S = 0.004; // no click where sound was cut out

/** Sound in order of arrival, at `rate` Hz. Counts in samples: `consumed` is all that was played or
 * dropped, `dropped` and `missing` how much of it was late and how much silence was put in. */
export class Playout {
  constructor(rate) {
    this.rate = rate;
    this.queue = [];
    this.waiting = 0;
    this.target = START_S * rate;
    this.consumed = 0;
    this.dropped = 0;
    this.missing = 0;
    this.running = false;
    this.calm = 0;
    this.last = 0; // the sample given out last
    this.level = 0; // of the sound that was cut off
    this.fading = 0; // samples of its fade still to come
  }

  /** Take sound that arrived; the oldest goes if too much waits. */
  put(samples) {
    this.queue.push(samples);
    this.waiting += samples.length;
    const over = this.waiting - this.target - ROOM_S * this.rate;
    if (over > 0) {
      const cut = Math.floor(this.waiting - this.target);
      this.dropped += cut;
      this.skip(cut);
    }
    if (!this.running && this.waiting >= this.target) this.running = true;
  }

  /** The next `count` samples to sound; silence while it gathers. */
  next(count) {
    const out = new Float32Array(count);
    const have = this.running ? Math.min(count, this.waiting) : 0;
    this.take(have, out);
    const isDry = this.running && have < count;
    if (isDry) this.ranDry(count - have);
    else if (this.running) this.calmed(count);
    this.smooth(out, isDry ? have : -1);
    return out;
  }

  /** Drop all that waits, and gather again. */
  flush() {
    this.skip(this.waiting);
    this.running = false;
  }

  ranDry(count) {
    this.missing += count;
    this.running = false;
    this.calm = 0;
    this.target = Math.min(LONGEST_S * this.rate, this.target + STEP_S * this.rate);
  }

  calmed(count) {
    this.calm += count;
    if (this.calm < CALM_S * this.rate || this.target <= START_S * this.rate) return;
    this.calm = 0;
    this.target -= STEP_S * this.rate;
  }

  /** Takes `count` samples out of the queue, into `out` if there is one. */
  take(count, out) {
    for (let done = 0; done < count; ) {
      const first = this.queue[0];
      const part = first.subarray(0, count - done);
      out?.set(part, done);
      done += part.length;
      if (part.length === first.length) this.queue.shift();
      else this.queue[0] = first.subarray(part.length);
    }
    this.waiting -= count;
    this.consumed += count;
  }

  skip(count) {
    this.take(count);
    this.cut();
  }

  cut() {
    this.level = this.last;
    this.fading = Math.round(FADE_S * this.rate);
  }

  /** What was cut off fades out beneath what follows; at `dryAt` the sound itself ends. */
  smooth(out, dryAt) {
    const length = Math.round(FADE_S * this.rate);
    for (let n = 0; n < out.length; n += 1) {
      if (n === dryAt) this.cut();
      if (this.fading > 0) {
        const share = this.fading / length;
        out[n] = out[n] * (1 - share) + this.level * share;
        this.fading -= 1;
      }
      this.last = out[n];
    }
  }
}
