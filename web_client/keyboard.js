// Keys of the keyboard, where they are not being typed into something. Pure but for the listener.

const TOOLS = { m: "mute", t: "type", k: "keys", s: "settings", d: "keep", q: "quality" };

/** What a key asks for, or "". */
export function meaning(key, isTalking) {
  if (key === " ") return isTalking ? "mute" : "talk";
  if (key === "Escape") return "escape";
  if (isTalking && /^[0-9*#]$/.test(key)) return `digit ${key}`;
  return TOOLS[key.toLowerCase()] ?? "";
}

/** Listen on a target until the function that is returned is called. */
export function listen(target, isTalking, act) {
  const pressed = (event) => {
    const [at] = event.composedPath();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (isTyping(at) && event.key !== "Escape") return;
    if (event.key === " " && at instanceof HTMLElement && at.matches("button, a, input")) return;
    const what = meaning(event.key, isTalking());
    if (what && act(what)) event.preventDefault();
  };
  target.addEventListener("keydown", pressed);
  return () => target.removeEventListener("keydown", pressed);
}

function isTyping(element) {
  return element instanceof HTMLElement && element.matches("input:not([type=range], [type=checkbox]), select, textarea");
}
