"""A client's system that is none of ours: Python's own HTTPS server. It writes down what comes in `came.jsonl`, and answers each path as the
file of that name in `answers` says; 204 where there is none."""

import json
import pathlib
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder = pathlib.Path(sys.argv[1])
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        path = self.path.split("?")[0]
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        came = {"method": self.command, "path": path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body": body}
        with lock, open(folder / "came.jsonl", "a") as log:
            log.write(json.dumps(came) + "\n")
        try:
            said = json.loads((folder / "answers" / path.strip("/")).read_text())
        except OSError:
            said = {"status": 204}
        time.sleep(said.get("after_seconds", 0))
        text = said.get("body", "").encode()
        self.send_response(said["status"])
        for name, value in said.get("headers", {}).items():
            self.send_header(name, value)
        if said["status"] != 204:
            self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_port, flush=True)
server.serve_forever()
