"""Bytes that no SIP stack would send, from a socket, and a client small enough to be read at a glance (RFC 3261, MD5)."""

import hashlib
import os
import re
import socket
import ssl
import threading
import uuid

from platform_under_test import DOMAIN, PASSWORD, PATIENCE_S


class Client:
    """One device over UDP, TCP or TLS. It knows just enough SIP to register, send and receive a MESSAGE."""

    def __init__(self, platform, number, transport="UDP"):
        self.number, self.transport, self.cseq, self.buffer = number, transport, 0, b""
        if transport == "UDP":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 0))
            self.socket.connect(("127.0.0.1", platform.udp_port))
        else:
            port = platform.tcp_port if transport == "TCP" else platform.sip_tls_port
            self.socket = socket.create_connection(("127.0.0.1", port))
            self.socket = self.socket if transport == "TCP" else secured(self.socket)
        self.socket.settimeout(PATIENCE_S)
        self.address = "%s:%d" % self.socket.getsockname()
        self.received = []

    def send(self, text):
        self.socket.sendall(text.encode())

    def next(self):
        """The next message, whatever it is."""
        if self.transport == "UDP":
            return self.socket.recv(65535).decode()
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
            if found and len(rest) >= int(length[1]):
                body, self.buffer = rest[: int(length[1])], rest[int(length[1]) :]
                return (head + found + body).decode()
            more = self.socket.recv(65535)
            if not more:
                raise ConnectionError("the platform closed the connection")
            self.buffer += more

    def response(self):
        """The next response; requests that come before it are answered 200 and kept."""
        while True:
            message = self.next()
            if message.startswith("SIP/2.0"):
                return message
            self.answer(message)

    def message(self):
        """The next MESSAGE received."""
        while not self.received:
            request = self.next()
            if not request.startswith("SIP/2.0"):
                self.answer(request)
        return self.received.pop(0)

    def answer(self, request):
        same = re.findall(r"(?im)^(?:Via|From|To|Call-ID|CSeq):.*$", request)
        self.send("SIP/2.0 200 OK\r\n" + "".join(line.strip() + "\r\n" for line in same) + "Content-Length: 0\r\n\r\n")
        self.received.append(request)

    def request(self, method, uri, to, headers=(), body="", branch=None):
        """A request without credentials."""
        self.cseq += 1
        self.call_id = getattr(self, "call_id", None) or uuid.uuid4().hex
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport} {self.address};branch={branch or 'z9hG4bK' + uuid.uuid4().hex};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.number}@{DOMAIN}>;tag=raw",
            f"To: <{to}>",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {method}",
            *headers,
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def ask(self, method, uri, to=None, headers=(), body="", password=PASSWORD):
        """Sends a request, answers a challenge; the final response, and the request that it answers."""
        self.call_id = uuid.uuid4().hex
        request = self.request(method, uri, to or uri, headers, body)
        self.send(request)
        response = self.response()
        if status(response) in (401, 407):
            request = self.request(method, uri, to or uri, [*headers, self.credentials(response, method, uri, password)], body)
            self.send(request)
            response = self.response()
        return response, request

    def credentials(self, response, method, uri, password):
        """Answers the MD5 challenge (RFC 3261 §22, RFC 2617)."""
        name, challenge = re.search(r"(?im)^(WWW|Proxy)-Authenticate: (Digest .*algorithm=MD5.*)$", response).groups()
        nonce = re.search(r'nonce="([^"]*)"', challenge)[1]
        realm = re.search(r'realm="([^"]*)"', challenge)[1]
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        ha1, ha2 = md5(f"{self.number}:{realm}:{password}"), md5(f"{method}:{uri}")
        answer = md5(f"{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}")
        header = "Authorization" if name == "WWW" else "Proxy-Authorization"
        return (
            f'{header}: Digest username="{self.number}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{answer}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c0ffee"'
        )

    def register(self, password=PASSWORD):
        contact = f"Contact: <sip:{self.number}@{self.address};transport={self.transport.lower()}>;expires=600"
        return self.ask("REGISTER", f"sip:{DOMAIN}", uri(self.number), [contact], password=password)[0]


