"""A platform as a child process on free ports."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

DOMAIN = "hongyan.local"
PASSWORD = "correct-horse"
# Only ever waited out by a check that fails; generous, for machines that do other things.
PATIENCE_S = 60.0


def wait_for(what, look, seconds=PATIENCE_S):
    """The first true value of `look()`; fails with `what` when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise TimeoutError(f"not within {seconds} s: {what}")


def port_of(address):
    """The port of HOST:PORT; `None` of nothing."""
    return int(address.rsplit(":", 1)[1]) if address else None


class Platform:
    """Runs while the `with` block does."""

    def __init__(self, program, data, settings=None):
        """`settings` are keys of the configuration by their environment names: {"SIP__TLS": "127.0.0.1:0"}."""
        self.program = program
        self.data = data
        self.environment = {**os.environ, **{f"HONGYAN_{name}": value for name, value in (settings or {}).items()}}

    def __enter__(self):
        self.data.mkdir(parents=True)
        ready = self.data / "ready.json"
        with open(self.data / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--domain", DOMAIN]
                + ["--data", self.data, "--ready-file", ready],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        bound = wait_for("the platform listens", lambda: self._read(ready))
        self.http = bound["http"]
        self.http_port = port_of(bound["http"])
        self.udp_port, self.tcp_port, self.msrp_port = (port_of(bound[name]) for name in ("sip_udp", "sip_tcp", "msrp"))
        # Off unless a suite's settings say otherwise.
        self.sip_tls_port, self.msrp_tls_port = (port_of(bound.get(name)) for name in ("sip_tls", "msrp_tls"))
        self.token = (self.data / "admin-token").read_text().strip()
        self.numbers = iter(f"+861380000{n:04}" for n in range(1, 10000))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def subscriber(self):
        """Adds a subscriber; its number."""
        number = next(self.numbers)
        status, body = self.admin("POST", "/subscribers", {"number": number, "password": PASSWORD})
        assert status in (200, 201), f"adding {number}: {status} {body}"
        return number

    def admin(self, method, path, body=None):
        """A call of the admin API: status and JSON."""
        request = urllib.request.Request(
            f"http://{self.http}/admin/v1{urllib.parse.quote(path)}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def waiting(self, number):
        """How many entries wait in a subscriber's mailbox."""
        status, body = self.admin("GET", f"/mailboxes/{number}")
        assert status == 200, f"mailbox: {status} {body}"
        return body["count"]

    def _read(self, ready):
        if self.process.poll() is not None:
            raise RuntimeError(f"the platform ended: {(self.data / 'log').read_text()[-2000:]}")
        try:
            return json.loads(ready.read_text())
        except (OSError, ValueError):
            return None
