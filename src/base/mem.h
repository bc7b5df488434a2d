/*
 * Heap memory, with a fault to inject.
 *
 * Libraries allocate through these and report ERR_NOMEM; they never abort. A test can make the n-th
 * allocation from now fail, to walk every failure path of what it calls.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/compiler.h"

#include <stdbool.h>

/* NULL when out of memory; sizes of 0 give a pointer that may be freed. Freed by mem_free. */
void *mem_alloc(size_t size) BASE_NODISCARD;
void *mem_alloc_zeroed(size_t count, size_t size) BASE_NODISCARD;
/* NULL leaves `ptr` as it was. */
void *mem_realloc(void *ptr, size_t size) BASE_NODISCARD;
void mem_free(void *ptr);

/* Room for `count` items in an array that doubles, from `first` items on: 0, or ERR_NOMEM and all is as it was.
 *
 *     int err = MEM_RESERVE(list->items, list->capacity, list->count + 1, 16);
 */
#define MEM_RESERVE(array, capacity, count, first)                                                 \
    ((count) <= (capacity) ? 0                                                                     \
                           : mem_grow(&(array), sizeof(*(array)), &(capacity), (count), (first)))
/* `array` is the address of a pointer to items of `size` bytes. */
int mem_grow(void *array, size_t size, size_t *capacity, size_t count, size_t first) BASE_NODISCARD;

/* Fresh pages from the system, all zero; they take no memory before they are written to. NULL when there is
 * no more address space. Given back by mem_unmap with the same size. */
void *mem_map(size_t size) BASE_NODISCARD;
void mem_unmap(void *ptr, size_t size);

/* For a program, before its first thread: some MB that were freed stay with it, and buffers of less than a MB are no mappings of their own. glibc
 * gives the kernel back what it can at once, and a program whose buffers come and go spends much of its time on getting fresh pages. */
void mem_keep_freed(void);
/* Gives the kernel what was freed in the midst of what is used, when that is `least` bytes more than could not be given back the last time:
 * after a burst, or many clients that have gone. True: some went. By one thread of the program at a time, as often as once a minute. */
bool mem_give_back(size_t least);

/* Overwrites in a way that the compiler keeps. NULL is fine for a size of 0. */
void mem_wipe(void *ptr, size_t size);
/* Whether equal, in time that depends on `size` only. */
bool mem_equal_secret(const void *a, const void *b, size_t size);

/* Tests only: the n-th allocation of this thread from now (1 = the next) and `count` - 1 after it
 * fail; n = 0 switches it off. mem_fail_left tells how many are still to come (0: it happened, or
 * is off). */
void mem_fail_at(size_t n, size_t count);
size_t mem_fail_left(void);

#endif
