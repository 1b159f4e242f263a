// Loads the page again when `ropewalk dev` says so. It runs in pages of the development server only.
(() => {
  "use strict";
  // Some libraries replace the content of a page by that of another one, with this script in it.
  const running = Symbol.for("ropewalk.refresh");
  if (window[running]) return;
  window[running] = true;

  const script = document.currentScript;
  const worker = new URL(script.src).searchParams.get("worker");
  let events = null;

  const replaceStyles = () => {
    for (const link of document.querySelectorAll('link[rel~="stylesheet"][href]')) {
      const url = new URL(link.href);
      if (url.origin !== location.origin) continue;
      url.searchParams.set("_ropewalk", Date.now().toString());
      const next = link.cloneNode();
      next.href = url.href;
      next.addEventListener("load", () => link.remove());
      link.after(next);
    }
  };

  const connect = () => {
    if (events || document.hidden) return;
    events = new EventSource("/_ropewalk/events");
    events.addEventListener("worker", (event) => {
      if (event.data !== worker) location.reload();
    });
    events.addEventListener("page", () => location.reload());
    events.addEventListener("styles", replaceStyles);
    events.addEventListener("error", () => {
      if (events && events.readyState === EventSource.CLOSED) {
        events = null;
        setTimeout(connect, 500);
      }
    });
  };

  // Hidden pages hold no connection, because browsers limit the connections to one host.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      connect();
    } else if (events) {
      events.close();
      events = null;
    }
  });
  addEventListener("pagehide", () => {
    if (events) events.close();
    events = null;
  });
  addEventListener("pageshow", connect);
  connect();
})();
