"""tshark as a judge: everything that crossed loopback must be SIP, SDP and MSRP that it can read, and small enough for UDP.

Needs tshark, with its dumpcap, and the right to capture; without, the judge says so and counts nothing.
"""

import os
import shutil
import signal
import socket
import subprocess
import uuid
from contextlib import suppress

from platform_under_test import wait_for

REQUEST_BYTES_MAX = 1300
# tshark's number for the severity "error".
ERROR = str(0x0080_0000)
# What the kernel holds while dumpcap waits for its turn.
BUFFER_MIB = 64
# Where the end of a capture is looked for.
TAIL_BYTES = 1 << 18
# One reading of all that crossed, 40 MiB of files among it, on a machine that does other things.
READ_MAX_S = 300


class Capture:
    """Captures while the `with` block runs."""

    def __init__(self, platform, path):
        self.platform = platform
        self.path = path
        self.process = None

    def __enter__(self):
        if shutil.which("tshark") is None or shutil.which("dumpcap") is None:
            return self
        ports = " or ".join(f"port {port}" for port in [self.platform.udp_port, *self._streams()])
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-B", str(BUFFER_MIB), "-i", "lo", "-f", ports, "-w", self.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        # It says so once it captures; if it may not, it ends.
        for line in self.process.stderr:
            if "Capturing on" in line:
                wait_for("dumpcap writes", lambda: self.path.exists() or self.process.poll() is not None)
                break
        else:
            self.process.wait()
        if self.process.poll() is not None:
            self.process = None
        return self

    def __exit__(self, *_):
        if not self.process:
            return
        # The capture is behind; once it has this datagram it has all before it. Sent again, since a capture may lose some.
        marker = b"the end of " + uuid.uuid4().hex.encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.connect(("127.0.0.1", self.platform.udp_port))
            wait_for("dumpcap has written everything", lambda: self._has(marker, last))
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            # What was captured is in the file, whether it ends well or not.
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def _has(self, marker, last):
        with suppress(ConnectionError):
            # The platform may be gone: what matters is that it crosses loopback.
            last.send(marker)
        with open(self.path, "rb") as captured:
            captured.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
            return marker in captured.read()

    def judge(self, checks):
        """Reads the capture back."""
        if not self.process:
            print("  (no capture: tshark is not here, or may not capture)")
            return
        frames = self._frames()
        sip = [frame for frame in frames if "sip" in frame["protocols"]]
        for protocol in ("sip", "sdp", "msrp"):
            seen = [frame for frame in frames if protocol in frame["protocols"]]
            bad = [frame["number"] for frame in seen if frame["malformed"] or ERROR in frame["severities"]]
            if seen or protocol == "sip":
                checks.that(f"tshark reads all {len(seen)} frames of ours with {protocol.upper()}", bool(seen) and not bad, bad[:5])
        large = [frame["number"] for frame in sip if frame["request"] and frame["udp_bytes"] > REQUEST_BYTES_MAX]
        checks.that("no request of ours over UDP is larger than 1300 bytes", not large, large[:5])

    def _streams(self):
        platform = self.platform
        ports = (platform.tcp_port, platform.http_port, platform.msrp_port, platform.sip_tls_port, platform.msrp_tls_port)
        return [port for port in ports if port]

    def _frames(self):
        """What we sent in SIP, SDP and MSRP, frame by frame."""
        ours = " or ".join([f"udp.srcport == {self.platform.udp_port}", *(f"tcp.srcport == {port}" for port in self._streams())])
        decode = [f"udp.port=={self.platform.udp_port},sip", f"tcp.port=={self.platform.tcp_port},sip"]
        decode.append(f"tcp.port=={self.platform.msrp_port},msrp")
        if self.platform.sip_tls_port:
            # tshark reads SIP in TLS, but no MSRP.
            decode += [f"tcp.port=={self.platform.sip_tls_port},tls", f"tls.port=={self.platform.sip_tls_port},sip"]
        fields = ["frame.number", "frame.protocols", "_ws.malformed", "_ws.expert.severity", "sip.Request-Line", "udp.length"]
        # What crosses in TLS is read with the keys of the clients.
        command = ["tshark", "-r", self.path, "-o", f"tls.keylog_file:{os.environ['SSLKEYLOGFILE']}"]
        command += [word for one in decode for word in ("-d", one)] + ["-Y", f"(sip or sdp or msrp) and ({ours})", "-T", "fields"]
        command += [word for field in fields for word in ("-e", field)]
        read = subprocess.run(command, capture_output=True, text=True, timeout=READ_MAX_S, check=False)
        if read.returncode != 0:
            raise RuntimeError(f"tshark: {read.stderr[-500:]}")
        return [frame_of(line) for line in read.stdout.splitlines()]


def frame_of(line):
    """One line of tshark: fields between tabs, empty ones empty."""
    number, protocols, malformed, severities, request, udp_bytes = line.split("\t")
    return {
        "number": number,
        "protocols": protocols.split(":"),
        "malformed": malformed,
        "severities": severities.split(","),
        "request": request,
        # With the eight bytes of the UDP header.
        "udp_bytes": int(udp_bytes) - 8 if udp_bytes else 0,
    }
