// SPDX-License-Identifier: GPL-2.0
/*
 * driver/table.c: INFO, PEERS and PORTS.
 *
 * Red when: a value contradicts what the commands then do; rows are missing, doubled or
 * stale; a short array is an error or is overrun; a row of another length is misplaced;
 * counters do not count.
 */
#include "shmipc_pair.h"

TEST_F(pair, info)
{
	struct shmipc_info arg = info_arg();
	__u64 must = SHMIPC_FEAT_PORTS | SHMIPC_FEAT_PRIORITY | SHMIPC_FEAT_NAMES |
		     SHMIPC_FEAT_EVENTS | SHMIPC_FEAT_META;

	must_info(self->tx, &arg);
	EXPECT_EQ(must, arg.out_features & must);
	EXPECT_NE(0, arg.out_epoch);
	EXPECT_NE(0, arg.out_endpoint);
	EXPECT_EQ(SHMIPC_TRANSPORT_LOOPBACK, arg.out_transport);
	EXPECT_EQ(SHMIPC_FORMAT_NATIVE, arg.out_format);
	EXPECT_EQ(SHMIPC_DOORBELL_DIRECT, arg.out_doorbell);
	EXPECT_EQ(SHMIPC_MEMORY_CACHED, arg.out_memory);
	EXPECT_EQ(variant->tx_dev, arg.out_peer);
	EXPECT_LE(2, arg.out_peers);
	EXPECT_LT(0, arg.out_section_bytes);
	EXPECT_LE(arg.out_peers * arg.out_section_bytes, arg.out_region_bytes);
	EXPECT_LE(8, arg.out_max_ports);
	EXPECT_GE(1024, arg.out_max_ports);
	EXPECT_EQ(SHMIPC_DEPTH_MAX, arg.out_max_depth);
	EXPECT_LT(0, arg.out_max_bytes);
	EXPECT_EQ(SHMIPC_MSG_MAX, arg.out_max_msg);
	EXPECT_LT(0, arg.out_max_inline);
	EXPECT_GE(arg.out_max_msg, arg.out_max_inline);
	EXPECT_LT(0, arg.out_lane_bytes);
	EXPECT_GT(arg.out_section_bytes, arg.out_lane_bytes);
	EXPECT_LT(0, arg.out_uid_bytes);
	EXPECT_EQ(0, arg.out_reserved);
}

TEST_F(pair, endpoint_ids_are_not_reused)
{
	__u64 seen[200];
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		int fd = open_dev(0, O_RDWR);

		seen[i] = endpoint_id(fd);
		close(fd);
		EXPECT_NE(0, seen[i]);
		for (k = 0; k < i; k++)
			EXPECT_NE(seen[k], seen[i]);
	}
}

/* The largest message that INFO says goes in one piece, and one more byte */
TEST_F(pair, inline_limit)
{
	static char out[1 << 20], in[1 << 20];
	struct shmipc_info info = info_arg();
	unsigned int i;

	must_info(self->tx, &info);
	must_own(.max_size = 1 << 20);
	fill(out, sizeof(out), 1);
	for (i = 0; i < 3; i++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));
		unsigned int len = info.out_max_inline + i - 1;

		if (len > info.out_max_msg)
			break;
		must_send_to(self->tx, self->peer, self->port, out, len);
		must_recv(self->rx, &arg);
		EXPECT_EQ(len, arg.out_len);
		EXPECT_TRUE(filled(in, len, 1));
	}
}

TEST_F(pair, peers)
{
	struct shmipc_info info = info_arg();
	struct shmipc_peer_info row;
	__u32 us = own_peer(self->tx), i;

	must_info(self->tx, &info);
	for (i = 0; i < info.out_peers; i++) {
		ASSERT_EQ(0, peer_row(self->tx, i, &row));
		EXPECT_EQ(i == us, !!(row.flags & SHMIPC_PEER_FLAG_SELF));
		EXPECT_EQ(SHMIPC_PEER_UP, row.state);
		EXPECT_NE(0, row.epoch);
		EXPECT_EQ(0, row.errors);
		EXPECT_EQ(0, row.ports);
	}
	ASSERT_EQ(0, peer_row(self->tx, us, &row));
	EXPECT_EQ(info.out_epoch, row.epoch);
	EXPECT_EQ(ENOENT, peer_row(self->tx, info.out_peers, &row));
	must_own();
	ASSERT_EQ(0, peer_row(self->tx, own_peer(self->rx), &row));
	EXPECT_EQ(1, row.ports);
}

