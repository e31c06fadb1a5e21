#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Clients that do what they should not: the others do not notice, and nothing is left behind."""
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time

from rig import MAGIC, SERVER, Client, Server, client_process, equal, eventually, main, test


@test
def slow(stack):
    """one that does not read is dropped after the time limit, and nobody waits for it"""
    server = Server(stack, "-N", "64", "-n", "8", "-t", "1")
    # 515 messages do not fit into the socket
    stuck = Client(stack, server.path)
    begin = time.monotonic()
    good = Client(stack, server.path, (64, 8))
    equal(len(good.bells), 64, "ids")
    unread = server.status()["clients"][0]["unread"]
    assert unread, "everything fitted: nothing is tested"
    server.says("peer 0 left: does not read")
    assert time.monotonic() - begin >= 0.9, "dropped at once"
    assert good.rung(), "the other is not told"
    equal(server.status()["connected"], 1, "connected")
    assert stuck.gone()


@test
def in_flight(stack):
    """one user may have so many descriptors under way: who reads waits for those who do not, and gets all"""
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))
        if os.geteuid() == 0:   # for whom there is no such limit
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    os.chmod(".", 0o777)
    shutil.copy(SERVER, "program")
    server = Server(stack, "-N", "64", "-t", "2", limits=limits, program="./program")
    stuck = [Client(stack, server.path) for _ in range(8)]
    good = Client(stack, server.path)
    got = [good.get(), good.get()]
    assert good.silent(3.5), "it is told all at once: nothing is tested"
    for client in stuck:
        client.close()
    got += [good.get() for _ in range(65)]
    assert None not in got, "dropped, though it reads"


@test
def slowly(stack):
    """one that reads slowly gets everything"""
    server = Server(stack, "-N", "64", "-n", "8", "-t", "1")
    client = Client(stack, server.path)
    for _ in range(515):
        assert client.get(), "dropped"
        time.sleep(0.008)
    assert client.silent(1.5), "dropped, or told more"
    equal(server.status()["connected"], 1, "connected")


@test
def talkative(stack):
    """one that sends, whatever and how much, stays; and costs others nothing"""
    server = Server(stack, "-N", "3")
    talker, other = (Client(stack, server.path, (3, 1)) for _ in range(2))
    talker.sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    for _ in range(100):
        with open("/dev/null", "rb") as null:
            socket.send_fds(talker.sock, [b"x"], [null.fileno()] * 10)
    fds = server.fds()
    end = time.monotonic() + 2
    sent = 0
    talker.sock.settimeout(1)
    while time.monotonic() < end:
        try:
            sent += talker.sock.send(bytes(65536))
        except TimeoutError:
            pass
    assert sent > 65536, "nothing was sent"
    assert sent < 8 << 20, f"{sent} bytes were read, which is work for nothing"
    third = Client(stack, server.path, (3, 1))
    third.close()
    assert other.rung(), "no news while one talks"
    equal([c["id"] for c in server.status()["clients"]], [0, 1], "connected")
    equal(server.fds(), fds, "descriptors")
    # The end is seen, whatever is unread
    talker.close()
    assert other.rung(), "its end is not seen"


@test
def no_leaks(stack):
    """2000 connections, ended at every point: no descriptor stays"""
    server = Server(stack, "-N", "8", "-n", "4")
    stay = Client(stack, server.path, (8, 4))
    eventually(lambda: server.status()["connected"] == 1, "one client")
    before = server.fds()
    for i in range(2000):
        client = Client(stack, server.path)
        for _ in range(i % 36):
            if not client.get():
                break
        client.close()
    eventually(lambda: server.status()["connected"] == 1, "only one client is left")
    equal(server.fds(), before, "descriptors")
    equal(server.status()["joined"] + server.status()["refused"], 2001, "connections")
    assert stay.rung(0) and stay.silent()


