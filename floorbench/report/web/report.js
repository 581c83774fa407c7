(() => {
  const byId = (id) => document.getElementById(id);
  const run = JSON.parse(byId("data").textContent);
  // Heights in CSS pixels, from the top: events, pauses inside turns, caller, agent, axis.
  const ROW = { events: 3, pauses: 17, caller: 30, agent: 72, axis: 114 };
  const WAVE = 38, HEIGHT = 128, AROUND = 4, MOST = 220;
  const TALL = { failed: 12, late: 9, met: 5, uncounted: 8 }, LOW = { failed: 9, late: 7, met: 4, uncounted: 6 };
  const pictures = new Map();
  let colour = {};

  document.documentElement.classList.add("js");

  function readColours() {
    colour = palette(["card", "ink", "soft", "line", "caller", "agent", "caller-soft", "agent-soft", "overlap", "good", "late"]);
    colour.failed = colour.overlap;
    colour.met = colour.good;
    colour.uncounted = colour.soft;
  }

  // ---- drawing --------------------------------------------------------------------------------

  const waves = new Map();
  function wavesOf(session) {
    if (!waves.has(session)) {
      waves.set(session, ["caller", "agent"].map((who) => ({ who, bin: run.bin, peak: bytes(session[who]) })));
    }
    return waves.get(session);
  }

  function drawAxis(pen, view) {
    const step = [0.5, 1, 2, 5, 10, 30, 60, 300].find((s) => s * view.scale >= 54) || 600;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      const x = Math.round((t - view.from) * view.scale) + 0.5;
      pen.fillStyle = colour.line;
      pen.fillRect(x, ROW.caller - 2, 1, ROW.axis - ROW.caller + 4);
      pen.fillStyle = colour.soft;
      if (x < view.width - 34) pen.fillText(step < 1 ? t.toFixed(1) + " s" : clock(t).slice(0, -2), x + 3, HEIGHT - 3);
    }
  }

  function drawEvent(pen, view, event, chosen) {
    const x = (event.from - view.from) * view.scale, wide = Math.max(3, (event.to - event.from) * view.scale);
    if (x + wide < 0 || x > view.width) return;
    const tint = colour[event.mark];
    if (event.mark === "failed" || chosen) {
      pen.fillStyle = tint;
      pen.globalAlpha = chosen ? 0.2 : 0.1;
      pen.fillRect(x, ROW.caller - 3, wide, ROW.axis - ROW.caller + 3);
      pen.globalAlpha = 1;
    }
    const tall = (event.pause ? LOW : TALL)[event.mark];
    const y = event.pause ? ROW.pauses + 9 - tall : ROW.events + 12 - tall;
    pen.fillStyle = pen.strokeStyle = tint;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.roundRect(x + 0.5, y, wide - 1, tall, 2);
    if (event.mark === "uncounted") pen.stroke(); else pen.fill();
    if (event.mark === "failed" && wide >= 12 && !event.pause) cross(pen, x + wide / 2, y + tall / 2);
    if (chosen) {
      pen.strokeStyle = colour.ink;
      pen.strokeRect(x - 1, y - 1.5, wide + 2, tall + 3);
    }
  }

  function cross(pen, x, y) {
    pen.strokeStyle = colour.card;
    pen.lineWidth = 1.8;
    pen.beginPath();
    pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3);
    pen.moveTo(x + 3, y - 3); pen.lineTo(x - 3, y + 3);
    pen.stroke();
  }

  // What was measured at the chosen event: from `a` to `b`, with its length.
  function drawDelay(pen, view, a, b, name) {
    const x = (a - view.from) * view.scale, y = (b - view.from) * view.scale, middle = ROW.agent - 2;
    pen.fillStyle = pen.strokeStyle = colour.ink;
    pen.lineWidth = 1;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    for (const at of [x, y]) { pen.moveTo(at, ROW.caller); pen.lineTo(at, ROW.axis); }
    pen.stroke();
    pen.setLineDash([]);
    pen.font = "600 11px system-ui, sans-serif";
    const label = `${name} ${signed(Math.round((b - a) * 1000))} ms`, wide = pen.measureText(label).width + 12;
    const left = Math.min(Math.max((x + y) / 2 - wide / 2, 2), view.width - wide - 2);
    pen.beginPath();
    pen.roundRect(left, middle - 9, wide, 18, 9);
    pen.fill();
    pen.fillStyle = colour.card;
    pen.textAlign = "left";
    pen.fillText(label, left + 6, middle + 4);
  }

  function draw(picture) {
    const { canvas, session, place } = picture, wide = place.clientWidth;
    if (!wide) return;
    const pen = sized(canvas, wide, HEIGHT), { from, to } = picture;
    const view = { from, to, width: wide, scale: wide / Math.max(to - from, 0.1) };
    drawAxis(pen, view);
    for (const wave of wavesOf(session)) {
      if (wave.who === "agent") {
        pen.fillStyle = colour["agent-soft"];
        drawSpans(pen, view, session.spans, ROW.agent, WAVE);
      }
      pen.fillStyle = colour[wave.who];
      drawWave(pen, view, wave, ROW[wave.who], WAVE);
    }
    session.events.forEach((event, i) => drawEvent(pen, view, event, i === picture.chosen));
    const event = session.events[picture.chosen];
    if (event && event.gap !== null) drawDelay(pen, view, event.to, event.to + event.gap, "gap");
    else if (event && event.stop !== null) drawDelay(pen, view, event.from, event.from + event.stop, "stop");
    if (picture.head !== null) {
      pen.fillStyle = colour.ink;
      pen.fillRect((picture.head - from) * view.scale - 1, 0, 2, ROW.axis);
    }
  }

  // ---- a waveform -----------------------------------------------------------------------------

  function picture(item, from, to) {
    const session = run.sessions[Number(item.dataset.n)];
    const place = document.createElement("div"), canvas = document.createElement("canvas");
    place.className = "wave";
    place.append(canvas);
    const made = { item, session, place, canvas, from, to, chosen: -1, head: null };
    pictures.set(item, made);
    new ResizeObserver(() => draw(made)).observe(place);
    return made;
  }

  function words(event) {
    return `${clock(event.from)} ${event.what}. It should ${event.expect}: ${event.told}.`;
  }

  function choose(made, index) {
    const event = made.session.events[index];
    made.chosen = event ? index : -1;
    made.output.textContent = event ? words(event) + (event.varied ? ` (${event.varied})` : "") : "";
    made.canvas.setAttribute("aria-valuenow", String(made.chosen + 1));
    made.canvas.setAttribute("aria-valuetext", event ? words(event) : "no event chosen");
    draw(made);
  }

  function close(made) {
    const event = made.session.events[made.chosen];
    if (!event) return;
    const least = made.place.clientWidth / MOST;
    const spare = Math.max(AROUND, (least - (event.to - event.from)) / 2);
    made.from = Math.max(0, event.from - spare);
    made.to = Math.min(made.session.duration, event.to + spare + 2);
    made.whole.hidden = false;
    draw(made);
  }

  function whole(made) {
    made.from = 0;
    made.to = made.session.duration;
    made.whole.hidden = true;
    draw(made);
  }

  function nearest(made, x) {
    const t = made.from + (x / made.place.clientWidth) * (made.to - made.from);
    const away = (event) => Math.max(event.from - t, t - event.to, 0) + (event.to - event.from) / 1000;
    let best = -1;
    made.session.events.forEach((event, i) => {
      if (best < 0 || away(event) < away(made.session.events[best])) best = i;
    });
    return best;
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  // ---- sessions -------------------------------------------------------------------------------

  function grow(item) {
    const session = run.sessions[Number(item.dataset.n)];
    const made = picture(item, 0, session.duration), { canvas, place } = made;
    const under = document.createElement("div");
    under.className = "under";
    made.play = button("Play", () => toggle(made));
    made.play.hidden = !session.sound;
    made.whole = button("Whole session", () => whole(made));
    made.whole.hidden = true;
    made.output = document.createElement("output");
    under.append(made.play, made.whole, made.output);
    canvas.tabIndex = 0;
    const about = {
      role: "slider", "aria-label": `Events of ${session.id}`, "aria-describedby": "keys",
      "aria-valuemin": "0", "aria-valuemax": String(session.events.length), "aria-valuenow": "0", "aria-valuetext": "no event chosen",
    };
    for (const [name, value] of Object.entries(about)) canvas.setAttribute(name, value);
    const failures = item.querySelector(".failures");
    item.insertBefore(place, failures);
    item.insertBefore(under, failures);
    if (session.events.length) item.append(list(made));
    canvas.addEventListener("click", (event) => {
      choose(made, nearest(made, event.offsetX));
      close(made);
    });
    canvas.addEventListener("keydown", (event) => keys(made, event));
    draw(made);
    return made;
  }

  function keys(made, event) {
    const count = made.session.events.length;
    const act = {
      ArrowRight: () => choose(made, Math.min(made.chosen + 1, count - 1)),
      ArrowLeft: () => choose(made, Math.max(made.chosen - 1, 0)),
      Home: () => choose(made, 0),
      End: () => choose(made, count - 1),
      Enter: () => close(made),
      Escape: () => whole(made),
      " ": () => made.session.sound && toggle(made),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    const chosen = made.session.events[made.chosen];
    if (event.key.startsWith("Arrow") && chosen && (chosen.from < made.from || chosen.to > made.to)) close(made);
  }

  function list(made) {
    const details = document.createElement("details"), summary = document.createElement("summary");
    const count = made.session.events.length;
    summary.textContent = count === 1 ? "1 event" : `All ${count} events`;
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (details.querySelector("ol")) return;
      const all = document.createElement("ol");
      all.className = "all";
      made.session.events.forEach((event, i) => all.append(line(made, event, i)));
      details.append(all);
    });
    return details;
  }

  function line(made, event, index) {
    const item = document.createElement("li"), text = document.createElement("p");
    const what = document.createElement("b"), chip = document.createElement("span"), more = document.createElement("small");
    const go = button(clock(event.from), () => { choose(made, index); close(made); });
    go.className = "when";
    what.textContent = event.what;
    chip.className = "chip " + event.mark;
    chip.textContent = event.mark === "uncounted" ? "not counted" : event.mark;
    more.textContent = [`should ${event.expect}`, event.varied].filter(Boolean).join(" · ");
    text.append(what, " ", chip, " ", event.told, more);
    item.append(go, text);
    return item;
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !pictures.has(target)) grow(target);
    }
  }, { rootMargin: "600px 0px" });

  // ---- sound ----------------------------------------------------------------------------------

  const player = new Audio();
  let playing = null;
  player.preload = "none";

  function beat() {
    if (!playing) return;
    playing.head = player.currentTime;
    if (playing.head > playing.to && playing.to < playing.session.duration) whole(playing);
    draw(playing);
    if (!player.paused) requestAnimationFrame(beat);
  }

  function toggle(made) {
    if (playing === made && !player.paused) { player.pause(); return; }
    if (playing && playing !== made) stop();
    if (playing !== made) {
      playing = made;
      player.src = made.session.sound;
    }
    const event = made.session.events[made.chosen];
    if (event) player.currentTime = Math.max(0, event.from - 2);
    player.play().catch(() => {
      made.output.textContent = "The recording is not beside this page, or cannot be played.";
    });
  }

  function stop() {
    player.pause();
    playing.play.textContent = "Play";
    playing.head = null;
    draw(playing);
  }

  for (const kind of ["play", "pause", "ended"]) {
    player.addEventListener(kind, () => {
      if (!playing) return;
      playing.play.textContent = player.paused ? "Play" : "Pause";
      beat();
    });
  }

  // ---- the worst moments ----------------------------------------------------------------------

  for (const item of document.querySelectorAll(".moment")) {
    const made = picture(item, Number(item.dataset.from), Number(item.dataset.to));
    const sound = item.querySelector("audio");
    made.chosen = Number(item.dataset.event);
    made.canvas.setAttribute("aria-hidden", "true");
    item.insertBefore(made.place, sound);
    const move = () => {
      made.head = made.from + sound.currentTime;
      draw(made);
      if (!sound.paused) requestAnimationFrame(move);
    };
    sound.addEventListener("play", move);
    sound.addEventListener("seeked", move);
  }

  // ---- filters --------------------------------------------------------------------------------

  const items = [...document.querySelectorAll(".session")];

  function filter() {
    const state = document.querySelector("[name=state]:checked").value;
    const scenario = byId("scenario").value, fault = byId("fault").value;
    const among = new Set(items.filter(({ dataset }) => (
      (!state || dataset.state === state) && (!scenario || dataset.scenario === scenario) && (!fault || dataset.faults.split("|").includes(fault))
    )));
    for (const item of items) item.hidden = !among.has(item);
    byId("count").textContent = `${among.size} of ${items.length}`;
  }

  for (const id of ["states", "scenario", "fault"]) byId(id).addEventListener("change", filter);
  for (const pick of document.querySelectorAll(".pick")) {
    pick.addEventListener("click", () => {
      byId("scenario").value = pick.dataset.scenario;
      byId("fault").value = "";
      document.querySelector("[name=state][value='']").checked = true;
      filter();
      byId("sessions").scrollIntoView();
      byId("scenario").focus({ preventScroll: true });
    });
  }
  for (const item of items) {
    for (const go of item.querySelectorAll("[data-event]")) {
      go.addEventListener("click", () => {
        const made = pictures.get(item) || grow(item);
        choose(made, Number(go.dataset.event));
        close(made);
      });
    }
  }

  // ---- start ----------------------------------------------------------------------------------

  readColours();
  for (const made of pictures.values()) draw(made);
  for (const item of items) seen.observe(item);
  filter();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    for (const made of pictures.values()) draw(made);
  });
})();
