"""What the documents show is what one sees: the README's commands are run, and their output is compared to the letter.

A block marked `console` holds commands, each after a `$`, with their output. `curl -N` doesn't end; it runs on, and a block
marked `text` further down is what it says next. README_UPDATE=1 writes what was seen into the README instead.
"""
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from support import BINARY, ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DATE = re.compile(r"^Date: .*$", re.MULTILINE)
SHOWN_DATE = "Date: Sat, 21 Nov 2026 12:00:00 GMT"
SINCE = re.compile(r'"since":"[^"]*"')
SHOWN_SINCE = '"since":"2026-11-21T12:00:00.000Z"'
SHOWN_EPOCH = "2895aeb2fcd56705"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stream:
    """A command that doesn't end by itself."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, shell=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)

    def read(self):
        """What comes until a frame has ended and nothing follows for half a second; 10 seconds at most for the first."""
        text, patience = b"", 10
        while select.select([self.process.stdout], [], [], patience)[0]:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                break
            text += piece
            patience = 0.5 if text.endswith(b"\n\n") else 10
        return text.decode()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(10)
        self.process.stdout.close()


class Session:
    """Runs the blocks in order, as a reader would."""

    def __init__(self):
        self.port = free_port()
        self.server, self.stream, self.epoch = None, None, ""
        self.log = tempfile.TemporaryFile("w+")
        self.data = tempfile.TemporaryDirectory()  # what an earlier session left in fibd-data would be seen here

    def start_server(self):
        environment = os.environ | {"FIBD_LISTEN": f"127.0.0.1:{self.port}", "FIBD_BINARY": str(BINARY),
                                    "FIBD_DATA_DIR": f"{self.data.name}/data"}
        self.server = subprocess.Popen([ROOT / "scripts/run"], env=environment, stderr=self.log)
        for _ in range(300):
            self.log.seek(0)
            text = self.log.read()
            if "Ctrl-C stops it" in text:
                return self.await_hardware()
            time.sleep(0.1)
        raise AssertionError(f"'make run' didn't come to its end: {text}")

    def await_hardware(self):
        """Until the simulated switch has answered for the sample table, so that numbers are the same each time."""
        for _ in range(300):
            with urllib.request.urlopen(f"http://localhost:{self.port}/v1/routes") as answer:
                states = {row["hw"]["state"] for row in json.load(answer)}
            if "pending" not in states and states != {"none"}:
                return
            time.sleep(0.1)
        raise AssertionError(f"after half a minute routes are {states}")

    def actual(self, command):
        return command.replace("localhost:8080", f"localhost:{self.port}").replace(SHOWN_EPOCH, self.epoch)

    def shown(self, output):
        """With what differs each time replaced by what the README says there."""
        if not self.epoch and (found := re.search(r'"epoch":"([0-9a-f]+)"', output)):
            self.epoch = found[1]
        output = output.replace(self.epoch, SHOWN_EPOCH) if self.epoch else output
        output = SINCE.sub(SHOWN_SINCE, output)
        output = DATE.sub(SHOWN_DATE, output.replace(f"localhost:{self.port}", "localhost:8080"))
        # Blanks at line ends (there is one after an empty "id:") don't survive every editor.
        return "\n".join(line.rstrip() for line in output.strip().splitlines())

    def run(self, command):
        if command == "make run":
            # The build is what the whole test stands on; the rest of it is this script.
            self.start_server()
            return ""
        command = self.actual(command)
        if command.startswith("curl -N "):
            self.stop_stream()
            self.stream = Stream(command.replace("curl -N", "exec curl -sN"))
            return self.shown(self.stream.read())
        command = re.sub(r"^curl ", "curl -s ", command)
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
        if done.returncode != 0 or done.stderr:
            raise AssertionError(f"{command}: status {done.returncode}, {done.stderr}")
        return self.shown(done.stdout)

    def block(self, language, text):
        """The block as it should read."""
        if language == "text":
            return self.shown(self.stream.read()) + "\n"
        parts = []
        for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
            output = self.run(command)
            parts.append(f"$ {command}\n" + (output + "\n" if output else ""))
        return "".join(parts)

    def stop_stream(self):
        if self.stream:
            self.stream.stop()
            self.stream = None

    def end(self):
        self.stop_stream()
        status = 0
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            status = self.server.wait(15)
        self.log.close()
        self.data.cleanup()
        return status


class ReadmeTests(unittest.TestCase):
    maxDiff = None

    def test_readme_shows_what_happens(self):
        session = Session()
        try:
            text = README.read_text()
            if os.environ.get("README_UPDATE"):
                README.write_text(BLOCK.sub(lambda m: f"```{m[1]}\n{session.block(m[1], m[2])}```", text))
                return
            blocks = BLOCK.findall(text)
            self.assertGreater(len(blocks), 5)
            for language, content in blocks:
                self.assertIn(language, ("console", "text"), "a block that no test runs")
                with self.subTest(block=content.split("\n")[0]):
                    self.assertEqual(content, session.block(language, content))
        finally:
            status = session.end()
        self.assertEqual(status, 0, "the server's exit status")


DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]


class DocumentTests(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
                if not target.startswith("http"):
                    with self.subTest(document=document.name, link=target):
                        self.assertTrue((document.parent / target).exists())

    def test_what_the_glossary_points_to_is_in_the_code(self):
        code = "".join(path.read_text() for path in (ROOT / "Sources").glob("**/*.swift"))
        rows = re.findall(r"^\| \*\*.*\| (.*) \|$", (ROOT / "docs/GLOSSARY.md").read_text(), re.MULTILINE)
        self.assertGreater(len(rows), 30)
        for name in sorted(set(re.findall(r"`(\w+)`", " ".join(rows)))):
            with self.subTest(name=name):
                self.assertRegex(code, rf"\b(struct|class|enum|protocol) {name}\b")

    def test_targets_of_make_that_the_documents_name_exist(self):
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for document in DOCUMENTS:
            for name in re.findall(r"`(?:\w+=\w+ )?make ([a-z-]+)`", document.read_text()):
                with self.subTest(document=document.name, target=name):
                    self.assertIn(name, targets)


if __name__ == "__main__":
    unittest.main()
