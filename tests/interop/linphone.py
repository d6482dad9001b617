"""liblinphone (Debian: linphone-cli): registers with SHA-256, sends and receives messages with reports."""

import re
import shutil
import subprocess

import raw
from platform_under_test import DOMAIN, PASSWORD, PATIENCE_S, wait_for


def configuration(platform, number):
    """A linphonerc for a subscriber who registers over TCP and sends files by the platform's content server."""
    server = f"sip:127.0.0.1:{platform.tcp_port};transport=tcp"
    return (
        "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\ndefault_proxy=0\nguess_hostname=0\ncontact=sip:linphone@127.0.0.1\n"
        f"[proxy_0]\nreg_proxy=<{server}>\nreg_route=<{server}>\nreg_identity=sip:{number}@{DOMAIN}\n"
        "reg_expires=600\nreg_sendregister=1\npublish=0\ncpim_in_basic_chat_rooms_enabled=1\n"
        f"[auth_info_0]\nusername={number}\npasswd={PASSWORD}\nrealm={DOMAIN}\n"
        "[net]\nmtu=0\nfirewall_policy=0\n"
        f"[misc]\nversion_check_url_root=\nfile_transfer_server_url=http://{platform.http}/content/\n"
    )


class Linphone:
    """linphonec, told what to do on its standard input, and watched through its log, where all its SIP is."""

    def __init__(self, platform, number, directory):
        self.directory = directory / number.strip("+")
        # Where it keeps its database; it does not make the way there itself.
        (self.directory / ".local" / "share" / "linphone").mkdir(parents=True)
        (self.directory / "linphonerc").write_text(configuration(platform, number))
        self.log = self.directory / "linphonec.log"
        self.process = subprocess.Popen(
            ["linphonec", "-c", self.directory / "linphonerc", "-d", "6", "-l", self.log],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"HOME": str(self.directory), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def says(self, pattern, seconds=PATIENCE_S):
        """Waits until its log has this."""
        return wait_for(f"linphonec logs {pattern!r}", lambda: re.search(pattern, self._logged()), seconds)

    def stop(self):
        try:
            self.command("quit")
            self.process.wait(10)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()

    def _logged(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def run(platform, checks, directory):
    if shutil.which("linphonec") is None:
        checks.that("linphonec is installed (Debian: linphone-cli)", False)
        return
    number, friend = platform.subscriber(), platform.subscriber()
    phone = Linphone(platform, number, directory)
    try:
        bound = lambda: platform.admin("GET", f"/subscribers/{number}")[1]["devices"]  # noqa: E731
        checks.story("liblinphone registers", lambda: wait_for("a device is bound", bound))
        checks.story("with SHA-256", lambda: phone.says(r"(?s)\nAuthorization: *Digest [^\n]*algorithm=SHA-256"))
        other = raw.Client(platform, friend, "TCP")
        raw.expect(other.register(), 200)

        def send():
            phone.command(f"chat sip:{friend}@{DOMAIN} are you there?")
            assert "are you there?" in other.message()

        def receive():
            headers = ["Content-Type: text/plain;charset=UTF-8"]
            uri = raw.uri(number)
            raw.expect(other.ask("MESSAGE", uri, headers=headers, body="yes, on the train")[0], 200)
            phone.says("yes, on the train")

        def report():
            cpim = [
                # liblinphone takes a CPIM message only if this is the very URI of the SIP From.
                f"From: <{raw.uri(friend)};user=phone>",
                f"To: <{raw.uri(number)}>",
                "NS: imdn <urn:ietf:params:imdn>",
                "imdn.Message-ID: to-liblinphone-1",
                "DateTime: 2026-11-23T08:00:00Z",
                "imdn.Disposition-Notification: positive-delivery, display",
                "",
                "Content-Type: text/plain;charset=UTF-8",
                "",
                "in an envelope",
            ]
            uri, body = raw.uri(number), "\r\n".join(cpim)
            raw.expect(other.ask("MESSAGE", uri, headers=["Content-Type: message/cpim"], body=body)[0], 200)
            told = other.message()
            assert "<message-id>to-liblinphone-1</message-id>" in told and "<delivered/>" in told, told

        checks.story("it sends a message", send)
        checks.story("it receives a message", receive)
        checks.story("it reports a CPIM message delivered", report)
    finally:
        phone.stop()
