/* A list whose items lie in what they list: nothing to allocate, each item removed without a search. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stddef.h>

/* The head is a pointer to one, NULL at first. */
struct list_item {
    struct list_item *next, **back;
};

static inline void list_add(struct list_item **head, struct list_item *item)
{
    item->next = *head;
    item->back = head;
    if (item->next)
        item->next->back = &item->next;
    *head = item;
}

static inline void list_remove(struct list_item *item)
{
    *item->back = item->next;
    if (item->next)
        item->next->back = item->back;
}

/* What an item lies in. */
#define LIST_OWNER(item, type, member) ((type *)(void *)((char *)(item) - offsetof(type, member)))

#endif
