(() => {
  const byId = (id) => document.getElementById(id);
  const call = JSON.parse(byId("data").textContent);
  const sound = byId("sound"), scroller = byId("scroller"), strip = byId("strip");
  const canvas = byId("lanes"), words = byId("words"), head = byId("head");
  const FLOORS = {
    open: "nobody", user: "caller", pause: "caller pauses", pending: "decided, not yet heard",
    agent: "agent", overlap: "both",
  };
  // Heights in CSS pixels, from the top: axis, words, wave, gaps, floors, wave, marks, words.
  const ROW = { axis: 20, callerWords: 24, caller: 60, gap: 142, floor: 164, agent: 192, marks: 278, agentWords: 296 };
  const WAVE = 78, FLOOR_HEIGHT = 20, HEIGHT = 336, MOST = 500;

  const lanes = ["caller", "agent"].map((who) => {
    const lane = call.lanes[who];
    return { who, top: ROW[who], peak: bytes(lane.peak), rms: bytes(lane.rms), bin: call.bin, spans: lane.spans };
  });
  const ends = call.gaps.map((gap) => gap[0]);

  document.documentElement.classList.add("js");
  sound.removeAttribute("controls");
  let scale = 1; // CSS pixels per second
  let colour = {};

  function readColours() {
    colour = palette(["bg", "card", "ink", "soft", "line", "caller", "agent", "caller-soft", "agent-soft", "overlap", "open"]);
  }

  // ---- drawing --------------------------------------------------------------------------------

  function floorFill(pen, floor) {
    if (floor === "user") return colour.caller;
    if (floor === "agent") return colour.agent;
    if (floor === "open") return colour.open;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const brush = tile.getContext("2d");
    const [base, stroke] = {
      pause: [colour["caller-soft"], colour.caller],
      pending: [colour["agent-soft"], colour.agent],
      overlap: [colour.overlap, colour.card],
    }[floor] || [colour.open, colour.soft];
    brush.fillStyle = base;
    brush.fillRect(0, 0, 8, 8);
    brush.strokeStyle = stroke;
    brush.lineWidth = floor === "overlap" ? 1 : 1.6;
    brush.beginPath();
    if (floor === "pending") {
      for (const x of [2, 6]) { brush.moveTo(x, 0); brush.lineTo(x, 8); }
    } else {
      brush.moveTo(-2, 2); brush.lineTo(2, -2); brush.moveTo(-2, 10); brush.lineTo(10, -2); brush.moveTo(6, 10); brush.lineTo(10, 6);
    }
    brush.stroke();
    return pen.createPattern(tile, "repeat");
  }

  function drawAxis(pen, view) {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300].find((s) => s * scale >= 62) || 600;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    for (let t = Math.floor(view.from / step) * step; t <= view.to; t += step) {
      const x = Math.round((t - view.from) * scale) + 0.5;
      pen.strokeStyle = colour.line;
      pen.beginPath(); pen.moveTo(x, 6); pen.lineTo(x, HEIGHT); pen.stroke();
      pen.fillStyle = colour.soft;
      pen.fillText(step < 1 ? t.toFixed(1) + " s" : clock(t).slice(0, -2), x + 4, 14);
    }
  }

  function drawLane(pen, view, lane) {
    pen.fillStyle = colour[lane.who + "-soft"];
    drawSpans(pen, view, lane.spans, lane.top, WAVE);
    pen.fillStyle = colour[lane.who];
    drawWave(pen, view, lane, lane.top, WAVE);
  }

  function drawFloors(pen, view) {
    for (const [floor, from, to] of call.floors) {
      if (to < view.from || from > view.to) continue;
      const x = (from - view.from) * scale, wide = (to - from) * scale;
      pen.fillStyle = floorFill(pen, floor);
      pen.fillRect(x, ROW.floor, Math.max(1, wide), FLOOR_HEIGHT);
      const left = Math.max(x, 0) + 6, room = Math.min(x + wide, view.width) - left - 6;
      pen.font = "600 11px system-ui, sans-serif";
      pen.textAlign = "left";
      const plain = floor === "user" || floor === "agent" || floor === "open";
      if (plain && room > pen.measureText(FLOORS[floor]).width) {
        pen.fillStyle = floor === "open" ? colour.ink : colour.card;
        pen.fillText(FLOORS[floor], left, ROW.floor + 14);
      }
    }
  }

  function drawGaps(pen, view) {
    pen.font = "600 11px system-ui, sans-serif";
    for (const [end, onset, early] of call.gaps) {
      const a = (end - view.from) * scale, b = (onset - view.from) * scale;
      if (Math.max(a, b) < -60 || Math.min(a, b) > view.width + 60) continue;
      pen.fillStyle = pen.strokeStyle = early ? colour.overlap : colour.ink;
      pen.globalAlpha = 0.09;
      pen.fillRect(Math.min(a, b), ROW.caller, Math.abs(b - a), ROW.agent + WAVE - ROW.caller);
      pen.globalAlpha = 1;
      pen.lineWidth = 1;
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(a, ROW.caller); pen.lineTo(a, ROW.floor);
      pen.moveTo(b, ROW.gap + 4); pen.lineTo(b, ROW.agent + WAVE);
      pen.stroke();
      pen.setLineDash([]);
      const label = `${signed(Math.round((onset - end) * 1000))} ms`;
      const wide = pen.measureText(label).width + 12, x = (a + b) / 2 - wide / 2;
      pen.beginPath();
      pen.roundRect(x, ROW.gap + 1, wide, 18, 9);
      pen.fill();
      pen.fillStyle = colour.card;
      pen.textAlign = "left";
      pen.fillText(label, x + 6, ROW.gap + 14);
    }
  }

  function drawMarks(pen, view) {
    pen.font = "600 11px system-ui, sans-serif";
    for (const [kind, at] of call.markers) {
      const x = (at - view.from) * scale;
      if (x < -80 || x > view.width + 80) continue;
      const before = kind === "duck" || kind === "hold";
      pen.strokeStyle = pen.fillStyle = kind === "resume" ? colour.agent : colour.overlap;
      pen.lineWidth = 1.5;
      pen.beginPath(); pen.moveTo(x, ROW.agent - 6); pen.lineTo(x, ROW.marks); pen.stroke();
      pen.beginPath();
      const y = ROW.marks + 5;
      if (kind === "cancel") pen.rect(x - 4, y - 4, 8, 8);
      else if (kind === "resume") { pen.moveTo(x - 5, y + 4); pen.lineTo(x + 5, y + 4); pen.lineTo(x, y - 5); }
      else { pen.moveTo(x - 5, y - 4); pen.lineTo(x + 5, y - 4); pen.lineTo(x, y + 5); }
      pen.fill();
      pen.textAlign = before ? "right" : "left";
      pen.fillText(kind, x + (before ? -8 : 8), y + 4);
    }
  }

  function draw() {
    const wide = scroller.clientWidth, pen = sized(canvas, wide, HEIGHT);
    const from = scroller.scrollLeft / scale;
    const view = { from, to: from + wide / scale, width: wide, scale };
    drawAxis(pen, view);
    for (const lane of lanes) drawLane(pen, view, lane);
    drawFloors(pen, view);
    drawGaps(pen, view);
    drawMarks(pen, view);
  }

  // ---- words over the lanes -------------------------------------------------------------------

  const captions = call.captions.map((caption, index) => {
    const box = document.createElement("span");
    box.className = caption.who;
    box.append(caption.text);
    if (caption.unheard) {
      const cut = document.createElement("del");
      cut.append(caption.unheard);
      box.append(" ", cut);
    }
    box.style.top = ROW[caption.who + "Words"] + "px";
    words.append(box);
    const next = call.captions.slice(index + 1).find((other) => other.who === caption.who);
    return { box, from: caption.from, until: next ? next.from : call.duration };
  });

  function placeWords() {
    for (const { box, from, until } of captions) {
      const room = (until - from) * scale - 8;
      box.hidden = room < 34;
      box.style.display = room < 34 ? "none" : "";
      box.style.left = from * scale + "px";
      box.style.width = Math.min(room, 420) + "px";
    }
  }

  // ---- time -----------------------------------------------------------------------------------

  const lines = [...document.querySelectorAll(".said li")].map((line) => ({
    line, from: Number(line.dataset.from), to: Number(line.dataset.to),
  }));

  function showTime() {
    const t = sound.currentTime, x = t * scale;
    head.style.transform = `translateX(${x}px)`;
    byId("clock").textContent = `${clock(t)} / ${clock(call.duration)}`;
    scroller.setAttribute("aria-valuenow", t.toFixed(1));
    scroller.setAttribute("aria-valuetext", `${clock(t)} of ${clock(call.duration)}`);
    for (const { line, from, to } of lines) line.classList.toggle("now", !sound.paused && t >= from && t < to);
  }

  function reveal() {
    const x = sound.currentTime * scale, left = scroller.scrollLeft, wide = scroller.clientWidth;
    if (x < left || x > left + wide * 0.92) scroller.scrollLeft = x - wide * 0.12;
  }

  function beat() {
    showTime();
    reveal();
    if (!sound.paused) requestAnimationFrame(beat);
  }

  function seek(t) {
    sound.currentTime = Math.min(Math.max(t, 0), call.duration);
    showTime();
    reveal();
  }

  function zoom(wanted, anchor = scroller.clientWidth / 2) {
    const t = (scroller.scrollLeft + anchor) / scale;
    const fit = scroller.clientWidth / Math.max(call.duration, 0.1);
    scale = Math.min(Math.max(wanted, fit), Math.max(MOST, fit));
    strip.style.width = Math.max(scroller.clientWidth, Math.floor(call.duration * scale)) + "px";
    scroller.scrollLeft = t * scale - anchor;
    placeWords();
    draw();
    showTime();
  }

  // ---- sound ----------------------------------------------------------------------------------

  let gains = null;
  const embedded = sound.src.startsWith("data:");
  byId("ears").hidden = !embedded; // a file beside the page may be played, but not taken apart

  function wire() {
    if (gains || !embedded || !window.AudioContext) return;
    const context = new AudioContext(), split = context.createChannelSplitter(2);
    context.createMediaElementSource(sound).connect(split);
    gains = ["caller", "agent"].map((who, channel) => {
      const gain = context.createGain(), pan = context.createStereoPanner();
      pan.pan.value = channel ? 0.25 : -0.25;
      split.connect(gain, channel);
      gain.connect(pan).connect(context.destination);
      return { who, gain };
    });
    mix();
  }

  function mix() {
    const chosen = document.querySelector("[name=ear]:checked").value;
    for (const { who, gain } of gains || []) gain.gain.value = chosen === "both" || chosen === who ? 1 : 0;
  }

  function toggle() {
    wire();
    if (sound.paused) sound.play(); else sound.pause();
  }

  for (const kind of ["play", "pause", "ended"]) {
    sound.addEventListener(kind, () => {
      byId("play").textContent = sound.paused ? "Play" : "Pause";
      byId("play").setAttribute("aria-pressed", String(!sound.paused));
      beat();
    });
  }
  sound.addEventListener("seeked", showTime);
  byId("play").addEventListener("click", toggle);
  byId("ears").addEventListener("change", mix);
  byId("in").addEventListener("click", () => zoom(scale * 1.6));
  byId("out").addEventListener("click", () => zoom(scale / 1.6));
  byId("fit").addEventListener("click", () => zoom(0));
  for (const button of document.querySelectorAll("[data-at]")) {
    button.addEventListener("click", () => {
      seek(Number(button.dataset.at));
      if (sound.paused && button.classList.contains("jump")) toggle();
    });
  }

  // ---- hands ----------------------------------------------------------------------------------

  let drag = null;
  scroller.addEventListener("pointerdown", (event) => {
    if (event.button === 0) drag = { x: event.clientX, left: scroller.scrollLeft, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerType === "touch") return; // a finger scrolls by itself
    if (Math.abs(event.clientX - drag.x) > 4) drag.moved = true;
    if (drag.moved) scroller.scrollLeft = drag.left - (event.clientX - drag.x);
  });
  window.addEventListener("pointerup", () => { setTimeout(() => { drag = null; }); });
  scroller.addEventListener("click", (event) => {
    if (drag && drag.moved) return;
    seek((event.clientX - scroller.getBoundingClientRect().left + scroller.scrollLeft) / scale);
  });
  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - scroller.getBoundingClientRect().left);
  }, { passive: false });
  scroller.addEventListener("keydown", (event) => {
    const t = sound.currentTime, by = event.shiftKey ? 5 : 1;
    const act = {
      " ": toggle,
      Enter: toggle,
      ArrowLeft: () => seek(t - by),
      ArrowRight: () => seek(t + by),
      ArrowDown: () => seek(t - by),
      ArrowUp: () => seek(t + by),
      Home: () => seek(0),
      End: () => seek(call.duration),
      PageDown: () => seek(ends.find((end) => end > t + 0.05) ?? call.duration),
      PageUp: () => seek([...ends].reverse().find((end) => end < t - 0.05) ?? 0),
      "+": () => zoom(scale * 1.6),
      "=": () => zoom(scale * 1.6),
      "-": () => zoom(scale / 1.6),
      0: () => zoom(0),
    }[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); act(); }
  });

  // ---- start ----------------------------------------------------------------------------------

  function drawKey() {
    const list = byId("floors");
    if (call.floors.length === 0) return;
    list.replaceChildren();
    for (const [floor, name] of Object.entries(FLOORS)) {
      const spent = call.floors.reduce((sum, [f, from, to]) => (f === floor ? sum + to - from : sum), 0);
      const item = document.createElement("li"), swatch = document.createElement("canvas");
      swatch.width = 20; swatch.height = 12;
      const pen = swatch.getContext("2d");
      pen.fillStyle = floorFill(pen, floor);
      pen.fillRect(0, 0, 20, 12);
      item.append(swatch, `${name} ${spent.toFixed(1)} s`);
      list.append(item);
    }
  }

  function restyle() { readColours(); drawKey(); draw(); }

  readColours();
  drawKey();
  scroller.setAttribute("aria-valuemax", call.duration.toFixed(1));
  zoom(scroller.clientWidth > 800 ? 24 : 40); // a long call starts zoomed in, so that words can be read
  scroller.scrollLeft = 0;
  scroller.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(() => zoom(scale)).observe(scroller);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
})();
