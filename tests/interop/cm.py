"""China Mobile's interface: no client of it is to be had from a registry, so the chatbot is one of our own, written after the
documented forms; JsSIP is on the other side. The calls of CSPs (csp.py) come after it.
"""

import base64
import email.utils
import hashlib
import json
import re
import urllib.parse
import uuid
import xml.etree.ElementTree as xml
from http.server import BaseHTTPRequestHandler

import csp
from bot_user import CARD, FILE, PICTURE, User, call, form, serve
from client import Teller
from fnw11 import local
from platform_under_test import wait_for

MSG = "urn:oma:xml:rest:netapi:messaging:1"
SPAM = "application/vnd.gsma.rcsspam-report+xml"
CHIPS = "application/vnd.gsma.botsuggestion.v1.0+json"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Bot(Teller):
    """A chatbot: calls the API with dated credentials, and has a webhook that takes nothing without them."""

    def __init__(self, created):
        super().__init__("the chatbot")
        self.id, self.app_id, self.password = created["chatbotId"], created["appId"], created["appKey"]
        self.root, self.file_server = created["endpoints"]["serverRoot"], created["endpoints"]["fileServer"]
        self.pushed = []
        bot = self

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Authorization"] != bot.authorization(self.headers["Date"]):
                    self.send_response(401)
                else:
                    bot.pushed.append((urllib.parse.unquote(self.path), self.headers, body))
                    self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server, self.webhook = serve(Webhook)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def authorization(self, date):
        digest = sha256(sha256(self.password) + date)
        return "Basic " + base64.b64encode(f"{self.app_id}:{digest}".encode()).decode()

    def call(self, method, url, body=None, headers=None):
        date = email.utils.formatdate(usegmt=True)
        headers = {"Authorization": self.authorization(date), "Date": date, "Content-Type": "application/xml", **(headers or {})}
        return call(method, url, headers, body)

    def send(self, path, document, headers=None):
        """A send call below the server's root; status and body."""
        url = f"{self.root}/{path}/outbound/{urllib.parse.quote(self.id, safe='')}/requests"
        status, _, body = self.call("POST", url, document.encode(), headers)
        return status, body.decode()

    def told(self, path, is_it):
        """Waits for a push to this path whose document is it: gives that, by local names, and the headers."""

        def look():
            for at, headers, body in list(self.pushed):
                if at == f"/notify/{path}/{self.id}" and (found := flat(body)) is not None and is_it(found, headers):
                    return found, headers
            return None

        return wait_for(f"the chatbot is told by {path}; it was told {self.pushed[-3:]}", look)


def flat(document):
    """The texts of all elements by their local names, the first of each."""
    found = {}
    if document:
        for element in xml.fromstring(document).iter():
            found.setdefault(re.sub(r"\{.*\}", "", element.tag), (element.text or "").strip())
    return found


def request(bot, to, content_type, body, more="", encoding="utf8"):
    """The documented form of a send."""
    many = "".join(f"<destinationAddress>tel:{number}</destinationAddress>" for number in to)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><msg:outboundMessageRequest xmlns:msg="{MSG}">'
        f"<address>{'tel:' + to[0] if len(to) == 1 else '00000'}</address>{many}<senderAddress>{bot.id}</senderAddress>"
        f"<outboundIMMessage><contentType>{content_type}</contentType><contentEncoding>{encoding}</contentEncoding>"
        f"<bodyText><![CDATA[{body}]]></bodyText><conversationID>{uuid.uuid4()}</conversationID>"
        f"<contributionID>{uuid.uuid4()}</contributionID>"
        '<serviceCapability><capabilityId>ChatbotSA</capabilityId><version>+g.gsma.rcs.botversion="#=1"</version></serviceCapability>'
        f"{more}</outboundIMMessage><clientCorrelator>{uuid.uuid4()}</clientCorrelator></msg:outboundMessageRequest>"
    )


def parts(*bodies):
    """The body of a multipart as clients of the interface write it."""
    names = ["Message", "Chiplist.lst"]
    text = ""
    for name, (content_type, body) in zip(names, bodies, strict=False):
        text += (
            f'--next\r\nContent-Type:{content_type}\r\nContent-Disposition: inline;filename="{name}"\r\n'
            f"Content-Length:{len(body.encode())}\r\n\r\n{body}\r\n"
        )
    return text + "--next--"


