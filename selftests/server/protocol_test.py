#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What clients are told, message by message, and what the server writes into the memory."""
import fcntl
import os
import signal
import struct
import time

from rig import (BLOCK, EPOCH, ROSTER, SERVER_BEAT, SERVER_EPOCH, Client, Server, client_process,
                 equal, eventually, kill_process, main, readable, test)

F_GET_SEALS, SEALS = 1034, 0b111    # SEAL, SHRINK, GROW


def kinds(messages):
    return [(number, fd is not None) for number, fd in messages]


@test
def welcome(stack):
    """a new client: version, id, memory, all others' bells, its own bells"""
    server = Server(stack, "-N", "3", "-n", "2")
    other = Client(stack, server.path, (3, 2))
    equal(other.id, 0, "first id")
    client = Client(stack, server.path)
    got = kinds(client.get() for _ in range(3 + 6))
    equal(got, [(0, False), (1, False), (-1, True)] +
          [(0, True)] * 2 + [(2, True)] * 2 + [(1, True)] * 2, "messages")
    assert client.silent(), "something follows"
    assert other.silent(), "others are told of a client that joins"


@test
def lowest_id(stack):
    """the lowest free id, nobody is told of leaving, a full house"""
    server = Server(stack, "-N", "3")
    clients = [Client(stack, server.path, (3, 1)) for _ in range(3)]
    equal([c.id for c in clients], [0, 1, 2], "ids")
    assert Client(stack, server.path).gone(), "a fourth client of three"
    server.says("all 3 slots are taken")
    # No time between leaving and joining: the server may hear of the latter first
    clients[1].close()
    equal(Client(stack, server.path, (3, 1)).id, 1, "id of the next")
    assert clients[0].silent(), "somebody was told"
    equal(server.status()["refused"], 1, "refused")
    # Now it hears of the joining first
    server.process.send_signal(signal.SIGSTOP)
    late = Client(stack, server.path)
    clients[2].close()
    server.process.send_signal(signal.SIGCONT)
    equal(late.hello(3, 1).id, 2, "id of who joined before the other left")


@test
def bells(stack):
    """bells lead to whom they are said to, vector by vector"""
    server = Server(stack, "-N", "4", "-n", "3")
    a, b, c = (Client(stack, server.path, (4, 3)) for _ in range(3))
    a.ring(1, 2)
    c.ring(0, 1)
    assert b.rung(2) and a.rung(1), "not rung"
    for client in (a, b, c):
        for vector in range(3):
            assert not client.rung(vector, 0), f"{client.id} is rung on {vector}"


@test
def memory(stack):
    """memory: sealed, all there, divided before the first client, shared"""
    server = Server(stack, "-N", "5", "-l", "1M")
    a, b = (Client(stack, server.path, (5, 1)) for _ in range(2))
    equal(len(a.memory), 1 << 20, "size")
    equal(fcntl.fcntl(a.memory_fd, F_GET_SEALS) & SEALS, SEALS, "seals")
    assert os.fstat(a.memory_fd).st_blocks * 512 >= 1 << 20, "not allocated"
    equal(a.word(0), 0x534d << 16 | 1 << 12 | 1 << 8 | 5, "geometry")
    a.memory[99999:100004] = b"hello"
    equal(b.memory[99999:100004], b"hello", "what the other reads")
    try:
        os.ftruncate(a.memory_fd, 4096)
        raise AssertionError("a client can truncate the memory")
    except PermissionError:
        pass


@test
def roster(stack):
    """roster: who is there and how often, an epoch, a beat, 0 at the end"""
    server = Server(stack, "-N", "3")
    a, b = (Client(stack, server.path, (3, 1)) for _ in range(2))

    def present(slot):
        return struct.unpack_from("<II", a.memory, ROSTER + 16 * slot)

    equal([present(s) for s in range(3)], [(1, 1), (1, 1), (0, 0)], "roster")
    b.close()
    eventually(lambda: present(1) == (0, 1), "the roster shows that 1 left")
    c = Client(stack, server.path, (3, 1))
    equal((c.id, present(1)), (1, (2, 2)), "the slot's second client")
    assert a.word(SERVER_EPOCH), "no epoch"
    beat = a.word(SERVER_BEAT)
    eventually(lambda: a.word(SERVER_BEAT) != beat, "beat")
    beat = a.word(SERVER_BEAT)
    time.sleep(1.1)
    assert a.word(SERVER_BEAT) != beat, "no beat for a second"
    equal(server.terminate(), 0, "status")
    equal(a.word(SERVER_EPOCH), 0, "epoch of a server that ended")
    assert not os.path.exists(server.path), "socket left behind"


