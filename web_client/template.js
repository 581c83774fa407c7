// The page's pieces, as markup. All words a person reads at rest are here.

const ICONS = {
  call: '<path d="M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3Z"/><path d="M5 11a7 7 0 0 0 14 0M12 18v3"/>',
  mute: '<path d="M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3Z"/><path d="M5 11a7 7 0 0 0 14 0M12 18v3"/><path class="slash" d="M4 4l16 16"/>',
  end: '<path d="M2.5 14.5c5-5.3 14-5.3 19 0l-2.8 2.7-3.7-1.7v-2.6a11 11 0 0 0-6 0v2.6l-3.7 1.7Z"/>',
  type: '<path d="M4 6h16v12H4Z"/><path d="M8 10h.01M12 10h.01M16 10h.01M8 14h8"/>',
  keys: '<path d="M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01" stroke-width="3"/>',
  keep: '<path d="M12 4v11m-4-4 4 4 4-4M5 20h14"/>',
  settings: '<path d="M4 7h9m4 0h3M4 17h3m4 0h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
  send: '<path d="M5 12h13m-5-6 6 6-6 6"/>',
};

function icon(name) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${ICONS[name]}</svg>`;
}

function tool(name, label, key, extra = "") {
  return `<button type="button" class="tool" data-tool="${name}" aria-keyshortcuts="${key}" title="${label} (${key})" ${extra}>
    ${icon(name)}<span>${label}</span></button>`;
}

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const SPOKEN = { "*": "star", "#": "hash" };

export const TEMPLATE = `
<div class="parley" data-state="idle">
  <header>
    <h1 class="name">parley</h1>
    <button type="button" class="connection" data-tool="quality" aria-expanded="false" aria-keyshortcuts="Q">
      <span class="bars" aria-hidden="true"><i></i><i></i><i></i></span><span class="line">Not connected</span>
    </button>
  </header>
  <section class="stage" aria-label="The call">
    <div class="frame">
      <canvas class="picture" role="img" aria-label="Both voices over the last seconds"></canvas>
      <p class="side agent" aria-hidden="true">Agent</p>
      <p class="side caller" aria-hidden="true">You</p>
      <p class="unwritten" hidden>Not written down</p>
      <p class="floor"><span class="dot"></span><span class="words"></span></p>
    </div>
    <div class="welcome">
      <button type="button" class="talk" aria-keyshortcuts="Space">${icon("call")}<span class="label">Talk</span></button>
      <p class="hint">Press once, then just talk. You may interrupt.</p>
      <p class="hint keyboard"><kbd>Space</kbd> talk or mute <kbd>T</kbd> type <kbd>Esc</kbd> hang up</p>
      <div class="problem" role="alert" hidden><strong></strong><p class="advice"></p><p class="detail"></p>
        <button type="button" class="plain" data-do="type">Type instead</button></div>
    </div>
  </section>
  <section class="script" aria-label="Captions">
    <ol class="lines" role="log" aria-live="off" aria-label="What was said" tabindex="0"></ol>
    <p class="empty">What you both say will be written here.</p>
  </section>
  <div class="drawers">
    <section class="drawer" data-drawer="quality" aria-label="Connection" hidden><h2>Connection</h2><dl class="facts"></dl></section>
    <section class="drawer" data-drawer="keys" aria-label="Keypad" hidden><h2>Keypad</h2><div class="pad">
      ${KEYS.map((key) => `<button type="button" data-digit="${key}" aria-label="${SPOKEN[key] ?? key}">${key}</button>`).join("")}</div></section>
    <section class="drawer" data-drawer="keep" aria-label="Download this call" hidden><h2>Download this call</h2>
      <p>Everything stays on this device until you save it.</p><div class="files">
      <button type="button" data-keep="wav">Sound <small>WAV, you left, agent right</small></button>
      <button type="button" data-keep="vtt">Captions <small>WebVTT</small></button>
      <button type="button" data-keep="jsonl">Trace <small>JSONL, all messages</small></button></div></section>
    <section class="drawer" data-drawer="settings" aria-label="Sound" hidden><h2>Sound</h2>
      <label>Microphone <select data-device="audioinput"></select></label>
      <label>Level <meter class="meter" min="0" max="1" value="0" aria-label="Level of your microphone"></meter></label>
      <label class="speaker">Speaker <select data-device="audiooutput"></select></label>
      <label class="check"><input type="checkbox" class="headset"> <span>I wear a headset <small>no echo to cancel: interrupting is easier</small></span></label>
      <label>Volume <input type="range" class="volume" min="0" max="100" value="100"></label></section>
  </div>
  <form class="typing" hidden><label class="hidden" for="parley-words">Write to the agent</label>
    <input id="parley-words" maxlength="1000" autocomplete="off" placeholder="Write instead of speaking" enterkeyhint="send">
    <button type="submit" aria-label="Send">${icon("send")}</button></form>
  <footer role="toolbar" aria-label="During the call">
    ${tool("mute", "Mute", "M", 'aria-pressed="false"')}
    ${tool("type", "Type", "T", 'aria-expanded="false"')}
    ${tool("end", "Hang up", "Escape")}
    ${tool("keys", "Keys", "K", 'aria-expanded="false"')}
    ${tool("settings", "Sound", "S", 'aria-expanded="false"')}
    ${tool("keep", "Save", "D", 'aria-expanded="false"')}
  </footer>
  <p class="hidden live" aria-live="polite"></p>
  <p class="hidden status" role="status"></p>
</div>`;