def run(platform, checks, directory):
    status, created = platform.admin("POST", "/chatbots", {"name": "10690022", "dialect": "cm"})
    assert status == 201, created
    created["endpoints"] = {name: local(platform, url) for name, url in created["endpoints"].items()}
    bot, user = Bot(created), User(platform)
    try:
        tell(platform, checks, bot, user)
    finally:
        bot.stop()
        user.stop()
    csp.tell(platform, checks)


def tell(platform, checks, bot, user):
    story = checks.story
    me, hearing = [user.number], {}

    def begins():
        change = {"webhook": bot.webhook, "allowPrivateWebhook": True}
        status, answer = platform.admin("PATCH", f"/chatbots/{bot.id}", change)
        assert status == 200, f"{status} {answer}"
        user.told("registered")

    def accepted(answer):
        status, body = answer
        assert status == 201, f"{status} {body}"
        found = flat(body)
        assert found["deliveryStatus"] == "MessageWaiting", body
        return found["messageId"]

    def status_of(message_id, word):
        is_it = lambda found, _: (found["messageId"], found["deliveryStatus"]) == (message_id, word)  # noqa: E731
        found, headers = bot.told("DeliveryInfoNotification", is_it)
        assert headers["Address"] == user.number and found["address"] == f"tel:{user.number}", (found, str(headers))

    def text():
        message_id = accepted(bot.send("messaging/group/v1", request(bot, me, "text/plain", "去哪里？")))
        assert user.heard(lambda event: event["id"] == message_id)["message"] == "去哪里？"
        for word in ("MessageSent", "DeliveredToTerminal", "MessageDisplayed"):
            status_of(message_id, word)

    def card():
        shown = json.dumps({"message": {"generalPurposeCard": {"layout": {"cardOrientation": "VERTICAL"}, "content": {"title": "G1"}}}})
        chips = json.dumps({"suggestions": [{"reply": {"displayText": "订", "postback": {"data": "buy:G1"}}}]})
        body = parts((CARD, shown), (CHIPS, chips))
        message_id = accepted(bot.send("messaging/group/plain", request(bot, me, 'multipart/mixed; boundary="next"', body)))
        heard = user.heard(lambda event: event["id"] == message_id)
        assert heard["type"].startswith("multipart/mixed"), heard
        assert '"title":"G1"' in heard["message"] and '"displayText":"订"' in heard["message"], heard

    def variants():
        for path in ("chatbot/messaging/v1", "maapdiscovery/messaging/v1", "vg2/messaging/group/v1", "messaging/v1"):
            message_id = accepted(bot.send(path, request(bot, me, "text/plain", base64.b64encode(path.encode()).decode(), encoding="base64")))
            assert user.heard(lambda event, m=message_id: event["id"] == m)["message"] == path

    def rootless():
        document = (
            f'<?xml version="1.0" encoding="UTF-8"?><destinationAddress>tel:{user.number}</destinationAddress>'
            "<bodyText>no root</bodyText><contentType>text/plain</contentType><contentEncoding>utf8</contentEncoding>"
        )
        status, body = bot.send("messaging/group/plain", document, {"Accept": "application/json"})
        answer = json.loads(body)
        assert status == 200 and answer["code"] == "00000", body
        assert user.heard(lambda event: event["id"] == answer["messageId"])["message"] == "no root"

    def answers():
        said = user.say(bot.id, "text/plain;charset=UTF-8", "明天北京到上海")
        found, headers = bot.told("InboundMessageNotification", lambda found, _: found.get("messageId") == said)
        assert base64.b64decode(found["bodyText"]).decode() == "明天北京到上海", found
        assert found["senderAddress"] == f"tel:{user.number}" and headers["Address"] == user.number, found
        hearing["contribution"] = found["contributionID"]
        user.told("report", lambda report: report["id"] == said and report["report"] == "displayed")
        more = f"<inReplyToContributionID>{found['contributionID']}</inReplyToContributionID>"
        message_id = accepted(bot.send("messaging/interaction/v1", request(bot, me, "text/plain", "一等座还是二等座？", more)))
        user.heard(lambda event: event["id"] == message_id)

    def taps():
        said = user.tap(bot.id, "订", "buy:G1")
        found, _ = bot.told("InboundMessageNotification", lambda found, _: found.get("messageId") == said)
        response = json.loads(base64.b64decode(found["bodyText"]))["response"]
        assert response == {"reply": {"displayText": "订", "postback": {"data": "buy:G1"}}, "type": "reply"}, response

    def refused():
        status, body = bot.send("messaging/interaction/v1", request(bot, me, "text/plain", "to what?"))
        assert status == 400 and flat(body)["exceptionId"] == "SVC0002", body
        status, body = bot.send("messaging/group/v1", request(bot, me * 101, "text/plain", "many"))
        assert status == 403 and flat(body)["exceptionId"] == "POL0003", body
        status, body = bot.send("messaging/group/v1", "<outboundMessageRequest>")
        assert status == 400 and flat(body)["exceptionId"] == "SVC0002", body
        old = email.utils.formatdate(0, usegmt=True)
        headers = {"Date": old, "Authorization": bot.authorization(old)}
        status, body = bot.send("messaging/group/v1", request(bot, me, "text/plain", "old"), headers)
        assert status == 401 and "24 hours" in body, body
        status, body = bot.send("messaging/group/v1", request(bot, me, "text/plain", "x"), {"Authorization": "Basic eDp5"})
        assert status == 401, body

    def csp_speaks():
        date = email.utils.formatdate(usegmt=True)

        def shown(tenant):
            assert platform.admin("POST", "/tenants", {"id": tenant, "name": tenant})[0] == 201
            status, key = platform.admin("POST", "/keys", {"name": "CSP", "tenant": tenant, "role": "developer"})
            assert status == 201, key
            digest = sha256(sha256(key["key"].rsplit("_", 1)[1]) + date)
            return {"Date": date, "Authorization": "Basic " + base64.b64encode(f"{key['id']}:{digest}".encode()).decode()}

        own, other = shown("rail-agency"), shown("other-agency")
        status, answer = platform.admin("PUT", f"/chatbots/{bot.id}/tenant", {"tenant": "rail-agency"})
        assert status in (200, 204), f"{status} {answer}"
        status, body = bot.send("messaging/group/v1", request(bot, me, "text/plain", "by its CSP"), own)
        assert status == 201, body
        status, body = bot.send("messaging/group/v1", request(bot, me, "text/plain", "by another"), other)
        assert status == 401, body

    def some():
        nobody = "<destinationAddress>tel:nobody</destinationAddress></msg:outboundMessageRequest>"
        document = request(bot, me, "text/plain", "to some").replace("</msg:outboundMessageRequest>", nobody)
        status, body = bot.send("messaging/group/v1", document)
        assert status == 201 and body.count("MessageWaiting") == 1 and body.count("DeliveryImpossible") == 1, body

    def template():
        source = {"variables": [{"name": "train", "type": "text", "maxChars": 8}], "content": {"text": "{{train}} 开"}}
        status, answer = platform.admin("PUT", f"/chatbots/{bot.id}/templates/departure", source)
        assert status == 201, answer
        body = json.dumps({"templateID": "departure", "params": {"train": "G1"}})
        message_id = accepted(bot.send("messaging/group/template", request(bot, me, "dynamic-template", body)))
        assert user.heard(lambda event: event["id"] == message_id)["message"] == "G1 开"
        status, body = bot.send("messaging/group/template", request(bot, me, "static-template", '{"templateID":"none"}'))
        assert status == 400 and "templateID" in body, body

    def taken_back():
        away = platform.subscriber()
        status, body = bot.send("messaging/group/v1", request(bot, [away], "text/plain", "never mind"))
        message_id = flat(body)["messageId"]
        assert platform.waiting(away) == 1
        document = f'<msg:messageStatusReport xmlns:msg="{MSG}"><address>tel:{away}</address><status>RevokeRequested</status></msg:messageStatusReport>'
        url = f"{bot.root}/messaging/v1/outbound/{urllib.parse.quote(bot.id)}/requests/{message_id}/status"
        status, _, body = bot.call("PUT", url, document.encode())
        assert status == 204, f"{status} {body}"
        found, _ = bot.told("MessageStatusNotification", lambda found, _: found["messageId"] == message_id)
        assert found["status"] == "Revoked", found
        assert platform.waiting(away) == 0

    def files():
        content_type, body = form([("File", ("pixel.png", PICTURE))])
        headers = {
            "Content-Type": content_type, "User-Agent": f"SP/{bot.id}", "Terminal-type": "Chatbot",
            "X-3GPP-Intended-Identity": bot.id, "Accept": "application/json",
        }
        digest = hashlib.sha256(PICTURE).hexdigest()
        for query in (f"hash=sha256{'0' * 64}", f"SIZE={len(PICTURE) + 1}"):
            status, _, answer = bot.call("POST", f"{bot.file_server}/Content?{query}", body, headers)
            assert status == 400 and json.loads(answer)["code"] == "SVC0002", answer
        status, answered, body = bot.call("POST", f"{bot.file_server}/Content?hash=sha256{digest}&SIZE={len(PICTURE)}", body, headers)
        assert status == 200 and json.loads(body)["code"] == "00000", body
        tid = answered["tid"]
        is_it = lambda _, headers: headers.get("tid") == tid and headers["Authstatus"] == "0"  # noqa: E731
        bot.told("InboundMessageNotification", is_it)
        document = next(body for _, headers, body in bot.pushed if headers.get("tid") == tid).decode()
        # The document of the file has its thumbnail beside it.
        url = re.search(r'type="file".*? url="([^"]*)"', document)[1].replace("&amp;", "&")
        assert call("GET", local(platform, url))[2] == PICTURE
        message_id = accepted(bot.send("messaging/group/v1", request(bot, me, FILE, document)))
        heard = user.heard(lambda event: event["id"] == message_id)
        assert heard["type"].startswith(FILE) and url in heard["message"], heard
        headers = {"tid": tid, "User-Agent": bot.id}
        assert bot.call("DELETE", f"{bot.file_server}/Content", headers=headers)[0] == 204
        assert bot.call("DELETE", f"{bot.file_server}/Content", headers=headers)[0] == 404
        assert call("GET", local(platform, url))[0] in (404, 410)

    def spam():
        report = f"<SR><Chatbot>{bot.id}</Chatbot><spam-type>phishing</spam-type></SR>"
        user.say(bot.id, SPAM, report)
        found, headers = bot.told("InboundMessageNotification", lambda found, _: found.get("contentType") == SPAM)
        assert "phishing" in base64.b64decode(found["bodyText"]).decode(), found
        assert user.number not in str(found) and headers["Address"] is None, (found, str(headers))

    def encodings():
        document = request(bot, me, "text/plain", "你好").replace("UTF-8", "GBK").encode("gbk")
        url = f"{bot.root}/messaging/group/v1/outbound/{urllib.parse.quote(bot.id, safe='')}/requests"
        status, _, body = bot.call("POST", url, document)
        assert status == 400 and "GBK" in flat(body)["text"], body
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x><bodyText>&b;</bodyText></x>'
        status, body = bot.send("messaging/group/v1", bomb)
        assert status == 400 and flat(body)["exceptionId"] == "SVC0002", body
        twice = request(bot, me, "text/plain", "once")
        ids = {flat(bot.send("messaging/group/v1", twice)[1])["messageId"] for _ in range(2)}
        assert len(ids) == 1, ids
        user.heard(lambda event: event["id"] in ids)

    story("the chatbot's webhook is set and the handset registers", begins)
    story("a group send arrives, and is told of in the interface's words", text)
    story("a card with chips arrives by a plain send", card)
    story("every variant of the path will do, and base64", variants)
    story("a document without a root is answered in JSON", rootless)
    story("what the user says comes signed with the chatbot's credentials, and is answered in an interaction", answers)
    story("a tap carries the type that gateways add", taps)
    story("refusals are exceptions of policy and of service; old credentials are none", refused)
    story("the CSP whose chatbot it is speaks for it, another does not", csp_speaks)
    story("a destination that is none is told of in the answer", some)
    story("a template is filled with its variables", template)
    story("a message that waits is taken back, and that is told", taken_back)
    story("a file is uploaded, audited, sent and deleted", files)
    story("a report of spam is told, and not whose it is", spam)
    story("documents in other encodings, with entities, and twice", encodings)
