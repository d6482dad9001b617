"""Runs the interop suites, each against a platform of its own, and counts.

A suite is a function that is given a `Platform` and a `Checks`; it waits for events, never for a length of time.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import capture
import cm
import ctcu
import fnw11
import groups
import jssip
import linphone
import linphone_files
import msrp
import msrps
import pjsip
import raw
import rbm
import relay
import schemathesis_suite
import sipjs
import sipp
import words
from platform_under_test import Platform

SUITES = {
    "raw": raw.run,
    "rbm": rbm.run,
    "sipp": sipp.run,
    "jssip": jssip.run,
    "sipjs": sipjs.run,
    "linphone": linphone.run,
    "linphone-files": linphone_files.run,
    "words": words.run,
    "groups": groups.run,
    "msrp": msrp.run,
    "msrps": msrps.run,
    "pjsip": pjsip.run,
    "relay": relay.run,
    "schemathesis": schemathesis_suite.run,
    "fnw11": fnw11.run,
    "cm": cm.run,
    "ctcu": ctcu.run,
}
# What a suite's platform is told beyond its addresses.
SETTINGS = {"msrps": msrps.SETTINGS, "ctcu": ctcu.SETTINGS}
# Nothing of what these send is SIP: there is nothing to capture.
HTTP_ONLY = {"schemathesis"}


class Checks:
    """Counts what held and what did not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.left_out = 0

    def that(self, name, is_true, detail=""):
        """Notes one outcome; gives it back."""
        if is_true:
            self.passed += 1
            print(f"  ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {name}  {detail}", flush=True)
        return is_true

    def skipped(self, name, why):
        """Notes what this machine cannot do."""
        self.left_out += 1
        print(f"  skipped {name}: {why}", flush=True)

    def story(self, name, tell):
        """Runs a check that may raise: then it failed."""
        try:
            detail = tell()
            self.that(name, True)
            return detail
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the check's failure
            self.that(name, False, f"{type(error).__name__}: {error}")
            return None


def main():
    wanted = sys.argv[1:] or list(SUITES)
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    program = Path(os.environ["HONGYAN"]).resolve()
    checks = Checks()
    for name in wanted:
        print(f"{name}:", flush=True)
        directory = Path(tempfile.mkdtemp(prefix=f"hongyan-{name}-"))
        failed_before = checks.failed
        os.environ["SSLKEYLOGFILE"] = str(directory / "tls-keys")
        try:
            with Platform(program, directory / "data", SETTINGS.get(name)) as platform:
                if name in HTTP_ONLY:
                    SUITES[name](platform, checks, directory)
                else:
                    with capture.Capture(platform, directory / "loopback.pcapng") as captured:
                        SUITES[name](platform, checks, directory)
                    captured.judge(checks)
        except Exception as error:  # noqa: BLE001 - a suite that cannot run has failed
            checks.that(f"the suite {name} runs", False, f"{type(error).__name__}: {error}")
        if checks.failed == failed_before:
            shutil.rmtree(directory)
        else:
            print(f"  logs and capture: {directory}")
    print(f"{checks.passed} passed, {checks.failed} failed" + (f", {checks.left_out} skipped" if checks.left_out else ""))
    sys.exit(1 if checks.failed or not checks.passed else 0)


if __name__ == "__main__":
    main()
