// What the caller chose, kept on this device where the browser lets a page keep anything.

const NAME = "parley";
const DEFAULTS = { volume: 1, audioinput: "", audiooutput: "", isHeadset: false };

export class Settings {
  constructor() {
    this.values = { ...DEFAULTS, ...kept() };
  }

  set(name, value) {
    this.values[name] = value;
    try {
      localStorage.setItem(NAME, JSON.stringify(this.values));
    } catch {
      // a page that may keep nothing asks again next time
    }
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? {};
  } catch {
    return {};
  }
}
