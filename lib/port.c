// SPDX-License-Identifier: LGPL-2.1-or-later
/* Owning a port. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct shmipc_port_options {
	struct shmipc_port_create arg;
};

SHMIPC_API struct shmipc_port_options *shmipc_port_options_new(void)
{
	return calloc(1, sizeof(struct shmipc_port_options));
}

SHMIPC_API void shmipc_port_options_free(struct shmipc_port_options *options)
{
	free(options);
}

SHMIPC_API void shmipc_port_options_set_number(struct shmipc_port_options *options,
					       uint32_t number)
{
	options->arg.port = number;
}

SHMIPC_API void shmipc_port_options_set_depth(struct shmipc_port_options *options,
					      uint32_t depth)
{
	options->arg.depth = depth;
}

SHMIPC_API void shmipc_port_options_set_bytes(struct shmipc_port_options *options,
					      uint32_t bytes)
{
	options->arg.bytes = bytes;
}

SHMIPC_API void shmipc_port_options_set_max_size(struct shmipc_port_options *options,
						 uint32_t max_size)
{
	options->arg.max_size = max_size;
}

SHMIPC_API void shmipc_port_options_set_flags(struct shmipc_port_options *options,
					      uint32_t flags)
{
	options->arg.flags = flags;
}

SHMIPC_API int shmipc_port_options_set_name(struct shmipc_port_options *options,
					    const char *name)
{
	return shmipc_name_to_uapi(name, options->arg.name);
}

static int create(struct shmipc_endpoint *ep, struct shmipc_port_create *arg)
{
	arg->size = sizeof(*arg);
	if (shmipc_do_ioctl(ep, SHMIPC_PORT_CREATE, arg) < 0)
		return -1;
	return arg->out_port;
}

SHMIPC_API int shmipc_port_create(struct shmipc_endpoint *ep, uint32_t number,
				  const char *name)
{
	struct shmipc_port_create arg = { .port = number };

	if (shmipc_name_to_uapi(name, arg.name) < 0)
		return -1;
	return create(ep, &arg);
}

SHMIPC_API int shmipc_port_create_with(struct shmipc_endpoint *ep,
				       const struct shmipc_port_options *options,
				       uint32_t *generation)
{
	struct shmipc_port_create arg = { 0 };
	int number;

	if (options)
		arg = options->arg;
	number = create(ep, &arg);
	if (number >= 0 && generation)
		*generation = arg.out_generation;
	return number;
}

SHMIPC_API int shmipc_port_destroy(struct shmipc_endpoint *ep)
{
	struct shmipc_port_destroy arg = { .size = sizeof(arg) };

	if (shmipc_do_ioctl(ep, SHMIPC_PORT_DESTROY, &arg) < 0)
		return -1;
	return arg.out_discarded;
}
