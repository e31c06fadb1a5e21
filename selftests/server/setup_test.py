#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Options, sockets, memory of every kind, what is refused at the start, ending, the status."""
import fcntl
import grp
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import time

from rig import (EPOCH, PATIENCE, SERVER, Client, Server, equal, eventually, main, refused, test)


def pid_in(path):
    return int(open(path).read())


@test
def too_large(stack):
    """memory that there is not is an error at the start"""
    kib = int(re.search(r"MemAvailable: +(\d+)", open("/proc/meminfo").read())[1])
    size = 1 << (2 * kib >> 10).bit_length()
    # Should the server try to have it: not at the expense of the machine
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, hard))
    said = refused("-S", "x.sock", "-l", f"{size}M")
    assert "not enough memory" in said, said
    assert not os.path.exists("x.sock"), "and yet there is a socket"


@test
def bad_options(stack):
    """what is wrong is said, with status 2"""
    for args, word in ((("-l", "3M"), "power of two"), (("-l", "x"), "number"),
                       (("-l", "4MB"), "K, M or G"), (("-n", "0"), "range"),
                       (("-N", "1"), "range"), (("-N", "65"), "range"),
                       (("-N", "64", "-n", "9"), "512"), (("-o", "8"), "number"),
                       (("-i", "a/b"), "plain name"), (("operand",), "operand"),
                       (("-M", "a", "-m", "b"), "exclude"), (("-t", "-1"), "range"),
                       (("-H", "-m", "b"), "hugetlbfs")):
        result = subprocess.run([SERVER, "-F", "-S", "x.sock", *args], capture_output=True,
                                text=True, timeout=PATIENCE)
        equal(result.returncode, 2, f"status with {args}")
        assert word in result.stderr, f"{args}: {result.stderr}"
    for args, word in ((("-l", "64K", "-N", "64"), "do not fit"),
                       (("-g", "no-such-group"), "no group"), (("-S", "x" * 200), "too long")):
        said = refused("-S", "x.sock", *args)
        assert word in said, f"{args}: {said}"


@test
def help_and_man(stack):
    """--help, the manual page and the table of options agree"""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    text = subprocess.run([SERVER, "--help"], check=True, capture_output=True, text=True).stdout
    page = open(top + "/lib/man/shmipc-server.8").read()
    options = [line.split()[:2] for line in text.splitlines() if line.startswith("  -")]
    assert len(options) > 15, options
    for letter, long in options:
        line = f".It Fl {letter[1]} , Fl -{long[2:]}"
        assert line in page, f"not in the page: {line}"
    equal(page.count("\n.It Fl "), len(options), "options in the page")


@test
def sock(stack):
    """the socket: mode 0660, a mode and a group of one's own"""
    server = Server(stack)
    equal(stat.S_IMODE(os.stat(server.path).st_mode), 0o660, "mode")
    group = next(g for g in grp.getgrall() if g.gr_gid not in os.getgroups() + [os.getgid()])
    if os.geteuid():
        group = grp.getgrgid(os.getgid())
    server = Server(stack, "-o", "0600", "-g", group.gr_name, name="other")
    for path in (server.path, server.control):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
        equal(os.stat(path).st_gid, group.gr_gid, "group")
    server = Server(stack, "-g", str(group.gr_gid), name="third")
    equal(os.stat(server.path).st_gid, group.gr_gid, "group by number")


@test
def units(stack):
    """the units: the control socket is for the same group as the other, the options work"""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    service, wanted = (open(f"{top}/tools/systemd/shmipc-server@.{kind}").read()
                       for kind in ("service", "socket"))
    args = re.search(r"^ExecStart=\S+ (.*) \$OPTIONS$", service, re.M)[1].split()
    group = re.search(r"^SocketGroup=(.*)$", wanted, re.M)[1]
    equal(args[args.index("-g") + 1], group, "group")
    mine = {"%i": "lab", "/run/shmipc/%i.sock": "lab.sock", "/run/shmipc/%i.control": "lab.control",
            group: str(os.getgid())}
    Server(stack, *(mine.get(arg, arg) for arg in args), name="lab")
    equal(stat.S_IMODE(os.stat("lab.control").st_mode), 0o660, "mode")


@test
def stale(stack):
    """a socket left behind is replaced, one in use or something else is not"""
    server = Server(stack)
    said = refused("-S", server.path)
    assert "another server" in said, said
    Client(stack, server.path, (8, 1))
    server.kill()
    assert os.path.exists(server.path), "nothing is left behind to test with"
    server = Server(stack)
    Client(stack, server.path, (8, 1))
    open("file", "w").close()
    said = refused("-S", "file")
    assert "not a socket" in said and os.path.exists("file"), said
    # Only its own socket is removed at the end
    os.unlink(server.path)
    other = socket.socket(socket.AF_UNIX)
    stack.callback(other.close)
    other.bind(server.path)
    equal(server.terminate(), 0, "status")
    assert os.path.exists(server.path), "another's socket is gone"


