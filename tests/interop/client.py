"""A client in a process of its own, told what to do a line at a time."""

import re
import subprocess
import threading

from platform_under_test import PATIENCE_S, wait_for


class Teller:
    """Something that tells what happens, line by line."""

    def __init__(self, name):
        self.name = name
        self.events = []

    def tells(self, pattern, seconds=PATIENCE_S, since=0):
        """Waits until it has told this, after so many events; the match."""
        look = lambda: next((m for line in self.events[since:] if (m := re.search(pattern, line))), None)  # noqa: E731
        try:
            return wait_for(f"{self.name} tells {pattern!r}", look, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it told {self.events[-12:]}") from None


class Client(Teller):
    """A program that is told what to do on its standard input, and tells what happens on its standard output."""

    def __init__(self, name, command, env=None, cwd=None):
        super().__init__(name)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=cwd
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.append(line.rstrip("\n"))

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self):
        try:
            self.command("quit")
            self.process.wait(10)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