@test
def burial(stack):
    """kill -9 of a client: section taken down, all others rung on every vector"""
    server = Server(stack, "-N", "4", "-n", "2")
    others = [Client(stack, server.path, (4, 2)) for _ in range(2)]
    pid, id_ = client_process(stack, server.path, (4, 2))
    at = others[0].attach(server, b"guest-c", doorbell=id_, slot=id_)
    server.says(f'peer {id_} is "guest-c"')
    # A ring for the dead one does not outlive it
    others[0].ring(id_, 1)
    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    for client in others:
        assert client.rung(0) and client.rung(1), f"{client.id} is not rung"
    print(f"# told after {1000 * (time.monotonic() - start):.1f} ms")
    equal(others[0].word(at + EPOCH), 0, "epoch of the dead")
    equal(others[0].word(at + BLOCK), 0, "incarnation of the dead")
    equal(others[0].word(ROSTER + 16 * id_), 0, "its place in the roster")
    server.says(f"peer {id_} (guest-c) left")
    late = Client(stack, server.path, (4, 2))
    equal(late.id, id_, "id of the next")
    assert not late.rung(1, 0), "an old ring reaches the next client"
    equal(server.status()["clients"][id_]["name"], "", "name of who has not attached")


@test
def classic(stack):
    """--classic: only who is connected, notices of joining and leaving, ids that grow"""
    server = Server(stack, "-N", "3", "-n", "2", "--classic")
    a = Client(stack, server.path)
    equal(kinds(a.get() for _ in range(5)),
          [(0, False), (0, False), (-1, True), (0, True), (0, True)], "alone")
    assert a.silent(), "somebody is announced who is not there"
    b = Client(stack, server.path)
    equal(kinds(b.get() for _ in range(7)), [(0, False), (1, False), (-1, True)] +
          [(0, True)] * 2 + [(1, True)] * 2, "the second")
    news = [a.get(), a.get()]
    equal(kinds(news), [(1, True)] * 2, "notice of joining")
    os.write(news[1][1], struct.pack("=Q", 1))
    assert readable(b.fds[-1], 1), "the bell in the notice is not the second's"
    b.close()
    equal(a.get(), (1, None), "notice of leaving")
    c = Client(stack, server.path)
    equal(kinds(c.get() for _ in range(7))[1], (2, False), "id of the next")
    geometry = struct.unpack("<I", os.pread(a.fds[0], 4, 0))[0]
    equal(geometry, 0x534d << 16 | 1 << 12 | 3, "geometry, without a server's slots")
    equal(struct.unpack("<I", os.pread(a.fds[0], 4, SERVER_EPOCH))[0], 0, "server's epoch")


@test
def classic_wraps(stack):
    """--classic: ids wrap at 65536, past those in use"""
    server = Server(stack, "-N", "2", "--classic")
    first = Client(stack, server.path)
    equal(kinds(first.get() for _ in range(2))[1], (0, False), "id")
    pid = os.fork()     # reads the notices
    if not pid:
        while message := first.get():
            if message[1] is not None:
                os.close(message[1])
        os._exit(0)
    stack.callback(kill_process, pid)
    for joined in range(65535):
        if joined % 500 == 0:   # no faster than the notices are read
            eventually(lambda: server.status()["clients"][0]["unread"] < 1000, "notices are read")
        last = Client(stack, server.path)
        last.get()
        id_ = last.get()[0]
        last.close()
    equal(id_, 65535, "the largest id")
    last = Client(stack, server.path)
    equal(kinds(last.get() for _ in range(2))[1], (1, False), "id after it")


main()
