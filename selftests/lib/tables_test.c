// SPDX-License-Identifier: GPL-2.0
/* region.c, peers.c, ports.c: what there is */
#include "lib_test.h"

TEST_F(pair, region)
{
	struct shmipc_region *a = shmipc_region_get(self->a);
	struct shmipc_region *b = shmipc_region_get(self->b);

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	EXPECT_EQ(PEER_A, shmipc_region_peer(a));
	EXPECT_EQ(PEER_B, shmipc_region_peer(b));
	EXPECT_EQ(2, shmipc_region_peers(a));
	EXPECT_EQ(SHMIPC_TRANSPORT_LOOPBACK, shmipc_region_transport(a));
	EXPECT_EQ(SHMIPC_FORMAT_NATIVE, shmipc_region_format(a));
	EXPECT_EQ(SHMIPC_DOORBELL_DIRECT, shmipc_region_doorbell(a));
	EXPECT_EQ(SHMIPC_MEMORY_CACHED, shmipc_region_memory(a));
	EXPECT_EQ(0, shmipc_region_vectors(a));
	EXPECT_NE(0, shmipc_region_features(a) & SHMIPC_FEAT_PORTS);
	EXPECT_NE(0, shmipc_region_epoch(a));
	EXPECT_NE(shmipc_region_epoch(a), shmipc_region_epoch(b));
	EXPECT_NE(0, shmipc_region_endpoint(a));
	EXPECT_EQ(shmipc_region_bytes(a), 2 * shmipc_region_section_bytes(a));
	EXPECT_LE(8, shmipc_region_max_ports(a));
	EXPECT_LE(SHMIPC_DEPTH_DEFAULT, shmipc_region_max_depth(a));
	EXPECT_LE(SHMIPC_BYTES_DEFAULT, shmipc_region_max_bytes(a));
	EXPECT_EQ(SHMIPC_MSG_MAX, shmipc_region_max_msg(a));
	EXPECT_LT(0, shmipc_region_max_inline(a));
	EXPECT_LT(0, shmipc_region_uid_bytes(a));
	EXPECT_LT(0, shmipc_region_lane_bytes(a));
	EXPECT_LT(strlen(shmipc_region_name(a)), SHMIPC_NAME_MAX);
	shmipc_region_free(a);
	shmipc_region_free(b);
}

TEST_F(pair, endpoints_have_different_ids)
{
	struct shmipc_endpoint *other = shmipc_open(DEV_A, 0);
	struct shmipc_region *one = shmipc_region_get(self->a);
	struct shmipc_region *two = shmipc_region_get(other);

	ASSERT_NE(NULL, one);
	ASSERT_NE(NULL, two);
	EXPECT_NE(shmipc_region_endpoint(one), shmipc_region_endpoint(two));
	EXPECT_EQ(shmipc_region_epoch(one), shmipc_region_epoch(two));
	shmipc_region_free(one);
	shmipc_region_free(two);
	shmipc_close(other);
}

TEST_F(pair, peers)
{
	struct shmipc_peer_table *table = shmipc_peer_table_get(self->a);
	const struct shmipc_peer *us, *them;

	ASSERT_NE(NULL, table);
	ASSERT_EQ(2, shmipc_peer_table_count(table));
	EXPECT_EQ(NULL, shmipc_peer_table_at(table, 2));
	us = shmipc_peer_table_at(table, 0);
	them = shmipc_peer_table_at(table, 1);
	EXPECT_EQ(PEER_A, shmipc_peer_id(us));
	EXPECT_EQ(PEER_B, shmipc_peer_id(them));
	EXPECT_EQ(SHMIPC_PEER_FLAG_SELF, shmipc_peer_flags(us));
	EXPECT_EQ(0, shmipc_peer_flags(them));
	EXPECT_EQ(SHMIPC_PEER_UP, shmipc_peer_state(them));
	EXPECT_EQ(1, shmipc_peer_ports(them));
	EXPECT_NE(0, shmipc_peer_epoch(them));
	EXPECT_EQ(0, shmipc_peer_resets(them));
	EXPECT_EQ(0, shmipc_peer_errors(them));
	EXPECT_LT(strlen(shmipc_peer_name(them)), SHMIPC_NAME_MAX);
	shmipc_peer_table_free(table);
	shmipc_peer_table_free(NULL);
}

TEST_F(pair, peers_count_messages)
{
	struct shmipc_peer_table *before = shmipc_peer_table_get(self->a), *after;
	const struct shmipc_peer *old, *new;

	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "x", 1, SOON));
	ASSERT_EQ(1, shmipc_discard(self->b, SOON));
	after = shmipc_peer_table_get(self->a);
	ASSERT_NE(NULL, before);
	ASSERT_NE(NULL, after);
	old = shmipc_peer_table_at(before, 1);
	new = shmipc_peer_table_at(after, 1);
	EXPECT_EQ(1, shmipc_peer_sent(new) - shmipc_peer_sent(old));
	EXPECT_EQ(0, shmipc_peer_received(new) - shmipc_peer_received(old));
	EXPECT_LE(shmipc_peer_rings(old), shmipc_peer_rings(new));
	shmipc_peer_table_free(before);
	shmipc_peer_table_free(after);
}

