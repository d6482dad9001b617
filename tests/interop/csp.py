"""Management calls of CSPs: no client of them is to be had from a registry, so this is one of our own, after the documented forms."""

import hashlib
import json
import uuid
from datetime import datetime, timedelta, timezone

from bot_user import PICTURE, call, form
from platform_under_test import wait_for

# The timestamps of the interface have no zone; its clients run where it is used.
CHINA = timezone(timedelta(hours=8))


def signed(access_key, age_s=0):
    """The headers of a signed request."""
    timestamp = (datetime.now(CHINA) - timedelta(seconds=age_s)).strftime("%Y%m%d%H%M%S")
    nonce = uuid.uuid4().hex
    signature = hashlib.md5((access_key + nonce + timestamp).encode()).hexdigest()
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature, "Content-Type": "application/json"}


def tell(platform, checks):
    story, known = checks.story, {}

    def ask(name, headers, body):
        """A call: its answer, and the bytes if that is none."""
        status, _, answer = call("POST", f"http://{platform.http}/cspApi/v1/{name}", headers, body)
        assert status == 200, f"{status} {answer}"
        return json.loads(answer) if answer.startswith(b"{") else answer

    def begins():
        status, answer = platform.admin("POST", "/tenants", {"id": "agency", "name": "An agency"})
        assert status == 201, answer
        status, answer = platform.admin("POST", "/keys", {"name": "CSP", "tenant": "agency", "role": "developer"})
        assert status == 201, answer
        known["id"], known["key"] = answer["id"], answer["key"].rsplit("_", 1)[1]

    def token():
        body = json.dumps({"cspId": known["id"], "accessKey": known["key"]}).encode()
        wrong = json.dumps({"cspId": known["id"], "accessKey": "guess"}).encode()
        assert ask("accessToken", signed("guess"), wrong)["code"] == 401
        assert ask("accessToken", signed("guess"), body)["code"] == 401
        assert ask("accessToken", signed(known["key"], age_s=3600), body)["code"] == 401

        def granted():
            # What was signed in the second in which the platform started is not told from what is older.
            answer = ask("accessToken", signed(known["key"]), body)
            return answer if answer["code"] == 0 else None

        known["token"] = wait_for("a token", granted)["data"]["accessToken"]

    def upload():
        content_type, body = form([("file", ("licence.png", PICTURE))])
        headers = {**signed(known["key"]), "authorization": known["token"], "uploadType": "1", "Content-Type": content_type}
        answer = ask("uploadFile", headers, body)
        assert answer["code"] == 0, answer
        assert ask("uploadFile", headers, body)["code"] == 401, "the same request again"
        bare = {**signed(known["key"]), "authorization": known["token"], "Content-Type": "multipart/form-data"}
        assert ask("uploadFile", bare, PICTURE)["code"] == 0
        known["url"] = answer["data"]["url"]

    def fetch():
        body = json.dumps({"fileUrl": known["url"]}).encode()
        headers = {**signed(known["key"]), "authorization": known["token"]}
        assert ask("getFile", headers, body) == PICTURE
        body = json.dumps({"fileUrl": "https://f.example/other"}).encode()
        headers = {**signed(known["key"]), "authorization": known["token"]}
        assert ask("getFile", headers, body)["code"] == 404
        assert ask("getFile", {**signed(known["key"]), "authorization": "x"}, body)["code"] == 401

    def taken_back():
        assert platform.admin("DELETE", f"/keys/{known['id']}")[0] in (200, 204)
        body = json.dumps({"fileUrl": known["url"]}).encode()
        assert ask("getFile", {**signed(known["key"]), "authorization": known["token"]}, body)["code"] == 401

    story("a tenant's key is made", begins)
    story("it buys a token, if it has signed just now", token)
    story("a file is uploaded, by a request that is good once", upload)
    story("the file is fetched, and nobody else's", fetch)
    story("with the key its tokens are taken back", taken_back)