@test
def no_leaks_classic(stack):
    """--classic: neither, with bells that come and go, and others that are told"""
    server = Server(stack, "-N", "8", "-n", "4", "--classic")
    stay = Client(stack, server.path)
    for _ in range(7):
        stay.get()
    before = server.fds()
    for i in range(300):
        client = Client(stack, server.path)
        for _ in range(i % 11):
            client.get()
        client.close()
        notices = [stay.get() for _ in range(5)]
        equal([n[0] for n in notices], [i + 1] * 5, "notices")
        stay.forget()
    # The notice comes before the last descriptor is closed
    eventually(lambda: server.fds() == before, "no more descriptors than before")


@test
def no_descriptors(stack):
    """without descriptors: clients are turned away, then let in again"""
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (36, 36))

    server = Server(stack, "-N", "16", limits=limits)
    clients = [Client(stack, server.path) for _ in range(16)]
    server.says("no descriptor for another client")
    time.sleep(0.5)     # for each of them
    before = server.log().count("no descriptor")
    time.sleep(0.5)
    equal(server.log().count("no descriptor"), before, "lines, while nobody connects")
    for client in clients:
        client.close()
    eventually(lambda: server.log().count("left:") == server.log().count("joined:"), "all left")
    Client(stack, server.path, (16, 1))
    assert server.alive()


@test
def not_enough_for_bells(stack):
    """without descriptors for the doorbells: an error at the start"""
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    server = Server(stack, "-N", "32", limits=limits, wait=False)
    equal(server.process.wait(10), 1, "status")
    server.says("cannot make doorbells")


@test
def blocked_bells(stack):
    """one that makes doorbells block, over and over: the server goes on"""
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run(["gcc", "-O2", "-o", "spoiler", here + "/spoiler.c"], check=True)
    server = Server(stack, "-v", "-N", "4")
    bad, good = (Client(stack, server.path, (4, 1)) for _ in range(2))
    # All of them full for good, then two that change all the time
    for fd, in bad.bells.values():
        os.write(fd, struct.pack("=Q", 2**64 - 2))
        os.set_blocking(fd, True)
    Client(stack, server.path).close()
    eventually(lambda: server.status()["connected"] == 2, "the third left")
    assert good.rung(), "not rung"
    for peer in (0, 2):
        fd = bad.bells[peer][0]
        process = subprocess.Popen(["./spoiler", str(fd)], pass_fds=[fd])
        stack.callback(process.wait)
        stack.callback(process.kill)
    for _ in range(3000):
        Client(stack, server.path).close()
    eventually(lambda: server.status()["connected"] == 2, "all others left")
    assert good.rung(), "not rung"
    print(f"# blocked {server.log().count('blocks the doorbell')} times")


@test
def lies(stack):
    """a section full of nonsense: the log and the status stay text"""
    server = Server(stack, "-N", "3")
    a, b = (Client(stack, server.path, (3, 1)) for _ in range(2))
    at = b.attach(server, b"\x1b[2J\n%s%n\"\\" + b"\xff" * 21)
    server.says("peer 1 is ")
    assert "\x1b" not in server.log() and "%s%n" in server.log(), server.log()
    b.put(at + MAGIC, 1)
    equal(server.status()["clients"][1]["name"], "", "name without magic")
    for offset in range(0, 8192, 4):
        a.put(offset, 0xffffffff)
    a.memory[at:at + 65536] = b"\xee" * 65536
    b.close()
    assert a.rung(), "not rung"
    equal(Client(stack, server.path, (3, 1)).id, 1, "id of the next")
    equal(server.status()["section"], (4 << 20) // 3 // 65536 * 65536, "bytes of a section")


@test
def vanishing(stack):
    """many killed at the same time: one who stays is told, all slots are free again"""
    server = Server(stack, "-N", "8")
    stay = Client(stack, server.path, (8, 1))
    processes = [client_process(stack, server.path, (8, 1)) for _ in range(7)]
    assert Client(stack, server.path).gone(), "an eighth of seven"
    for pid, _ in processes:
        os.kill(pid, signal.SIGKILL)
    assert stay.rung(), "not rung"
    # A signal is not yet an end
    eventually(lambda: len(server.status()["clients"]) == 1, "the others gone")
    equal(sorted(Client(stack, server.path, (8, 1)).id for _ in range(7)), list(range(1, 8)), "ids")


main()