TEST_F(pair, peers_count_messages)
{
	struct shmipc_peer_info tx0, tx1, rx0, rx1;
	__u32 us = own_peer(self->tx), them = own_peer(self->rx);
	unsigned int i;

	if (is_local(variant))
		return;
	must_own(.depth = 64);
	ASSERT_EQ(0, peer_row(self->tx, them, &tx0));
	ASSERT_EQ(0, peer_row(self->rx, us, &rx0));
	for (i = 0; i < 10; i++)
		must_send_to(self->tx, self->peer, self->port, "x", 1);
	ASSERT_TRUE(arrived(self, 10));
	ASSERT_EQ(0, peer_row(self->tx, them, &tx1));
	ASSERT_EQ(0, peer_row(self->rx, us, &rx1));
	EXPECT_EQ(tx0.sent + 10, tx1.sent);
	EXPECT_EQ(rx0.received + 10, rx1.received);
	EXPECT_LT(tx0.rings, tx1.rings);
}

TEST_F(pair, short_arrays)
{
	struct shmipc_peer_info peers[3];
	struct shmipc_port_info ports[3];
	struct shmipc_peers peers_a = peers_arg(.elems = uptr(peers), .nr = 1);
	struct shmipc_ports ports_a = ports_arg(.elems = uptr(ports), .nr = 1, .peer = SELF);
	int other = open_dev(variant->rx_dev, O_RDWR);

	must_own(.port = 100);
	must_port_create(other, &port_create_arg(.port = 101));
	memset(peers, 0xee, sizeof(peers));
	memset(ports, 0xee, sizeof(ports));
	must_peers(self->rx, &peers_a);
	EXPECT_EQ(1, peers_a.out_nr);
	EXPECT_LE(2, peers_a.out_total);
	EXPECT_EQ(0xeeeeeeee, peers[1].peer);
	must_ports(self->rx, &ports_a);
	EXPECT_EQ(1, ports_a.out_nr);
	EXPECT_EQ(2, ports_a.out_total);
	EXPECT_EQ(0xeeeeeeee, ports[1].peer);
	/* none at all: how many are there? */
	peers_a.nr = 0;
	peers_a.elems = 0;
	must_peers(self->rx, &peers_a);
	EXPECT_EQ(0, peers_a.out_nr);
	EXPECT_LE(2, peers_a.out_total);
	ports_a.nr = 0;
	ports_a.elems = 0;
	must_ports(self->rx, &ports_a);
	EXPECT_EQ(0, ports_a.out_nr);
	EXPECT_EQ(2, ports_a.out_total);
	/* more than there is room for in any machine */
	ports_a.nr = ~0U;
	ports_a.elems = uptr(ports);
	must_ports(self->rx, &ports_a);
	EXPECT_EQ(2, ports_a.out_nr);
	close(other);
}

/* Rows of a newer caller are filled with zeros, those of an older one are cut */
TEST_F(pair, row_sizes)
{
	struct {
		struct shmipc_port_info row;
		__u64 more[2];
	} longer[2];
	struct {
		__u32 peer, port;
	} shorter[2];
	struct shmipc_ports arg;
	int other = open_dev(variant->rx_dev, O_RDWR);

	must_own(.port = 100);
	must_port_create(other, &port_create_arg(.port = 101));
	memset(longer, 0xee, sizeof(longer));
	arg = ports_arg(.peer = SELF, .elems = uptr(longer), .nr = 2,
			.elem_size = sizeof(longer[0]));
	must_ports(self->rx, &arg);
	EXPECT_EQ(2, arg.out_nr);
	EXPECT_EQ(201, longer[0].row.port + longer[1].row.port);
	EXPECT_EQ(0, longer[0].more[0] | longer[0].more[1] | longer[1].more[0] |
		     longer[1].more[1]);
	arg = ports_arg(.peer = SELF, .elems = uptr(shorter), .nr = 2,
			.elem_size = sizeof(shorter[0]));
	must_ports(self->rx, &arg);
	EXPECT_EQ(2, arg.out_nr);
	EXPECT_EQ(201, shorter[0].port + shorter[1].port);
	fail_ports(EINVAL, self->rx, &ports_arg(.peer = SELF, .elems = uptr(shorter), .nr = 2,
						.elem_size = 0));
	fail_peers(EINVAL, self->rx, &peers_arg(.elems = uptr(shorter), .nr = 2,
						.elem_size = 0));
	close(other);
}

