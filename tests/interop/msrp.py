"""MSRP (RFC 4975) by a small client of its own, that shares no code with the platform: chunks in any order, reports, deferred
delivery, and what strangers hear.
"""

import re
import socket
import uuid

import raw
from platform_under_test import DOMAIN, PATIENCE_S, wait_for

SESSION = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session"'


class Session:
    """One end of an MSRP session; it opens the connection, over TLS if it is secure."""

    def __init__(self, is_secure=False):
        self.id = uuid.uuid4().hex
        self.is_secure = is_secure
        self.path = f"{'msrps' if is_secure else 'msrp'}://127.0.0.1:9/{self.id};tcp"
        self.buffer = b""

    def description(self, setup):
        protocol = "TCP/TLS/MSRP" if self.is_secure else "TCP/MSRP"
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", f"m=message 9 {protocol} *"]
        lines += [f"a=path:{self.path}", f"a=setup:{setup}", "a=accept-types:message/cpim", "a=accept-wrapped-types:*"]
        return "\r\n".join(lines) + "\r\n"

    def connect(self, sip):
        """Dials what the other end's description names, and says whose connection it is."""
        self.remote = re.search(r"(?m)^a=path:(\S+)", sip)[1]
        scheme, host, port = re.match(r"(msrps?)://([^:/]+):(\d+)/", self.remote).groups()
        assert (scheme == "msrps") == self.is_secure, self.remote
        self.socket = socket.create_connection((host, int(port)))
        self.socket = raw.secured(self.socket) if self.is_secure else self.socket
        self.socket.settimeout(PATIENCE_S)
        transaction = self.send("SEND", ["Message-ID: hello"])
        assert self.next()["start"] == f"MSRP {transaction} 200 OK"

    def send(self, method, headers, body=None, flag="$", to=None):
        transaction = uuid.uuid4().hex[:12]
        lines = [f"MSRP {transaction} {method}", f"To-Path: {to or self.remote}", f"From-Path: {self.path}", *headers]
        text = "\r\n".join(lines) + "\r\n"
        if body is not None:
            text += f"Content-Type: message/cpim\r\n\r\n{body}\r\n"
        self.socket.sendall(f"{text}-------{transaction}{flag}\r\n".encode())
        return transaction

    def message(self):
        """The next message, whole; its chunks, which come in order, are answered."""
        body = ""
        while True:
            frame = self.next()
            if " SEND" not in frame["start"]:
                continue
            self.answer(frame)
            body += frame["body"]
            if frame["flag"] == "$":
                return body

    def answer(self, frame):
        transaction = frame["start"].split()[1]
        lines = [f"MSRP {transaction} 200 OK", f"To-Path: {frame['From-Path']}", f"From-Path: {self.path}"]
        self.socket.sendall(("\r\n".join(lines) + f"\r\n-------{transaction}$\r\n").encode())

    def next(self):
        """The next frame: its headers by name, `start`, `body` and `flag`."""
        while True:
            start = re.match(rb"MSRP (\S+) [^\r]*\r\n", self.buffer)
            end = start and re.search(rb"(?s)-------" + re.escape(start[1]) + rb"([$+#])\r\n", self.buffer)
            if end:
                head, _, body = self.buffer[: end.start()].decode().partition("\r\n\r\n")
                self.buffer = self.buffer[end.end() :]
                first, *headers = head.strip().split("\r\n")
                frame = dict(header.split(": ", 1) for header in headers)
                return {**frame, "start": first, "body": body.removesuffix("\r\n"), "flag": end[1].decode()}
            more = self.socket.recv(65535)
            if not more:
                raise ConnectionError("the platform closed the connection")
            self.buffer += more


def cpim(sender, to, message_id, text):
    lines = [f"From: <sip:{sender}@{DOMAIN}>", f"To: <sip:{to}@{DOMAIN}>", "NS: imdn <urn:ietf:params:imdn>"]
    lines += [f"imdn.Message-ID: {message_id}", "", "Content-Type: text/plain;charset=UTF-8", "", text]
    return "\r\n".join(lines)


def contact(client, features=""):
    return f"Contact: <sip:{client.number}@{client.address};transport={client.transport.lower()}>{features}"


def call(client, number):
    """Invites somebody to a chat: the session, and the dialog's answer."""
    session = Session(client.transport == "TLS")
    headers = [contact(client), "Content-Type: application/sdp"]
    response, request = client.ask("INVITE", raw.uri(number), headers=headers, body=session.description("actpass"))
    while raw.status(response) < 200:
        response = client.response()
    tag = re.search(r"(?im)^To:.*;tag=(\S+)", response)
    client.cseq = int(re.search(r"(?im)^CSeq: (\d+)", request)[1]) - 1
    ack = client.request("ACK", raw.uri(number), f"{raw.uri(number)}>;tag={tag[1]}").replace(f";tag={tag[1]}>", f";tag={tag[1]}")
    client.send(ack)
    return session, response