static const struct shmipc_port *find(struct shmipc_port_table *table, uint32_t number)
{
	for (size_t i = 0; table && i < shmipc_port_table_count(table); i++)
		if (shmipc_port_number(shmipc_port_table_at(table, i)) == number)
			return shmipc_port_table_at(table, i);
	return NULL;
}

TEST_F(pair, own_port)
{
	struct shmipc_region *region = shmipc_region_get(self->b);
	struct shmipc_port_table *table;
	const struct shmipc_port *port;

	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "12345", 5, SOON));
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "6", 1, SOON));
	ASSERT_EQ(5, shmipc_discard(self->b, SOON));
	ASSERT_EQ(1, shmipc_next_length(self->b, SOON));
	table = shmipc_port_table_get(self->b, SHMIPC_PEER_SELF);
	port = find(table, 700);
	ASSERT_NE(NULL, port);
	EXPECT_EQ(PEER_B, shmipc_port_peer(port));
	EXPECT_NE(0, shmipc_port_generation(port));
	EXPECT_EQ(0, shmipc_port_flags(port));
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, shmipc_port_depth(port));
	EXPECT_EQ(SHMIPC_BYTES_DEFAULT, shmipc_port_bytes(port));
	EXPECT_EQ(SHMIPC_MSG_DEFAULT, shmipc_port_max_size(port));
	EXPECT_EQ(1, shmipc_port_queued(port));
	EXPECT_EQ(1, shmipc_port_queued_bytes(port));
	EXPECT_EQ(0, shmipc_port_waiters(port));
	EXPECT_EQ(0, shmipc_port_senders(port));
	EXPECT_EQ(0, shmipc_port_drops(port));
	EXPECT_EQ(1, shmipc_port_received(port));
	EXPECT_EQ(shmipc_region_endpoint(region), shmipc_port_endpoint(port));
	EXPECT_EQ(getpid(), shmipc_port_pid(port));
	EXPECT_EQ(getuid(), shmipc_port_uid(port));
	EXPECT_STREQ("seven", shmipc_port_name(port));
	shmipc_port_table_free(table);
	shmipc_port_table_free(NULL);
	shmipc_region_free(region);
}

TEST_F(pair, a_peers_port)
{
	struct shmipc_port_table *table = shmipc_port_table_get(self->a, PEER_B);
	const struct shmipc_port *port = find(table, 700);

	ASSERT_NE(NULL, port);
	EXPECT_EQ(PEER_B, shmipc_port_peer(port));
	EXPECT_NE(0, shmipc_port_generation(port));
	EXPECT_EQ(0, shmipc_port_flags(port));
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, shmipc_port_depth(port));
	EXPECT_EQ(SHMIPC_BYTES_DEFAULT, shmipc_port_bytes(port));
	EXPECT_EQ(SHMIPC_MSG_DEFAULT, shmipc_port_max_size(port));
	EXPECT_EQ(0, shmipc_port_endpoint(port));
	EXPECT_EQ(0, shmipc_port_pid(port));
	EXPECT_STREQ("seven", shmipc_port_name(port));
	shmipc_port_table_free(table);
}

/* More ports than the library's first guess, so that it has to ask again. */
TEST_F(pair, many_ports)
{
	enum { NR = 200 };
	struct shmipc_endpoint *eps[NR];
	struct shmipc_port_table *table;

	for (int i = 0; i < NR; i++) {
		eps[i] = shmipc_open(DEV_A, SHMIPC_OPEN_RECV_ONLY);
		ASSERT_NE(NULL, eps[i]);
		ASSERT_EQ(1000 + i, shmipc_port_create(eps[i], 1000 + i, NULL));
	}
	table = shmipc_port_table_get(self->a, SHMIPC_PEER_ANY);
	ASSERT_NE(NULL, table);
	EXPECT_EQ(NR + 1, shmipc_port_table_count(table));
	EXPECT_EQ(NULL, shmipc_port_table_at(table, NR + 1));
	for (int i = 0; i < NR; i++) {
		EXPECT_NE(NULL, find(table, 1000 + i));
		shmipc_close(eps[i]);
	}
	shmipc_port_table_free(table);
}

TEST_F(pair, errors)
{
	FAILS_NULL(EHOSTUNREACH, shmipc_port_table_get(self->a, 2));
	FAILS_NULL(EINVAL, shmipc_port_table_get(NULL, PEER_A));
	FAILS_NULL(EINVAL, shmipc_peer_table_get(NULL));
	FAILS_NULL(EINVAL, shmipc_region_get(NULL));
}

TEST_HARNESS_MAIN