def secured(connection):
    """TLS over a connection, with whoever is there: the platform's certificate is one that it made itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # For whoever captures.
    context.keylog_filename = os.environ.get("SSLKEYLOGFILE")
    return context.wrap_socket(connection)


def uri(number):
    return f"sip:{number}@{DOMAIN}"


def status(response):
    return int(response.split(" ", 2)[1])


def run(platform, checks, directory):
    alice, bob = platform.subscriber(), platform.subscriber()
    bad_requests(platform, checks, alice)
    repeated(platform, checks, alice, bob)
    large(platform, checks, alice, platform.subscriber())


def bad_requests(platform, checks, number):
    """Each of these hears 400, and the platform goes on."""
    client = Client(platform, number)
    good = client.request("MESSAGE", uri(number), uri(number), ["Content-Type: text/plain"], "hello")
    spoilt = {
        "a CSeq of another method": good.replace(" MESSAGE\r\n", " INVITE\r\n"),
        "a body shorter than its Content-Length": good.replace("Content-Length: 5", "Content-Length: 50"),
        "a negative Content-Length": good.replace("Content-Length: 5", "Content-Length: -5"),
        "two Content-Lengths that differ": good.replace("Content-Length: 5", "Content-Length: 5\r\nContent-Length: 4"),
        "a Request-URI that is none": good.replace(f"MESSAGE {uri(number)} ", "MESSAGE sip:@ "),
    }
    for name, text in spoilt.items():
        client.send(text)
        checks.story(f"400 for {name}", lambda: expect(client.response(), 400))
    # What lacks the headers that an answer copies gets none.
    headless = [re.sub(name + r":.*\r\n", "", good) for name in ("CSeq", "From", "Call-ID", "Via")]
    for junk in [*headless, "\0" * 100, "x" * 60000, "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "\r\n\r\n"]:
        client.send(junk)
    checks.story("after all that, a REGISTER is answered", lambda: expect(client.register(), 200))
    stream = Client(platform, number, "TCP")
    stream.send(good.replace("Content-Length: 5\r\n", ""))
    checks.story("400 on TCP without Content-Length", lambda: expect(stream.response(), 400))
    stream = Client(platform, number, "TCP")
    stream.send("\r\n\r\n")
    checks.story("a keep-alive on TCP is answered with CRLF", lambda: expect_bytes(stream, b"\r\n"))
    wrong = Client(platform, number)
    checks.story("401 for a wrong password", lambda: expect(wrong.register(password="guess"), 401, 403))


def repeated(platform, checks, alice, bob):
    """A request that comes three times in the same bytes is one request."""
    receiver = Client(platform, bob)
    expect(receiver.register(), 200)
    sender = Client(platform, alice)

    def tell():
        response, request = sender.ask("MESSAGE", uri(bob), headers=["Content-Type: text/plain"], body="once")
        expect(response, 200)
        for _ in range(2):
            sender.send(request)
            assert sender.response() == response, "another answer to the same bytes"

    # The sender hears 200 only once the receiver has answered, so that one needs a thread of its own.
    arrived = []
    taking = threading.Thread(target=lambda: arrived.append(receiver.message()))
    taking.start()
    checks.story("a retransmission gets the same answer", tell)
    taking.join(PATIENCE_S)
    # Whatever else was on its way to the receiver is there before the answer to this.
    expect(receiver.ask("OPTIONS", f"sip:{DOMAIN}")[0], 200)
    copies = [text for text in arrived + receiver.received if text.endswith("once")]
    checks.that("the receiver gets one copy", len(copies) == 1, f"{len(copies)} copies")


def large(platform, checks, alice, carol):
    """More than 1300 bytes wait for a device on TCP rather than go out in one datagram."""
    over_udp = Client(platform, carol)
    expect(over_udp.register(), 200)
    sender = Client(platform, alice, "TCP")
    expect(sender.register(), 200)
    body = "雁" * 800

    def store():
        expect(sender.ask("MESSAGE", uri(carol), headers=["Content-Type: text/plain;charset=UTF-8"], body=body)[0], 202)

    checks.story("2,400 bytes to a UDP device are kept", store)
    expect(over_udp.ask("OPTIONS", f"sip:{DOMAIN}")[0], 200)
    sizes = [len(text.encode()) for text in over_udp.received]
    checks.that("nothing of it goes out over UDP", not sizes, sizes)

    def fetch():
        over_tcp = Client(platform, carol, "TCP")
        expect(over_tcp.register(), 200)
        assert over_tcp.message().endswith(body)

    checks.story("they arrive over TCP", fetch)


def expect(response, *statuses):
    if status(response) not in statuses:
        raise AssertionError(f"expected {statuses}, got {response.splitlines()[0]}")


def expect_bytes(client, wanted):
    got = client.socket.recv(100)
    assert got == wanted, got