def hang_up(client, number, answer):
    tag = re.search(r"(?im)^To:.*;tag=(\S+)", answer)[1]
    bye = client.request("BYE", raw.uri(number), f"{raw.uri(number)}>;tag={tag}").replace(f";tag={tag}>", f";tag={tag}")
    client.send(bye)
    assert raw.status(client.response()) == 200, "BYE"


def answer_invite(client):
    """Takes the next INVITE; the session and the INVITE."""
    invite = client.next()
    assert invite.startswith("INVITE "), invite.splitlines()[0]
    session = Session(client.transport == "TLS")
    accept(client, invite, session)
    assert client.next().startswith("ACK "), "ACK"
    return session, invite


def accept(client, invite, session):
    """Answers an INVITE with 200."""
    same = re.findall(r"(?im)^(?:Via|From|Call-ID|CSeq|Record-Route):.*$", invite)
    to = re.search(r"(?im)^To:.*$", invite)[0].strip()
    body = session.description("active")
    lines = ["SIP/2.0 200 OK", *(line.strip() for line in same), f"{to};tag=callee", contact(client)]
    lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    client.send("\r\n".join(lines) + "\r\n\r\n" + body)


def run(platform, checks, directory):
    alice_number, bob_number = platform.subscriber(), platform.subscriber()
    alice = raw.Client(platform, alice_number, "TCP")
    checks.that("Alice registers", raw.status(alice.register()) == 200)
    text = "supper at eight? " * 40

    def chat():
        session, answer = call(alice, bob_number)
        assert raw.status(answer) == 200, answer.splitlines()[0]
        session.connect(answer)
        body = cpim(alice_number, bob_number, "in-pieces", text)
        pieces = [(at, body[at : at + 200]) for at in range(0, len(body), 200)]
        for at, piece in [pieces[-1], *pieces[:-1]]:
            end, flag = at + len(piece), "$" if at == pieces[-1][0] else "+"
            headers = ["Message-ID: one", f"Byte-Range: {at + 1}-{end}/{len(body)}", "Success-Report: yes"]
            transaction = session.send("SEND", headers, piece, flag)
            answered = session.next()
            assert answered["start"] == f"MSRP {transaction} 200 OK", answered["start"]
        report = session.next()
        assert " REPORT" in report["start"] and report["Status"] == "000 200 OK", report
        assert report["Byte-Range"] == f"1-{len(body)}/{len(body)}" and report["Message-ID"] == "one", report
        assert platform.waiting(bob_number) == 1, "it is kept for him"
        return session, answer

    told = checks.story("a chat with somebody away is taken; chunks out of order make one message, reported", chat)
    if told:
        session, answer = told
        checks.story("a CPIM From that names somebody else is put right", lambda: forged(session, alice_number, bob_number, platform))
        checks.story("BYE", lambda: hang_up(alice, bob_number, answer))

    def deferred():
        bob = raw.Client(platform, bob_number, "TCP")
        where = contact(bob, f";{SESSION};expires=600")
        response, _ = bob.ask("REGISTER", f"sip:{DOMAIN}", raw.uri(bob_number), [where])
        assert raw.status(response) == 200
        session, invite = answer_invite(bob)
        assert "P-Asserted-Identity: <sip:rcse-standfw@" in invite and "Referred-By:" in invite
        session.connect(invite)
        received = [session.message(), session.message()]
        assert any(text in message for message in received), "the text arrives"
        wait_for("the mailbox is empty", lambda: platform.waiting(bob_number) == 0)

    if told:
        checks.story("it is delivered by an INVITE of the store-and-forward function", deferred)
    checks.story("a stranger hears 481", lambda: stranger(platform))
    checks.story("an offer without MSRP hears 488", lambda: no_msrp(alice, bob_number))
    checks.story("an unknown callee is 404", lambda: unknown(alice))


def forged(session, alice, bob, platform):
    """The CPIM names Bob as its sender."""
    body = cpim(bob, alice, "forged", "I am Bob")
    transaction = session.send("SEND", ["Message-ID: forged", f"Byte-Range: 1-{len(body)}/{len(body)}"], body)
    answered = session.next()
    assert answered["start"] == f"MSRP {transaction} 200 OK", answered["start"]
    assert platform.waiting(bob) == 2, "kept, with its From put right"


def stranger(platform):
    session = Session()
    session.remote = f"msrp://127.0.0.1:{platform.msrp_port}/guessed;tcp"
    session.socket = socket.create_connection(("127.0.0.1", platform.msrp_port))
    session.socket.settimeout(PATIENCE_S)
    transaction = session.send("SEND", ["Message-ID: x"])
    assert session.next()["start"].startswith(f"MSRP {transaction} 481"), "481"


def no_msrp(client, number):
    audio = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    headers = [contact(client), "Content-Type: application/sdp"]
    response, _ = client.ask("INVITE", raw.uri(number), headers=headers, body=audio)
    assert raw.status(response) == 488, response.splitlines()[0]


def unknown(client):
    headers = [contact(client), "Content-Type: application/sdp"]
    body = Session().description("actpass")
    response, _ = client.ask("INVITE", raw.uri("+8613800999999"), headers=headers, body=body)
    assert raw.status(response) == 404, response.splitlines()[0]