TEST_F(pair, ports_of_whom)
{
	struct shmipc_port_info rows[8];
	struct shmipc_ports arg = ports_arg(.elems = uptr(rows), .nr = 8, .peer = self->peer);
	__u32 us = own_peer(self->tx), them = own_peer(self->rx);

	must_own(.port = 100);
	must_port_create(self->tx, &port_create_arg(.port = 101));
	must_ports(self->tx, &arg);
	EXPECT_EQ(is_local(variant) ? 2 : 1, arg.out_nr);
	arg.peer = ANY;
	must_ports(self->tx, &arg);
	EXPECT_EQ(2, arg.out_nr);
	arg.peer = SELF;
	must_ports(self->tx, &arg);
	EXPECT_EQ(is_local(variant) ? 2 : 1, arg.out_nr);
	EXPECT_EQ(us, rows[0].peer);
	arg.peer = them;
	must_ports(self->tx, &arg);
	EXPECT_EQ(them, rows[0].peer);
	fail_ports(EHOSTUNREACH, self->tx, &ports_arg(.peer = 63));
}

TEST_F(pair, port_row)
{
	struct shmipc_port_info row;
	char in[8];

	must_own(.port = 100, .depth = 5, .bytes = 10000, .max_size = 500, .name = "row",
		 .flags = SHMIPC_PORT_META);
	must_send_to(self->tx, self->peer, 100, "abc", 3);
	must_send_to(self->tx, self->peer, 100, "defg", 4);
	ASSERT_TRUE(arrived(self, 2));
	must_port_row(self->rx, SELF, 100, &row);
	EXPECT_EQ(own_peer(self->rx), row.peer);
	EXPECT_EQ(self->gen, row.generation);
	EXPECT_EQ(SHMIPC_PORT_META, row.flags);
	EXPECT_EQ(5, row.depth);
	EXPECT_EQ(10000, row.bytes);
	EXPECT_EQ(500, row.max_size);
	EXPECT_EQ(2, row.queued);
	EXPECT_EQ(7, row.queued_bytes);
	EXPECT_EQ(0, row.waiters);
	EXPECT_EQ(0, row.senders);
	EXPECT_EQ(0, row.drops);
	EXPECT_EQ(0, row.received);
	EXPECT_EQ(endpoint_id(self->rx), row.endpoint);
	EXPECT_EQ(getpid(), (pid_t)row.pid);
	EXPECT_EQ(getuid(), row.uid);
	EXPECT_STREQ("row", row.name);
	must_recv_now(self->rx, in, sizeof(in));
	must_port_row(self->rx, SELF, 100, &row);
	EXPECT_EQ(1, row.queued);
	EXPECT_EQ(4, row.queued_bytes);
	EXPECT_EQ(1, row.received);
	/* the same port as its peers see it */
	must_port_row(self->tx, self->peer, 100, &row);
	EXPECT_EQ(own_peer(self->rx), row.peer);
	EXPECT_EQ(self->gen, row.generation);
	EXPECT_EQ(5, row.depth);
	EXPECT_EQ(500, row.max_size);
	EXPECT_STREQ("row", row.name);
	if (!is_local(variant)) {
		EXPECT_EQ(0, row.queued);
		EXPECT_EQ(0, row.pid);
	}
}

/* The array is in bad memory from some row on */
TEST_F(pair, rows_that_cannot_be_written)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	fail_peers(EFAULT, self->rx,
		   &peers_arg(.elems = uptr(map + page - sizeof(struct shmipc_peer_info)),
			      .nr = 2));
}

TEST_HARNESS_MAIN
