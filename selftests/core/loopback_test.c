// SPDX-License-Identifier: GPL-2.0
/* Two or three engines, every section size, every message size that matters */
#include "test.h"
#include "world.h"

TEST(comes_up_at_every_size)
{
	int i;

	FOR_EACH_SIZE(i) {
		struct world *w = world_new(world_sizes[i].size, world_sizes[i].peers);

		CHECK(world_up(w));
		CHECK(w->peers[0].events[1] & SHMIPC_CORE_UP);
		CHECK(!(w->peers[0].events[1] & SHMIPC_CORE_DOWN));
		world_free(w);
	}
}

static const u32 sizes[] = {
	0, 1, 39, 40, 41, 63, 64, 65, 103, 104, 105, 127, 128, 129, 255, 256, 487, 488, 489, 1000,
	4096, 16360, 16361, 65536, 1000000, 1 << 20,
};

static void each_message_size(u64 size, u32 n, u32 flags)
{
	struct world *w = world_new(size, n);
	struct shmipc_core_port port = world_port(w, 1, 5, 16, 1 << 15, 1 << 20, flags);
	u32 s, lap;

	for (s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (lap = 0; lap < 3; lap++) {
			CHECK_EQ(world_send(w, 0, 1, &port, sizes[s], s * 8 + lap), 0);
			world_run(w);
			CHECK_EQ(w->peers[1].received, 1);
			CHECK(world_intact(w->peers[1].inbox[0], s * 8 + lap));
			CHECK_EQ(w->peers[1].inbox[0]->rx.src_port, 77);
			CHECK_EQ(w->peers[1].inbox[0]->rx.extended, flags & 1);
			world_consume_all(w, 1);
		}
	world_free(w);
}

TEST(each_message_size_at_every_section_size)
{
	int i;

	FOR_EACH_SIZE(i)
		each_message_size(world_sizes[i].size, world_sizes[i].peers, 0);
}

TEST(each_message_size_with_metadata)
{
	int i;

	FOR_EACH_SIZE(i)
		each_message_size(world_sizes[i].size, world_sizes[i].peers,
				  SHMIPC_WIRE_PORT_META);
}

TEST(order_and_content_over_many_laps)
{
	int i;

	FOR_EACH_SIZE(i) {
		struct world *w = world_new(world_sizes[i].size, world_sizes[i].peers);
		struct shmipc_core_port port = world_port(w, 0, 9, 8, 4096, 4096, 0);
		u32 n, sent = 0, got = 0;

		for (n = 0; n < 5000; n++) {
			int err = world_send(w, 1, 0, &port, n * 7 % 150, sent);

			if (err == -ENOBUFS) {
				world_run(w);
				while (w->peers[0].received) {
					CHECK(world_intact(w->peers[0].inbox[0], got++));
					world_consume(w, 0, 0);
				}
				continue;
			}
			CHECK_EQ(err, 0);
			sent++;
		}
		world_run(w);
		CHECK_EQ(got + w->peers[0].received, sent);
		world_free(w);
	}
}
