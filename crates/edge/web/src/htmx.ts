// The extensions look for htmx on the window.
import htmx from "htmx.org/dist/htmx.esm.js";

(window as unknown as { htmx: unknown }).htmx = htmx;
