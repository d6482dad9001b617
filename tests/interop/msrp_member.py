"""A member of groups over MSRP (RFC 4975), by small clients of its own that share no code with the platform. Like the other clients of a
group it tells what happens: `message AUTHOR TEXT`, `report FROM STATUS`, `session FOCUS`, `bye REASON`."""

import re
import threading
import uuid
from datetime import UTC, datetime

import msrp
import raw
from client import Teller
from platform_under_test import DOMAIN, wait_for

CHUNK_BYTES = 1500
IMDN = (
    '<?xml version="1.0"?>\r\n<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>{id}</message-id>'
    "<datetime>2026-11-24T12:00:00Z</datetime><{kind}-notification><status><{status}/></status></{kind}-notification></imdn>"
)


class Member(Teller):
    """One device, registered over TCP with the feature tag of chats."""

    def __init__(self, platform, number):
        super().__init__(f"MSRP {number}")
        self.number, self.sip, self.session, self.focus = number, raw.Client(platform, number, "TCP"), None, None
        self.answers = {}
        contact = msrp.contact(self.sip, f";{msrp.SESSION};expires=600")
        response, _ = self.sip.ask("REGISTER", f"sip:{DOMAIN}", raw.uri(number), [contact])
        assert raw.status(response) == 200, response.splitlines()[0]
        # It waits for calls as long as the story goes on.
        self.sip.socket.settimeout(None)
        threading.Thread(target=self._calls, daemon=True).start()

    def _calls(self):
        try:
            while True:
                request = self.sip.next()
                if request.startswith("INVITE "):
                    self._called(request)
                elif request.startswith("BYE "):
                    self.sip.answer(request)
                    reason = re.search(r"(?im)^Reason: (.*)$", request)
                    self.events.append(f"bye {reason[1].strip() if reason else ''}")
        except OSError:
            pass  # the story is over

    def _called(self, invite):
        session = msrp.Session()
        msrp.accept(self.sip, invite, session)
        session.connect(invite)
        session.socket.settimeout(None)
        self.focus = re.search(r"(?im)^From: <([^>]*)>", invite)[1]
        self.session = session
        self.events.append(f"session {self.focus}")
        threading.Thread(target=self._frames, args=(session,), daemon=True).start()

    def _frames(self, session):
        whole = {}
        try:
            while True:
                frame = session.next()
                transaction, what = frame["start"].split(" ", 2)[1:]
                if what != "SEND":
                    self.answers[transaction] = what
                    continue
                session.answer(frame)
                body = whole.pop(frame["Message-ID"], "") + frame["body"]
                if frame["flag"] == "+":
                    whole[frame["Message-ID"]] = body
                elif body:
                    self._received(session, body)
        except OSError:
            pass  # the session is over

    def _received(self, session, cpim):
        head, inner, payload = cpim.split("\r\n\r\n", 2)
        author = re.search(r"(?im)^From:.*<([^>]*)>", head)[1]
        report = re.search(r"<(delivered|displayed)\s*/>", payload)
        if report:
            self.events.append(f"report {author} {report[1]}")
            return
        self.events.append(f"message {author} {payload.strip()}")
        message_id = re.search(r"(?im)^imdn\.Message-ID:\s*(\S+)", head)
        if message_id and re.search(r"(?im)^imdn\.Disposition-Notification:", head):
            for kind, status in (("delivery", "delivered"), ("display", "displayed")):
                imdn = IMDN.format(id=message_id[1], kind=kind, status=status)
                self._send(session, self._cpim(author, "message/imdn+xml", imdn, wants=False))

    def say(self, text):
        """Says something to everybody; 200 means that the focus has it."""
        transaction = self._send(self.session, self._cpim(self.focus, "text/plain;charset=UTF-8", text))
        answer = wait_for(f"{self.name} is answered", lambda: self.answers.get(transaction))
        assert answer == "200 OK", answer

    def _cpim(self, to, content_type, payload, wants=True):
        lines = [f"From: <sip:{self.number}@{DOMAIN}>", f"To: <{to}>", "NS: imdn <urn:ietf:params:imdn>"]
        lines += [f"imdn.Message-ID: {uuid.uuid4().hex}", f"DateTime: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"]
        lines += ["imdn.Disposition-Notification: positive-delivery, display"] if wants else []
        return "\r\n".join([*lines, "", f"Content-Type: {content_type}", "", payload])

    def _send(self, session, body):
        """Sends a body in chunks; the transaction of the last."""
        message_id = uuid.uuid4().hex
        for at in range(0, len(body), CHUNK_BYTES):
            piece = body[at : at + CHUNK_BYTES]
            headers = [f"Message-ID: {message_id}", f"Byte-Range: {at + 1}-{at + len(piece)}/{len(body)}"]
            transaction = session.send("SEND", headers, piece, "$" if at + len(piece) == len(body) else "+")
        return transaction

    def stop(self):
        self.sip.socket.close()
        if self.session:
            self.session.socket.close()
