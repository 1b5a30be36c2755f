import "./htmx";
import "htmx.org/dist/ext/hx-sse.js";
import "./segments";
import "./upload";
import "./keys";
import "./exit";
import "./passkey";
