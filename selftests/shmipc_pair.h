/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of what is tested both on the direct path and through the protocol engine:
 *
 *	local		tx --> rx		both on /dev/shmipc0
 *	there		tx on /dev/shmipc0, peer 0 --> rx on /dev/shmipc1, peer 1
 *	back		tx on /dev/shmipc1, peer 1 --> rx on /dev/shmipc0, peer 0
 *
 * @peer is what tx calls rx's peer, @port what must_own() made. The teardown finds no
 * port left on either region.
 */
#ifndef SHMIPC_PAIR_H
#define SHMIPC_PAIR_H

#include "shmipc_job.h"

FIXTURE(pair)
{
	int tx;
	int rx;
	__u32 peer;
	__u32 port;
	__u32 gen;
};

FIXTURE_VARIANT(pair)
{
	unsigned int tx_dev;
	unsigned int rx_dev;
};

FIXTURE_VARIANT_ADD(pair, local)
{
	.tx_dev = 0,
	.rx_dev = 0,
};

FIXTURE_VARIANT_ADD(pair, there)
{
	.tx_dev = 0,
	.rx_dev = 1,
};

FIXTURE_VARIANT_ADD(pair, back)
{
	.tx_dev = 1,
	.rx_dev = 0,
};

#define is_local(variant)	((variant)->tx_dev == (variant)->rx_dev)

FIXTURE_SETUP(pair)
{
	self->tx = open_dev(variant->tx_dev, O_RDWR);
	ASSERT_LE(0, self->tx);
	self->rx = open_dev(variant->rx_dev, O_RDWR);
	ASSERT_LE(0, self->rx);
	if (!is_local(variant))
		ASSERT_TRUE(links_up(self->tx, self->rx));
	self->peer = is_local(variant) ? SELF : own_peer(self->rx);
}

FIXTURE_TEARDOWN(pair)
{
	int fd;

	close(self->tx);
	close(self->rx);
	fd = open_dev(variant->rx_dev, O_RDWR);
	EXPECT_EQ(0, ports_total(fd));
	close(fd);
	fd = open_dev(variant->tx_dev, O_RDWR);
	EXPECT_EQ(0, ports_total(fd));
	close(fd);
}

/* rx owns a port: must_own(.depth = 4), or must_own() for one with the defaults */
#define must_own(...) do { \
	struct shmipc_port_create own__ = port_create_arg(__VA_ARGS__); \
	must_port_create(self->rx, &own__); \
	self->port = own__.out_port; \
	self->gen = own__.out_generation; \
} while (0)

/* tx sends to it */
#define pair_arg(...) \
	send_arg(.peer = self->peer, .port = self->port, __VA_ARGS__)

static inline bool arrived(FIXTURE_DATA(pair) *self, unsigned int nr)
{
	return happens(port_queued(self->rx, SELF, self->port) == (__s64)nr);
}

/* Fill the window with one-byte messages; how many went in */
static inline unsigned int fill_window(int fd, __u32 peer, __u32 port)
{
	unsigned int nr = 0;

	while (!try_send_now(fd, peer, port, "x", 1))
		nr++;
	return nr;
}

#endif /* SHMIPC_PAIR_H */
