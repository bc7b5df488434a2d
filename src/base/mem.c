#include "base/mem.h"

#include "base/error.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local size_t fail_in;    /* allocations until the first that fails, 0 = off */
static _Thread_local size_t fail_count; /* how many fail from there on */

static bool allocation_fails(void)
{
    if (BASE_LIKELY(fail_in == 0 && fail_count == 0))
        return false;
    if (fail_in > 1) {
        fail_in--;
        return false;
    }
    fail_in = 0;
    if (fail_count == 0)
        return false;
    fail_count--;
    return true;
}

void mem_fail_at(size_t n, size_t count)
{
    fail_in = n;
    fail_count = n ? count : 0;
}

size_t mem_fail_left(void)
{
    return fail_in;
}

void *mem_alloc(size_t size)
{
    return allocation_fails() ? NULL : malloc(size ? size : 1);
}

void *mem_alloc_zeroed(size_t count, size_t size)
{
    return allocation_fails() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *mem_realloc(void *ptr, size_t size)
{
    return allocation_fails() ? NULL : realloc(ptr, size ? size : 1);
}

void mem_free(void *ptr)
{
    free(ptr);
}

int mem_grow(void *array, size_t size, size_t *capacity, size_t count, size_t first)
{
    size_t wanted = *capacity ? *capacity : first, bytes;
    while (wanted < count)
        if (__builtin_mul_overflow(wanted, 2, &wanted))
            return ERR_NOMEM;
    if (__builtin_mul_overflow(wanted, size, &bytes))
        return ERR_NOMEM;
    void *items;
    memcpy(&items, array, sizeof(items)); /* pointers to items of any type */
    items = mem_realloc(items, bytes);
    if (!items)
        return ERR_NOMEM;
    memcpy(array, &items, sizeof(items));
    *capacity = wanted;
    return ERR_OK;
}

void *mem_map(size_t size)
{
    if (allocation_fails())
        return NULL;
    void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return ptr == MAP_FAILED ? NULL : ptr;
}

void mem_unmap(void *ptr, size_t size)
{
    if (ptr)
        munmap(ptr, size);
}

void mem_keep_freed(void)
{
#ifdef __GLIBC__
    enum { KEPT = 8 << 20, MAPPED_FROM = 1 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
}

#ifdef __GLIBC__
/* Bytes of memory of its own that the process has beyond what is allocated; 0: that cannot be told. */
static size_t freed_but_kept(void)
{
    unsigned long size, resident, shared;
    FILE *f = fopen("/proc/self/statm", "re");
    bool told = f && fscanf(f, "%lu %lu %lu", &size, &resident, &shared) == 3;
    if (f)
        fclose(f);
    struct mallinfo2 info = mallinfo2();
    size_t own = told ? (resident - shared) * (size_t)sysconf(_SC_PAGESIZE) : 0;
    return own > info.uordblks + info.hblkhd ? own - info.uordblks - info.hblkhd : 0;
}
#endif

bool mem_give_back(size_t least)
{
    bool gone = false;
#ifdef __GLIBC__
    static size_t left; /* in pages with something in use, the last time */
    size_t kept = freed_but_kept();
    if (kept >= left + least) {
        gone = malloc_trim(0);
        left = freed_but_kept();
    } else if (kept < left) {
        left = kept;
    }
#else
    (void)least;
#endif
    return gone;
}

void mem_wipe(void *ptr, size_t size)
{
    if (size == 0)
        return; /* of nothing, ptr may be NULL */
    explicit_bzero(ptr, size);
}

bool mem_equal_secret(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < size; i++)
        differ |= x[i] ^ y[i];
    return differ == 0;
}
