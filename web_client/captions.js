// What both sides said, as far as it is known, in order. Pure.

const KEPT = 500; // lines; the oldest go first

/** Lines of {who, id, text, unheard, final, from_s, to_s}: `unheard` are the words of a reply that
 * its interruption kept from the caller. */
export class Captions {
  constructor() {
    this.lines = [];
    this.conversation = 0;
  }

  /** From here on segments and replies are numbered anew: the server began another conversation. */
  renew() {
    this.conversation += 1;
  }

  /** The name of the line of a segment or a reply. */
  id(who, number) {
    return `${who}-${this.conversation}-${number}`;
  }

  /** A caption note at a time of the call, of what began `from_s`; returns the line that changed. */
  note(data, at_s, from_s = at_s) {
    const id = this.id(data.who, data.segment ?? data.reply);
    const line = this.lines.findLast((one) => one.id === id) ?? this.begin(data.who, id, from_s);
    const known = data.whole ?? longer(line.text, data.text);
    line.text = data.text;
    line.unheard = data.cut ? rest(known, data.text) : "";
    line.final = Boolean(data.final);
    line.to_s = at_s;
    return line;
  }

  /** What the caller wrote instead of saying it. */
  typed(text, at_s) {
    const line = this.begin("caller", `typed-${this.lines.length}-${at_s}`, at_s);
    return Object.assign(line, { text, final: true, typed: true });
  }

  /** Nothing more will come for any line. */
  end(at_s) {
    for (const line of this.lines.filter(({ final }) => !final)) Object.assign(line, { final: true, to_s: at_s });
  }

  begin(who, id, at_s) {
    const line = { who, id, text: "", unheard: "", final: false, from_s: at_s, to_s: at_s };
    this.lines.push(line);
    if (this.lines.length > KEPT) this.lines.shift();
    return line;
  }
}

function longer(one, other) {
  return one.length > other.length ? one : other;
}

/** What follows the heard words in the whole text; nothing where they do not agree. */
function rest(whole, heard) {
  const [all, some] = [words(whole), words(heard)];
  return some.every((word, n) => word === all[n]) ? all.slice(some.length).join(" ") : "";
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}
