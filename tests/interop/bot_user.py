"""A user of chatbots: JsSIP in Node (jssip/handset.mjs), for the suites of chatbots' APIs; and what these have in common."""

import base64
import json
import threading
import urllib.error
import urllib.request
import uuid
from http.server import ThreadingHTTPServer

import jssip
import node_packages
from client import Client
from platform_under_test import DOMAIN, PASSWORD, PATIENCE_S, wait_for

RESPONSE = "application/vnd.gsma.botsuggestion.response.v1.0+json"
COMPOSING = "application/im-iscomposing+xml"
CARD = "application/vnd.gsma.botmessage.v1.0+json"
FILE = "application/vnd.gsma.rcs-ft-http+xml"


class JsonClient(Client):
    """A client whose events are JSON objects, one a line."""

    def told(self, what, is_it=lambda event: True, since=0):
        """Waits for an event that has this member, and is it."""

        def look():
            events = [json.loads(line) for line in self.events[since:] if line.startswith("{")]
            return next((event for event in events if what in event and is_it(event)), None)

        return wait_for(f"{self.name} tells {what!r}; it told {self.events[-6:]}", look)


class User(JsonClient):
    """A subscriber's JsSIP handset; its number is `number`."""

    def __init__(self, platform):
        node_packages.install(jssip.HERE)
        self.number = platform.subscriber()
        command = ["node", "handset.mjs", f"ws://{platform.http}/sip", DOMAIN, PASSWORD, self.number]
        super().__init__("JsSIP", command, cwd=jssip.HERE)

    def say(self, to, content_type, payload):
        """Says something to a chatbot; the message's id, once the platform has answered 2xx."""
        message_id = uuid.uuid4().hex
        payload = base64.b64encode(payload.encode()).decode()
        self.command(f"say {to} {message_id} {content_type.replace(' ', '')} {payload}")
        answer = self.told("answer", lambda event: event["id"] == message_id)
        assert answer["answer"] in (200, 202), answer
        return message_id

    def tap(self, to, text, data):
        """Taps a chip; the id of the response."""
        response = {"response": {"reply": {"displayText": text, "postback": {"data": data}}}}
        return self.say(to, RESPONSE, json.dumps(response, ensure_ascii=False))

    def composes(self, to, state):
        document = (
            '<?xml version="1.0" encoding="UTF-8"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">'
            f"<state>{state}</state><contenttype>text/plain</contenttype></isComposing>"
        )
        return self.say(to, COMPOSING, document)

    def heard(self, is_it):
        """Waits for a message."""
        return self.told("message", is_it)


def serve(handler):
    """A webhook on a free port: its server, and its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/notify"


def call(method, url, headers=None, body=None):
    """An HTTP call: status, headers and body."""
    request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def form(fields):
    """multipart/form-data: its media type and body. A field is a text, or a file's name and bytes."""
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields:
        head = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            head += f'; filename="{value[0]}"\r\nContent-Type: application/octet-stream'
            value = value[1]
        else:
            value = value.encode()
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + value + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


# The smallest picture that is one: a pixel (PNG).
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
