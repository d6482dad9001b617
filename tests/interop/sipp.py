"""SIPp: registration, relay, storing and its delivery. The scenarios are in sipp/.

SIPp 3.6 reads only the first of several challenges, which is SHA-256, and then knows MD5 only. So it is handed credentials
that answer another, equally good challenge.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import raw
from platform_under_test import DOMAIN, PASSWORD, wait_for

HERE = Path(__file__).parent / "sipp"
# Scenarios that wait to be asked something.
WAITING = ("receive", "callee-answers", "callee-refuses", "callee-cancelled")
SESSION = ';+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session"'
TIMEOUT_S = 60


class Sipp:
    """One SIPp process playing one scenario once."""

    def __init__(self, platform, directory, scenario, number, port, transport="udp", **values):
        self.port, self.transport = port, transport
        password = values.pop("PASSWORD", PASSWORD)
        given = {"DOMAIN": DOMAIN, "FEATURES": "", "CREDENTIALS": credentials(platform, scenario, number, password, values)}
        values = {**given, **values}
        text = (HERE / f"{scenario}.xml").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        count = len(list(directory.glob("*.xml")))
        self.path = directory / f"{count:02}-{scenario}.xml"
        self.path.write_text(text)
        self.command = ["sipp", "-sf", self.path, "-m", "1", "-nostdin", "-i", "127.0.0.1", "-p", str(port)]
        self.command += ["-t", "u1" if transport == "udp" else "t1", "-timeout", str(TIMEOUT_S), "-timeout_error"]
        self.command += ["-max_retrans", "7", "-trace_err", "-trace_msg", "-s", number]
        server = platform.udp_port if transport == "udp" else platform.tcp_port
        self.command += [] if scenario in WAITING else [f"127.0.0.1:{server}"]
        self.directory = directory
        with open(self.path.with_suffix(".out"), "wb") as out:
            self.process = subprocess.Popen(
                self.command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
            )

    def listening(self):
        """Waits until it has bound its UDP port."""
        wait_for(f"SIPp listens on {self.port}", lambda: is_bound(self.port) or self.process.poll() is not None)
        return self

    def done(self):
        """Waits for its end, which must be good."""
        code = self.process.wait(TIMEOUT_S + 5)
        if code != 0:
            errors = sorted(self.directory.glob(f"{self.path.stem}_*_errors.log"))
            told = errors[-1].read_text()[-600:] if errors else self.path.with_suffix(".out").read_text()[-300:]
            raise AssertionError(f"SIPp ended with {code}: {told}")
        return self

    def received(self, pattern):
        """How many different messages it received that match, by their top branch."""
        log = "".join(path.read_text() for path in self.directory.glob(f"{self.path.stem}_*_messages.log"))
        pieces = re.split(r"(?m)^-{20,}.*$", log)
        inward = [piece for piece in pieces if "message received" in piece and re.search(pattern, piece)]
        return len({re.search(r"branch=([^;\s]+)", piece)[1] for piece in inward})


def run(platform, checks, directory):
    if shutil.which("sipp") is None:
        checks.that("SIPp is installed (Debian: sip-tester)", False)
        return
    alice, bob, carol = platform.subscriber(), platform.subscriber(), platform.subscriber()

    def play(scenario, number, port=None, transport="udp", **values):
        return Sipp(platform, directory, scenario, number, port or free_port(), transport, **values)

    bob_port = free_port()
    checks.story("REGISTER over UDP with MD5", lambda: play("register", bob, bob_port, STATUS=200).done())
    checks.story("REGISTER over TCP with MD5", lambda: play("register", alice, transport="tcp", STATUS=200).done())
    checks.story(
        "a wrong password is refused",
        lambda: play("register", alice, STATUS=401, PASSWORD="guess-guess").done(),
    )

    def relay():
        receiver = play("receive", bob, bob_port, TEXT="supper at eight", FROM=alice.strip("+")).listening()
        play("send", alice, TO=bob, TEXT="supper at eight", STATUS=200).done()
        receiver.done()
        copies = receiver.received("supper at eight")
        assert copies == 1, f"{copies} copies arrived"

    checks.story("MESSAGE between two SIPp agents, 200, one copy", relay)
    checks.story(
        "MESSAGE to an unknown subscriber, 404",
        lambda: play("send", alice, TO="+8613800999999", TEXT="hello", STATUS=404).done(),
    )
    checks.story(
        "MESSAGE to one who is away, 202",
        lambda: play("send", alice, TO=carol, TEXT="call me back", STATUS=202).done(),
    )

    def come_back():
        port = free_port()
        play("register", carol, port, STATUS=200).done()
        # The message is on its way to the port already; what finds nobody there is sent again.
        play("receive", carol, port, TEXT="call me back", FROM=alice.strip("+")).listening().done()
        wait_for("the mailbox is empty", lambda: platform.waiting(carol) == 0)

    checks.story("it is delivered at registration", come_back)
    sessions(platform, checks, play)


def sessions(platform, checks, play):
    """INVITE: set-up, refusals, CANCEL. SIPp speaks no MSRP, so nothing is said."""
    alice, dave, erin = platform.subscriber(), platform.subscriber(), platform.subscriber()
    dave_port = free_port()
    play("register", dave, dave_port, STATUS=200, FEATURES=SESSION).done()
    checks.story("a chat with one who is away is answered by the centre", lambda: play("call", alice, TO=erin, SETUP="actpass").done())
    checks.story("a chat with nobody is 404", lambda: play("refused", alice, TO="+8613800999999", SETUP="actpass", STATUS=404).done())
    checks.story(
        "an offer that leaves us to connect is 488",
        lambda: play("refused", alice, TO=dave, SETUP="passive", STATUS=488).done(),
    )

    def set_up():
        callee = play("callee-answers", dave, dave_port, SETUP="active").listening()
        play("call", alice, TO=dave, SETUP="actpass").done()
        callee.done()

    checks.story("a chat is set up between two SIPp agents, and BYE ends both legs", set_up)
    for says, hears in ((486, 486), (603, 603), (606, 488)):

        def refused(says=says, hears=hears):
            callee = play("callee-refuses", dave, dave_port, STATUS=says).listening()
            play("refused", alice, TO=dave, SETUP="actpass", STATUS=hears).done()
            callee.done()

        checks.story(f"a callee that answers {says} is {hears} to the caller", refused)

    def give_up():
        callee = play("callee-cancelled", dave, dave_port).listening()
        play("cancel", alice, TO=dave, SETUP="actpass").done()
        callee.done()

    checks.story("a caller gives up: 487, and the callee is cancelled", give_up)


def credentials(platform, scenario, number, password, values):
    """The header that answers a challenge to the request of this scenario."""
    if scenario in WAITING:
        return ""
    client = raw.Client(platform, number)
    if scenario == "register":
        method, uri = "REGISTER", f"sip:{DOMAIN}"
    else:
        method, uri = "MESSAGE" if scenario == "send" else "INVITE", raw.uri(values["TO"])
    to = raw.uri(number) if scenario == "register" else uri
    # Any challenge will do: it is the answer that names the method.
    asked = "MESSAGE" if method == "INVITE" else method
    client.send(client.request(asked, uri, to))
    return client.credentials(client.response(), method, uri, password)


def environment():
    """SIPp draws its screen with curses, which asks for a terminal's name."""
    return {**os.environ, "TERM": "xterm"}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_bound(port):
    return any(line.split()[1].endswith(f":{port:04X}") for line in Path("/proc/net/udp").read_text().splitlines()[1:])
