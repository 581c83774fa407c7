// When samples really sounded: what the worklet gave out, seen at the far end of the device. Pure.

const KEPT = 64; // reports, some seconds of them

/** Pairs of (time on the audio clock, samples given out by then), and what lies between them. */
export class Ear {
  constructor() {
    this.points = [];
  }

  /** So many samples had been given out at this time of the audio clock, in seconds. */
  put(time_s, samples) {
    this.points.push([time_s, samples]);
    if (this.points.length > KEPT) this.points.shift();
  }

  /** How many had sounded when the device was at this time of the audio clock; never too many. */
  at(time_s) {
    let before = null;
    for (const point of this.points) {
      if (point[0] > time_s) return before ? Math.floor(between(before, point, time_s)) : 0;
      before = point;
    }
    return before ? before[1] : 0;
  }
}

function between([from_s, from], [to_s, to], time_s) {
  return from + ((to - from) * (time_s - from_s)) / (to_s - from_s);
}

/** The time of the audio clock that the output device is playing now, in seconds.
 *
 * getOutputTimestamp tells it where a browser has it; elsewhere the clock less the latency. */
export function soundingAt(context, now_ms) {
  const stamp = context.getOutputTimestamp?.();
  if (stamp?.performanceTime > 0 && stamp.contextTime > 0) {
    const at = stamp.contextTime + (now_ms - stamp.performanceTime) / 1000;
    return Math.min(context.currentTime, at);
  }
  return context.currentTime - (context.outputLatency || context.baseLatency || 0);
}
