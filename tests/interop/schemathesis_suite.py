"""schemathesis (from PyPI): every call of our OpenAPI document with made-up data, good and bad. No answer is a 5xx, and none has a status,
media type or shape that the document does not tell."""

import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import virtual_environment

HERE = Path(__file__).parent / "schemathesis"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# No calls in the sense of the document: connections that are upgraded.
TRANSPORTS = r"^/(sip|msrp)$"
# The same each time: what fails here fails again.
SEED = "1"
EXAMPLES = "15"
LONGEST_S = 900


def run(platform, checks, directory):
    """Counts one check for each call of the document."""
    python = virtual_environment.install(HERE, "schemathesis")
    if python is None:
        checks.skipped("schemathesis", "its packages cannot be installed here")
        return
    for number in ("+8613800000001", "+8613800000002"):
        platform.admin("POST", "/subscribers", {"number": number, "password": "correct-horse"})
    report = directory / "schemathesis.xml"
    command = [python.parent / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", f"http://{platform.http}/openapi.json"]
    command += ["--checks", CHECKS, "--seed", SEED, "--max-examples", EXAMPLES, "--workers", "1", "--no-color"]
    command += ["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"]
    command += ["--continue-on-failure", "--request-timeout", "60", "--generation-database", "none"]
    command += ["--exclude-path-regex", TRANSPORTS, "--header", f"Authorization: Bearer {platform.token}"]
    command += ["--report", "junit", "--report-junit-path", report]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory, timeout=LONGEST_S)
    (directory / "schemathesis.log").write_text(done.stdout + done.stderr)
    if not checks.that("schemathesis reports", report.exists(), (done.stdout + done.stderr)[-2000:]):
        return
    told = ElementTree.parse(report).getroot().iter("testcase")
    calls = 0
    for case in told:
        wrong = [fault.get("message") or fault.text or "" for kind in ("failure", "error") for fault in case.findall(kind)]
        if case.find("skipped") is None:
            calls += 1
            checks.that(f"schemathesis: {case.get('name')}", not wrong, "\n".join(wrong)[:1500])
    checks.that("schemathesis tried the whole document", calls > 40, f"{calls} calls")
    checks.that("the platform lives", platform.process.poll() is None)