@test
def at_once(stack):
    """of servers that start at once one gets the socket; a lock that is held stops none for long"""
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, folder)
    fcntl.flock(folder, fcntl.LOCK_EX)
    other = socket.socket(socket.AF_UNIX)
    stack.callback(other.close)
    other.bind("x.sock")
    late = Server(stack, "-S", "x.sock", name="late", wait=False)
    time.sleep(0.5)
    other.listen()
    fcntl.flock(folder, fcntl.LOCK_UN)
    equal(late.process.wait(PATIENCE), 1, "status of the late one")
    assert "another server" in late.log(), late.log()

    many = [Server(stack, "-S", "y.sock", name=f"many{n}", wait=False) for n in range(5)]
    eventually(lambda: sum(s.alive() for s in many) == 1, "one is left")
    next(s for s in many if s.alive()).wait_ready()
    Client(stack, "y.sock", (8, 1))

    fcntl.flock(folder, fcntl.LOCK_EX)
    Client(stack, Server(stack).path, (8, 1))


@test
def daemon(stack):
    """in the background: returns when it works, pid file, SIGTERM; or says why not"""
    args = [SERVER, "-S", "d.sock", "-p", "d.pid"]
    subprocess.run(args, check=True, timeout=PATIENCE)
    pid = pid_in("d.pid")
    stack.callback(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, signal.SIGKILL))
    Client(stack, "d.sock", (8, 1))
    result = subprocess.run(args, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 1 and "another server" in result.stderr, result
    equal(pid_in("d.pid"), pid, "pid file")
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not os.path.exists("d.pid") and not os.path.exists("d.sock"), "the end")


@test
def qemu_letters(stack):
    """all letters of QEMU's example at once"""
    name = f"shmipc-test-{os.getpid()}"
    stack.callback(lambda: os.path.exists(f"/dev/shm/{name}") and os.unlink(f"/dev/shm/{name}"))
    server = Server(stack, "-v", "-p", "q.pid", "-M", name, "-l", "2M", "-n", "2")
    equal(pid_in("q.pid"), server.process.pid, "pid file")
    client = Client(stack, server.path, (8, 2))
    client.memory[8192:8195] = b"abc"
    with open(f"/dev/shm/{name}", "rb") as file:
        equal(file.read()[8192:8195], b"abc", "what is in the object")
    equal(server.status()["memory"], "shm", "kind")


@test
def files(stack):
    """a file as memory: an unnamed one, yesterday's, another's"""
    server = Server(stack, "-m", ".", "-l", "1M")
    equal(len(Client(stack, server.path, (8, 1)).memory), 1 << 20, "size")
    assert not [f for f in os.listdir(".") if f.startswith("shmipc-server.")], "it has a name"
    server.terminate()

    server = Server(stack, "-m", "file", "-l", "1M", "-N", "3", name="y")
    client = Client(stack, server.path, (3, 1))
    at = client.attach(server)
    server.kill()
    server = Server(stack, "-m", "file", "-l", "1M", "-N", "3", name="y")
    equal(client.word(at + EPOCH), 0, "yesterday's peer")
    for args, word in ((("-l", "2M", "-N", "3"), "bytes, not"), (("-l", "1M", "-N", "4"), "3 peers"),
                       (("-l", "1M", "-N", "3", "-C"), "without --classic")):
        said = refused("-S", "z.sock", "-m", "file", *args)
        assert word in said, said
    with open("foreign", "wb") as file:
        file.write(bytes(100) + b"precious" + bytes((1 << 20) - 108))
    said = refused("-S", "z.sock", "-m", "foreign", "-l", "1M")
    assert "not shmipc's" in said, said
    with open("foreign", "rb") as file:
        equal(file.read(108), bytes(100) + b"precious", "what was there")


@test
def status(stack):
    """the status is JSON and true"""
    server = Server(stack, "-N", "3", "-n", "2", "-l", "1M", "-i", 'na"me\\')
    client = Client(stack, server.path, (3, 2))
    client.attach(server, b'gu"est\\\n\xff')
    said = server.status()
    for key, value in (("name", 'na"me\\'), ("peers", 3), ("vectors", 2), ("size", 1 << 20),
                       ("sealed", True), ("memory", "memfd"), ("classic", False),
                       ("connected", 1), ("joined", 1), ("pid", server.process.pid)):
        equal(said[key], value, key)
    peer = said["clients"][0]
    for key, value in (("id", 0), ("name", 'gu"est\\x5c\\x0a\\xff'), ("attached", True),
                       ("pid", os.getpid()), ("uid", os.getuid()), ("unread", 0)):
        equal(peer[key], value, key)
    result = subprocess.run([SERVER, "-s", "no.control"], capture_output=True, text=True)
    assert result.returncode == 1 and "no.control" in result.stderr, result


@test
def hugepages(stack):
    """--hugepages: from the pool, or an error that names it"""
    free = int(open("/proc/sys/vm/nr_hugepages").read())
    if free < 2:
        said = refused("-S", "x.sock", "-H", "-l", "4M")
        assert "huge" in said or "create memory" in said, said
        return
    server = Server(stack, "-H", "-l", "4M")
    Client(stack, server.path, (8, 1))
    equal(server.status()["memory"], "hugepages", "kind")


main()
