"""Where a run takes place: a temporary directory, the programs that were started, and how the C clients are called."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "Benchmarks/Clients/.build"


class Missing(Exception):
    """Something to compare with isn't installed here, or doesn't work here. Says what to do."""


class Lab:
    def __init__(self, fibd_binary):
        self.fibd_binary = fibd_binary
        self.directory = None
        self.running = []

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="fibd-bench-")
        self.directory = pathlib.Path(self.holder.name)
        return self

    def __exit__(self, *_):
        for program in list(self.running):
            self.stop(program)
        self.holder.cleanup()

    # Programs

    def start(self, *command, **options):
        """Starts a program in a directory of its own; what it says on standard error ends up there."""
        home = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        with open(home / "errors", "wb") as errors:
            options = {"stdout": subprocess.DEVNULL, "stderr": errors, "cwd": home, "text": True, **options}
            program = subprocess.Popen([str(word) for word in command], **options)
        program.home = home
        self.running.append(program)
        return program

    def stop(self, program):
        """Ends a program that was started here, and only that one."""
        self.running.remove(program)
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                program.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return program.wait(timeout=12)

    @contextlib.contextmanager
    def program(self, *command, **options):
        program = self.start(*command, **options)
        try:
            yield program
        finally:
            self.stop(program)

    @contextlib.contextmanager
    def fibd(self, *arguments, data=None):
        """A fibd with nothing in it, or with what is in its data directory. Its `address` is where it listens."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FIBD_")}
        keeps = ["--data-dir", data] if data else ["--ephemeral"]
        switch = [] if "--simulated-switch" in arguments else ["--simulated-switch", "none"]
        command = [self.fibd_binary, *keeps, *switch, "--listen", "127.0.0.1:0", *arguments]
        with self.program(*command, env=environment) as program:
            program.address = wait_for("fibd to listen", lambda: listening_address(program.home / "errors"))
            yield program

    @contextlib.contextmanager
    def limit(self, name, *arguments):
        """One of our own servers, which print where they listen."""
        with self.program(CLIENTS / name, *arguments, stdout=subprocess.PIPE) as program:
            program.address = json.loads(program.stdout.readline())["address"]
            yield program

    def client(self, name, *arguments, prefix=(), timeout=120):
        """Runs a client to its end and returns what it reports."""
        command = [str(word) for word in (*prefix, CLIENTS / name, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    @contextlib.contextmanager
    def beside(self, name, *arguments):
        """Runs a client meanwhile; `result()` waits for it and returns what it reports."""
        program = self.start(CLIENTS / name, *arguments, stdout=subprocess.PIPE)

        def result():
            text = program.communicate(timeout=120)[0]
            if program.returncode != 0:
                raise RuntimeError(f"{name} ended with {program.returncode}: {(program.home / 'errors').read_text()}")
            return json.loads(text.splitlines()[-1])

        program.result = result
        try:
            yield program
        finally:
            self.stop(program)

    # Tables

    def table(self, *options):
        """The full table as a file of NDJSON, made once a run."""
        path = self.directory / ("table" + "".join(options).replace("-", "_") + ".ndjson")
        if not path.exists():
            with open(path, "wb") as file:
                done = subprocess.run([ROOT / "Benchmarks/full-table", *options], stdout=file, stderr=subprocess.PIPE,
                                      check=False)
            if done.returncode != 0:
                path.unlink()
                raise Missing("the full table needs `apt-get install location libloc-database`")
        return path

    def load(self, server, table):
        return self.client("upload", server.address, "/v1/routes", table)


def alternate(count, **measures):
    """So many rounds, in each of which everything is measured once, one after the other: what is compared was measured
    side by side. Measures that are None are left out."""
    rounds = {name.replace("_", " "): [] for name, measure in measures.items() if measure}
    for _ in range(count):
        for name, measure in measures.items():
            if measure:
                rounds[name.replace("_", " ")].append(measure())
    return rounds


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.002)
    raise RuntimeError(f"waited {seconds} s in vain for {what}")


def listening_address(log):
    for line in log.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if entry.get("message") == "listening":
                return entry["address"]
    return None


def resident_bytes(process):
    pid = getattr(process, "pid", process)
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no memory to speak of")
