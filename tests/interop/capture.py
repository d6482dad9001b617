"""tshark as a judge: everything that crossed loopback must be SIP, SDP and MSRP that it can read, and small enough for UDP.

Needs tshark and the right to capture; without, the judge says so and counts nothing.
"""

import shutil
import signal
import socket
import subprocess
import uuid

from platform_under_test import wait_for

REQUEST_BYTES_MAX = 1300


class Capture:
    """Captures while the `with` block runs."""

    def __init__(self, platform, path):
        self.platform = platform
        self.path = path
        self.process = None

    def __enter__(self):
        if shutil.which("tshark") is None:
            return self
        ports = f"port {self.platform.udp_port} or port {self.platform.tcp_port}"
        ports += f" or port {self.platform.http.rsplit(':', 1)[1]} or port {self.platform.msrp_port}"
        self.process = subprocess.Popen(
            ["tshark", "-q", "-i", "lo", "-f", ports, "-w", self.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        # It says so once it captures; if it may not, it ends.
        for line in self.process.stderr:
            if "Capture started" in line or "Capturing on" in line:
                wait_for("tshark writes", lambda: self.path.exists() or self.process.poll() is not None)
                break
        if self.process.poll() is not None:
            self.process = None
        return self

    def __exit__(self, *_):
        if not self.process:
            return
        # The capture is behind; once it has this datagram it has all before it.
        marker = b"the end of " + uuid.uuid4().hex.encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(marker, ("127.0.0.1", self.platform.udp_port))
        wait_for("tshark has written everything", lambda: marker in self.path.read_bytes())
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.process.stderr.close()

    def judge(self, checks):
        """Reads the capture back."""
        if not self.process:
            print("  (no capture: tshark is not here, or may not capture)")
            return
        ours = f"(udp.srcport == {self.platform.udp_port} or tcp.srcport == {self.platform.tcp_port}"
        ours += f" or tcp.srcport == {self.platform.http.rsplit(':', 1)[1]})"
        sip = self._read(f"sip and {ours}", "frame.number")
        malformed = self._read(f"(_ws.malformed or _ws.expert.severity == error) and sip and {ours}", "frame.number") if sip else []
        checks.that(f"tshark reads all {len(sip)} SIP messages of ours", bool(sip) and not malformed, malformed[:5])
        for protocol in ("sdp", "msrp"):
            ours_of = f"{protocol} and ({ours} or tcp.srcport == {self.platform.msrp_port})"
            seen = self._read(ours_of, "frame.number")
            bad = self._read(f"(_ws.malformed or _ws.expert.severity == error) and {ours_of}", "frame.number")
            if seen:
                checks.that(f"tshark reads all {len(seen)} frames of ours with {protocol.upper()}", not bad, bad[:5])
        lengths = self._read(f"sip.Request-Line and udp.srcport == {self.platform.udp_port}", "udp.length")
        large = [length for length in lengths if int(length) - 8 > REQUEST_BYTES_MAX]
        checks.that("no request of ours over UDP is larger than 1300 bytes", not large, large[:5])

    def _read(self, display_filter, field):
        decode = ["-d", f"udp.port=={self.platform.udp_port},sip", "-d", f"tcp.port=={self.platform.tcp_port},sip"]
        decode += ["-d", f"tcp.port=={self.platform.msrp_port},msrp"]
        command = ["tshark", "-r", self.path, *decode, "-Y", display_filter, "-T", "fields", "-e", field]
        read = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if read.returncode != 0:
            raise RuntimeError(f"tshark: {read.stderr[-500:]}")
        return read.stdout.split()
