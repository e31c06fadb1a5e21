# SPDX-License-Identifier: GPL-2.0
"""What the tests of shmipc-server share: a server, clients of it, and TAP."""
import array
import contextlib
import json
import mmap
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.environ.get("SHMIPC_SERVER", TOP + "/build/tools/shmipc-server")
PATIENCE = 20   # seconds until something that has to happen counts as hanging

# Offsets in the region and in a section: include/uapi/linux/shmipc_wire.h
SERVER_EPOCH, SERVER_BEAT, ROSTER = 64, 68, 1024
MAGIC, SLOT, DOORBELL, VECTORS, NAME, EPOCH, BLOCK = 0, 20, 28, 32, 64, 128, 192

_tests = []


def test(function):
    _tests.append(function)
    return function


def main():
    """Run the tests, each in a folder of its own; those that are named, if any are."""
    unknown = set(sys.argv[1:]) - {t.__name__ for t in _tests}
    if unknown:
        sys.exit("no such test: " + " ".join(sorted(unknown)))
    chosen = [t for t in _tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    failed = 0
    for number, function in enumerate(chosen, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            good = run_one(function)
            os.chdir("/")
        print(f"{'ok' if good else 'not ok'} {number} - {function.__doc__}", flush=True)
        failed += not good
    print(f"1..{len(chosen)}")
    sys.exit(failed > 0)


def run_one(function):
    try:
        with contextlib.ExitStack() as stack:
            function(stack)
        return True
    except Exception:   # whatever it is, the next test runs
        for line in traceback.format_exc().splitlines():
            print("#", line)
        for log in sorted(f for f in os.listdir(".") if f.endswith(".log")):
            for line in open(log, errors="replace").read().splitlines()[-30:]:
                print(f"# {log}: {line}")
        return False


def equal(is_, wanted, what="value"):
    assert is_ == wanted, f"{what} is {is_!r}, not {wanted!r}"


def eventually(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return result


def readable(fd, seconds=0.0):
    return bool(select.select([fd], [], [], seconds)[0])


class Server:
    """shmipc-server in the foreground, its log in NAME.log."""

    def __init__(self, stack, *args, name="server", limits=None, wait=True,
                 program=SERVER):
        self.path, self.control = f"{name}.sock", f"{name}.control"
        self.log_path = f"{name}.log"
        command = [program, "-F", "-S", self.path, "-c", self.control, *args]
        self.process = subprocess.Popen(command, stderr=open(self.log_path, "w"),
                                        preexec_fn=limits)
        stack.callback(self.kill)
        if wait:
            self.wait_ready()

    def log(self):
        return open(self.log_path, errors="replace").read()

    def says(self, text):
        return eventually(lambda: text in self.log(), f"{self.log_path} says {text!r}")

    def wait_ready(self):
        eventually(lambda: "bytes each" in self.log() or self.process.poll() is not None, "start")
        assert self.process.poll() is None, "the server ended: " + self.log()

    def status(self):
        text = subprocess.run([SERVER, "-s", self.control], check=True, capture_output=True)
        return json.loads(text.stdout)

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def terminate(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def alive(self):
        return self.process.poll() is None


def refused(*args):
    """Start a server that must not start; what it says."""
    result = subprocess.run([SERVER, "-F", *args], capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), result
    return result.stderr


class Client:
    """A client as QEMU is one: every message with its descriptor."""

    def __init__(self, stack, path, hello=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        stack.callback(self.close)
        self.fds = []
        self.memory = None
        self.bells = {}
        self.sock.connect(path)
        if hello:
            self.hello(*hello)

    def get(self):
        """(number, descriptor or None), or None when the server hangs up."""
        room = socket.CMSG_SPACE(struct.calcsize("16i"))
        data, control, flags, _ = self.sock.recvmsg(8, room)
        if not data:
            return None
        equal(len(data), 8, "length of a message")
        assert not flags & socket.MSG_CTRUNC, "more descriptors than one"
        passed = array.array("i")
        for level, kind, payload in control:
            equal((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS), "control message")
            passed.frombytes(payload)
        assert len(passed) <= 1, f"{len(passed)} descriptors at once"
        self.fds += passed
        return struct.unpack("<q", data)[0], passed[0] if passed else None

    def silent(self, seconds=0.2):
        return not readable(self.sock, seconds)

    def gone(self):
        """Has the server hung up, whatever it said before?"""
        try:
            while self.get() is not None:
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True

    def hello(self, peers, vectors):
        """Everything that a new client of a default server is told."""
        equal(self.get(), (0, None), "version")
        self.id, fd = self.get()
        equal(fd, None, "descriptor with the id")
        number, fd = self.get()
        equal(number, -1, "number with the memory")
        self.memory = mmap.mmap(fd, 0)
        self.memory_fd = fd
        for _ in range(peers * vectors):
            peer, fd = self.get()
            assert fd is not None, f"no descriptor with a bell of {peer}"
            self.bells.setdefault(peer, []).append(fd)
        return self

    def ring(self, peer, vector=0):
        os.write(self.bells[peer][vector], struct.pack("=Q", 1))

    def rung(self, vector=0, seconds=PATIENCE):
        """Was our own bell struck? Clears it."""
        fd = self.bells[self.id][vector]
        if not readable(fd, seconds):
            return False
        os.read(fd, 8)
        return True

    def word(self, offset):
        return struct.unpack_from("<I", self.memory, offset)[0]

    def put(self, offset, value):
        struct.pack_into("<I", self.memory, offset, value)

    def section(self, server, slot):
        size = server.status()["section"]
        return (65536 if size >= 1 << 20 else 4096) + slot * size

    def attach(self, server, name=b"somebody", doorbell=None, slot=None):
        """Enough of a section for a server to see a peer in it."""
        slot = self.id if slot is None else slot
        at = self.section(server, slot)
        self.put(at + SLOT, slot)
        self.put(at + DOORBELL, self.id if doorbell is None else doorbell)
        self.put(at + VECTORS, 1)
        self.memory[at + NAME:at + NAME + 32] = name.ljust(32, b"\0")
        self.put(at + BLOCK, 77)
        self.put(at + EPOCH, 99)
        self.put(at + MAGIC, 0x43504d53)
        return at

    def close(self):
        if self.sock.fileno() >= 0:
            self.sock.close()
        if self.memory:
            self.memory.close()
            self.memory = None
        self.forget()

    def forget(self):
        """Close all descriptors that came."""
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def client_process(stack, path, hello):
    """A client in a process of its own that only waits to be killed: its pid and its id."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with contextlib.ExitStack() as inner:
                client = Client(inner, path, hello)
                os.write(writer, bytes([client.id]))
                signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    stack.callback(kill_process, pid)
    assert readable(reader, PATIENCE), "the client process does not get its id"
    id_ = os.read(reader, 1)[0]
    os.close(reader)
    return pid, id_


def kill_process(pid):
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
