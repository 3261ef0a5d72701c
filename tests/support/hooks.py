"""Authorization webhooks on loopback HTTPS, for a real API server to ask."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import threading

from support.controlplane_pki import Authority


class Hooks:
    """Webhooks on loopback, one a path: `said(name, spec)` gives `allowed`, `denied`, `reason` or `error`; `seen` is kept."""

    def __init__(self, folder, said):
        authority = Authority(folder, "hooks-ca")
        certificate = authority.server("hooks")
        self.seen = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.split("?")[0].strip("/")
                outer.seen.append((name, body["spec"]))
                answer = said(name, body["spec"])
                status = {"allowed": answer.allowed, "denied": answer.denied, "reason": answer.reason}
                data = json.dumps(
                    {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "status": status}
                ).encode()
                self.send_response(418 if answer.error else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.ca = base64.b64encode(authority.path.read_bytes()).decode()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kubeconfig(self, name):
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "c",
                        "cluster": {"server": f"{self.url}/{name}", "certificate-authority-data": self.ca},
                    }
                ],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
                "users": [{"name": "c", "user": {}}],
                "current-context": "c",
            }
        )

    def close(self):
        self.server.shutdown()
        self.server.server_close()
