// <parley-call server="https://…" token="…"></parley-call>: the client on any page, in one element.
// Without `server`, the one this file comes from. Also: transport="websocket".

const HOME = new URL(".", import.meta.url);

class ParleyCall extends HTMLElement {
  place = 0; // it was put into a page or taken out of it so many times: what is loaded may come late

  async connectedCallback() {
    this.place += 1;
    const mine = this.place;
    const server = this.server;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("style.css", server) });
    root.replaceChildren(style);
    const { mount } = await import(new URL("app.js", server));
    if (mine !== this.place) return; // moved on meanwhile
    this.unmount = mount(root, {
      server,
      token: this.getAttribute("token") ?? "",
      transport: this.getAttribute("transport") ?? "webrtc",
      keys: this, // a page's own keys stay its own
      isCompact: true,
    });
  }

  disconnectedCallback() {
    this.place += 1;
    this.unmount?.();
    this.unmount = undefined;
  }

  get server() {
    const url = new URL(this.getAttribute("server") || HOME, location.href);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  }
}

customElements.define("parley-call", ParleyCall);
