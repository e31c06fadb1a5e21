// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of an ivshmem v2 device: where it is, that it is nobody else's, and its
 * mappings. We map for writing what is ours to write, which is our output section; a
 * stray store into the rest faults here, and does not stop the whole cell, which is
 * what a hypervisor does.
 *
 * Memory that has struct pages (carved out of RAM, as Jailhouse's is) and memory that
 * has none (a BAR) each have one way to be mapped read only that modules may use. Where
 * neither can be used (a kernel without VMAP_PFN, or pages of both kinds), it is mapped
 * as memremap() does, for writing, and the hypervisor's protection is the only one.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ivshmem_v2.h"

/**
 * struct ivshmem2_mapping - to be undone
 * @addr: where it is
 * @vmap: how it came about
 */
struct ivshmem2_mapping {
	void *addr;
	bool vmap;
};

static void map_undo(void *data)
{
	struct ivshmem2_mapping *mapping = data;

	if (mapping->vmap)
		vunmap(mapping->addr);
	else
		memunmap(mapping->addr);
}

/* How many of them have a struct page */
static unsigned long map_count_pages(unsigned long pfn, unsigned long nr)
{
	unsigned long i, pages = 0;

	for (i = 0; i < nr; i++)
		pages += pfn_valid(pfn + i);
	return pages;
}

static void *map_pages(unsigned long pfn, unsigned long nr)
{
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	unsigned long i;
	void *addr;

	if (!pages)
		return NULL;
	for (i = 0; i < nr; i++)
		pages[i] = pfn_to_page(pfn + i);
	addr = vmap(pages, nr, VM_MAP, PAGE_KERNEL_RO);
	kvfree(pages);
	return addr;
}

static void *map_pfns(unsigned long pfn, unsigned long nr)
{
	unsigned long i, *pfns;
	void *addr;

	pfns = kvmalloc_array(nr, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return NULL;
	for (i = 0; i < nr; i++)
		pfns[i] = pfn + i;
	addr = vmap_pfn(pfns, nr, PAGE_KERNEL_RO);
	kvfree(pfns);
	return addr;
}

/* Read only, if that can be; NULL if not */
static void *map_read_only(u64 base, u64 bytes)
{
	unsigned long pfn = PFN_DOWN(base), nr = bytes >> PAGE_SHIFT;
	unsigned long pages = map_count_pages(pfn, nr);

	if (pages == nr)
		return map_pages(pfn, nr);
	if (IS_ENABLED(CONFIG_VMAP_PFN) && !pages && nr <= UINT_MAX)
		return map_pfns(pfn, nr);
	return NULL;
}

/* Until the device is unbound; NULL: no memory, or no address space */
static void *map_part(struct pci_dev *pdev, u64 base, u64 bytes, bool write)
{
	struct ivshmem2_mapping *mapping;

	mapping = devm_kzalloc(&pdev->dev, sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return NULL;
	if (!write)
		mapping->addr = map_read_only(base, bytes);
	mapping->vmap = mapping->addr;
	if (!mapping->addr) {
		mapping->addr = memremap(base, bytes, MEMREMAP_WB);
		if (!write)
			dev_info(&pdev->dev, "%#llx: this kernel cannot map it read only\n", base);
	}
	if (!mapping->addr || devm_add_action_or_reset(&pdev->dev, map_undo, mapping))
		return NULL;
	return mapping->addr;
}

/* The sections of peers @from to @to - 1, in one piece */
static bool map_sections(struct pci_dev *pdev, struct ivshmem2_memory *mem, u32 from, u32 to)
{
	const struct shmipc_ivshmem2 *layout = &mem->layout;
	u64 base = layout->base + shmipc_ivshmem2_section(layout, from);
	u64 bytes = (to - from) * layout->out_bytes;
	void *addr;
	u32 peer;

	if (from == to)
		return true;
	addr = map_part(pdev, base, bytes, from == layout->id);
	for (peer = from; peer < to && addr; peer++)
		mem->sections[peer] = addr + (peer - from) * layout->out_bytes;
	return addr;
}

static int map_all(struct pci_dev *pdev, struct ivshmem2_memory *mem)
{
	const struct shmipc_ivshmem2 *layout = &mem->layout;
	bool mapped;

	mem->table = map_part(pdev, layout->base, layout->state_bytes, false);
	mapped = mem->table;
	if (mapped && layout->rw_bytes) {
		mem->rw = map_part(pdev, layout->base + layout->rw, layout->rw_bytes, false);
		mapped = mem->rw;
	}
	mapped = mapped && map_sections(pdev, mem, 0, layout->id) &&
		 map_sections(pdev, mem, layout->id, layout->id + 1) &&
		 map_sections(pdev, mem, layout->id + 1, layout->peers);
	if (!mapped)
		dev_err(&pdev->dev, "cannot map the device's memory\n");
	return mapped ? 0 : -ENOMEM;
}

/*
 * Memory that is no BAR: an address that somebody wrote into a configuration. A BAR
 * has been requested with the device.
 */
static int map_request(struct pci_dev *pdev, const struct shmipc_ivshmem2 *layout)
{
	u64 end = layout->base + layout->bytes - 1;

	if (end != (resource_size_t)end || layout->bytes > SIZE_MAX / 2) {
		dev_err(&pdev->dev, "declined: its memory at %#llx is beyond what this kernel can map\n",
			layout->base);
		return -ENODEV;
	}
	if (region_intersects(layout->base, layout->bytes, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		dev_err(&pdev->dev, "declined: its memory %#llx-%#llx is in use as RAM by this kernel: reserve it (memmap=, mem=, or reserved-memory)\n",
			layout->base, end);
		return -ENODEV;
	}
	if (layout->room || devm_request_mem_region(&pdev->dev, layout->base, layout->bytes,
						    IVSHMEM2_NAME))
		return 0;
	dev_err(&pdev->dev, "declined: another driver has its memory %#llx-%#llx\n", layout->base,
		end);
	return -ENODEV;
}

static int map_find_capability(struct pci_dev *pdev, struct ivshmem2_memory *mem, u8 *cap)
{
	unsigned int i;

	/* 0, and not an errno, if there is none */
	mem->cap = pci_find_capability(pdev, PCI_CAP_ID_VNDR);
	if (!mem->cap)
		return -ENODEV;
	for (i = 0; i < SHMIPC_IVSHMEM2_CAP_BYTES; i++)
		if (mem->cap + i < PCI_CFG_SPACE_SIZE &&
		    pci_read_config_byte(pdev, mem->cap + i, &cap[i]))
			return -ENODEV;
	return 0;
}

int ivshmem2_map(struct pci_dev *pdev, struct ivshmem2_memory *mem, u32 id, u32 peers)
{
	struct shmipc_ivshmem2 *layout = &mem->layout;
	u8 cap[SHMIPC_IVSHMEM2_CAP_BYTES] = {};
	const char *why;
	int err;

	layout->id = id;
	layout->peers = peers;
	layout->page = PAGE_SIZE;
	if (pci_resource_flags(pdev, 2) & IORESOURCE_MEM) {
		layout->base = pci_resource_start(pdev, 2);
		layout->room = pci_resource_len(pdev, 2);
	}
	if (map_find_capability(pdev, mem, cap))
		why = "it has no vendor capability";
	else
		why = shmipc_ivshmem2_decode(layout, cap);
	if (!why)
		why = shmipc_ivshmem2_check(layout);
	if (why) {
		dev_err(&pdev->dev, "declined: %s (id %u, %u peers, state table %#llx, R/W %#llx, output %#llx bytes at %#llx)\n",
			why, id, peers, layout->state_bytes, layout->rw_bytes,
			layout->out_bytes, layout->base);
		return -ENODEV;
	}
	err = map_request(pdev, layout);
	return err ?: map_all(pdev, mem);
}
