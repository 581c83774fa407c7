// The captions on the page, with the time each answer took.

const NAMES = { agent: "Agent", caller: "You" };

export class Script {
  constructor(section, live) {
    this.list = section.querySelector(".lines");
    this.empty = section.querySelector(".empty");
    this.live = live;
    this.items = new Map();
  }

  clear() {
    this.items.clear();
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  /** Show a line as it is by now; read it out once it is final. */
  show(line) {
    if (!line.text && !line.unheard && !this.items.has(line.id)) return;
    this.empty.hidden = true;
    const item = this.items.get(line.id) ?? this.begin(line);
    item.classList.toggle("interim", !line.final);
    item.hidden = !line.text && !line.unheard;
    const words = item.querySelector(".words");
    words.replaceChildren(line.text);
    if (line.unheard) words.append(line.text ? " " : "", unheard(line.unheard));
    if (line.final && line.text) this.live.textContent = `${NAMES[line.who]}: ${line.text}`;
    this.follow();
  }

  /** The time an answer took, beside the reply; its parts on tap. */
  answer({ line, total_s, parts }) {
    const item = this.items.get(line);
    if (!item || item.querySelector(".took")) return;
    const button = element("button", "took", `${total_s.toFixed(2)} s`);
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `Answered after ${total_s.toFixed(2)} seconds; show where the time went`);
    const detail = waterfall(parts, total_s);
    button.onclick = () => {
      detail.hidden = !detail.hidden;
      button.setAttribute("aria-expanded", String(!detail.hidden));
      if (!detail.hidden) detail.scrollIntoView({ block: "nearest" });
    };
    item.querySelector(".who").append(button);
    item.append(detail);
    this.follow();
  }

  begin(line) {
    const item = element("li", line.who);
    const who = element("p", "who");
    who.append(element("span", "", line.typed ? "You wrote" : NAMES[line.who]));
    item.append(who, element("p", "words"));
    this.items.set(line.id, item);
    this.list.append(item);
    return item;
  }

  follow() {
    const { list } = this;
    list.scrollTop = list.scrollHeight;
  }
}

function unheard(words) {
  const gone = element("del", "", words);
  gone.title = "Not heard: the reply was interrupted";
  const note = element("span", "hidden", " (these words were not heard)");
  gone.append(note);
  return gone;
}

/** Bars one below the other, each beginning where the one before it ends. */
function waterfall(parts, total_s) {
  const list = element("ol", "waterfall");
  list.hidden = true;
  let from_s = 0;
  for (const { name, words, length_s } of parts) {
    const row = element("li", name);
    const bar = element("i", "bar");
    bar.style.setProperty("--from", `${(Math.max(0, Math.min(from_s, from_s + length_s)) / total_s) * 100}%`);
    bar.style.setProperty("--long", `${(Math.abs(length_s) / total_s) * 100}%`);
    row.append(element("span", "part", words), element("span", "length", `${Math.round(length_s * 1000)} ms`), bar);
    list.append(row);
    from_s += length_s;
  }
  return list;
}

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(text);
  return made;
}
