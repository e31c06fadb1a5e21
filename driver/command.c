// SPDX-License-Identifier: GPL-2.0
/*
 * Commands whose handler needs nothing but the copy of their struct: checks of the
 * file's mode, and on to the file that knows. chardev.c copies in and out.
 */
#include "command.h"

long shmipc_do_info(struct shmipc_call *call)
{
	return shmipc_table_info(call->ep, &call->arg.info);
}

long shmipc_do_port_create(struct shmipc_call *call)
{
	return call->ep->readable ? shmipc_port_create(call->ep, &call->arg.create) : -EBADF;
}

long shmipc_do_port_destroy(struct shmipc_call *call)
{
	if (!call->ep->readable)
		return -EBADF;
	return shmipc_port_kill(call->ep, &call->arg.destroy.out_discarded);
}

long shmipc_do_lookup(struct shmipc_call *call)
{
	struct shmipc_lookup *arg = &call->arg.lookup;
	struct shmipc_wait wait = shmipc_call_wait(call, arg->deadline, false);

	return shmipc_table_lookup_wait(call->ep, arg, &wait);
}

long shmipc_do_connect(struct shmipc_call *call)
{
	return call->ep->writable ? shmipc_endpoint_connect(call->ep, &call->arg.connect) : -EBADF;
}

long shmipc_do_event_mask(struct shmipc_call *call)
{
	return shmipc_event_mask(call->ep, &call->arg.event_mask);
}

long shmipc_do_watch(struct shmipc_call *call)
{
	return shmipc_watch(call->ep, &call->arg.watch);
}

long shmipc_do_notify(struct shmipc_call *call)
{
	return call->ep->writable ? shmipc_notify(call->ep, &call->arg.notify) : -EBADF;
}

long shmipc_do_eventfd(struct shmipc_call *call)
{
	return call->ep->readable ? shmipc_notify_eventfd(call->ep, &call->arg.eventfd) : -EBADF;
}
