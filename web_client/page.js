// The page itself: the client in full size, with what the page's address asks for.

import { mount } from "./app.js";

const asked = new URLSearchParams(location.search);

mount(document.querySelector("main"), {
  server: new URL(".", import.meta.url),
  token: asked.get("token") ?? "",
  transport: asked.get("transport") === "websocket" ? "websocket" : "webrtc",
});
