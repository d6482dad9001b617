"""A chatbot's program over Google's client library for Python, told what to call a line at a time: see ../rbm.py.

It reads {"call": "phones.agentMessages.create", "parameters": {…}, "body": {…}, "media": {"path", "type", "resumable"}, "auth"} and
answers {"result": …} or {"error": {"code", "message", "details"}}.
"""

import json
import sys

from google.auth.transport.requests import Request
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload

SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
# The least that the library sends at a time.
PIECE_BYTES = 256 * 1024


def main(root, key_file):
    credentials = service_account.Credentials.from_service_account_file(key_file, scopes=[SCOPE])
    own = credentials.with_always_use_jwt_access(True)
    services = {
        name: build(
            "rcsbusinessmessaging",
            "v1",
            credentials=one,
            discoveryServiceUrl=root + "/$discovery/rest?version={apiVersion}",
            static_discovery=False,
            cache_discovery=False,
        )
        for name, one in (("exchanged", credentials), ("self-signed", own))
    }
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        wanted = json.loads(line)
        try:
            if wanted["call"] == "token":
                credentials.refresh(Request())
                told = {"result": credentials.token}
            else:
                told = {"result": call(services[wanted.get("auth", "exchanged")], wanted)}
        except HttpError as error:
            told = {"error": {"code": error.status_code, "message": error.reason, "details": error.error_details}}
        except Exception as error:  # noqa: BLE001 - whatever the library says is told
            told = {"error": {"code": 0, "message": f"{type(error).__name__}: {error}"}}
        print(json.dumps(told), flush=True)


def call(service, wanted):
    *resources, method = wanted["call"].split(".")
    for name in resources:
        service = getattr(service, name)()
    parameters = dict(wanted.get("parameters", {}))
    if "body" in wanted:
        parameters["body"] = wanted["body"]
    media = wanted.get("media")
    if media:
        parameters["media_body"] = MediaFileUpload(
            media["path"], mimetype=media["type"], chunksize=PIECE_BYTES, resumable=media.get("resumable", False)
        )
    request = getattr(service, method)(**parameters)
    if not (media and media.get("resumable")):
        return request.execute()
    answer = None
    while answer is None:
        _, answer = request.next_chunk()
    return answer


main(*sys.argv[1:])
