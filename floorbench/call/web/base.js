"use strict";

// What the reports share: figures in words, bytes, colours, and a channel's waveform.

const clock = (s) => {
  const tenths = Math.round(Math.max(s, 0) * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
};
const signed = (number) => String(number).replace("-", "\u2212");
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function palette(names) {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}

// A canvas of the size of its place on the screen; `pen` then draws in CSS pixels.
function sized(canvas, wide, tall) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(tall * ratio);
    canvas.style.width = wide + "px";
    canvas.style.height = tall + "px";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, wide, tall);
  return pen;
}

// Stretches of sound, as soft blocks behind a waveform.
function drawSpans(pen, view, spans, top, tall) {
  for (const [from, to] of spans) {
    if (to < view.from || from > view.to) continue;
    pen.beginPath();
    pen.roundRect((from - view.from) * view.scale, top, Math.max(2, (to - from) * view.scale), tall, 5);
    pen.fill();
  }
}

// Peaks as bars around a middle line, with the RMS inside them where there is one.
// `view` is { from, to, width, scale }: seconds, seconds, CSS pixels, CSS pixels per second.
function drawWave(pen, view, wave, top, tall) {
  const { peak, rms, bin } = wave, middle = top + tall / 2, room = tall - 8;
  const step = Math.max(1, bin * view.scale >= 3 ? bin * view.scale : 1);
  const width = step > 2 ? step - 1 : step;
  const origin = (Math.max(0, Math.floor(view.from / bin)) * bin - view.from) * view.scale;
  for (let x = origin; x < view.width; x += step) {
    const a = Math.round((view.from + x / view.scale) / bin);
    const b = Math.max(a + 1, Math.round((view.from + (x + step) / view.scale) / bin));
    let loud = 0, dense = 0;
    for (let i = Math.max(a, 0); i < b && i < peak.length; i++) {
      if (peak[i] > loud) loud = peak[i];
      if (rms && rms[i] > dense) dense = rms[i];
    }
    if (!loud) continue;
    const height = Math.max(1, (loud / 255) * room), inner = (dense / 255) * room;
    pen.globalAlpha = rms ? 0.42 : 0.85;
    pen.fillRect(x, middle - height / 2, width, height);
    pen.globalAlpha = 1;
    if (rms) pen.fillRect(x, middle - inner / 2, width, inner);
  }
  pen.fillRect(0, middle - 0.5, view.width, 0.6);
}
