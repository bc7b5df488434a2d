#include "extension/list.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>

enum { FIRST_CAPACITY = 8 };

void extension_list_release(struct extension_list *list)
{
    mem_free(list->entries);
    *list = (struct extension_list){.count = 0};
}

struct extension_entry *extension_list_find(const struct extension_list *list, struct bytes psi,
                                            const struct address *management)
{
    for (size_t i = 0; i < list->count; i++)
        if (address_equal(&list->entries[i].management, management) &&
            bytes_equal(bytes_str(list->entries[i].psi), psi))
            return &list->entries[i];
    return NULL;
}

int extension_list_copy(struct extension_list *ret_copy, const struct extension_list *list)
{
    *ret_copy = (struct extension_list){.watched = list->watched, .has_watched = list->has_watched};
    int status = MEM_RESERVE(ret_copy->entries, ret_copy->capacity, list->count, FIRST_CAPACITY);
    if (status)
        return status;
    if (list->count)
        memcpy(ret_copy->entries, list->entries, list->count * sizeof(list->entries[0]));
    ret_copy->count = list->count;
    return 0;
}

int extension_list_add(struct extension_list *list, const struct extension_entry *entry)
{
    struct extension_entry *old =
        extension_list_find(list, bytes_str(entry->psi), &entry->management);
    if (old) {
        *old = *entry;
        return 0;
    }
    if (list->count >= EXTENSION_MAX)
        return ERR_LIMIT;
    int status = MEM_RESERVE(list->entries, list->capacity, list->count + 1, FIRST_CAPACITY);
    if (status == 0)
        list->entries[list->count++] = *entry;
    return status;
}

bool extension_list_remove(struct extension_list *list, struct bytes psi,
                           const struct address *management)
{
    struct extension_entry *entry = extension_list_find(list, psi, management);
    if (!entry)
        return false;
    size_t behind = list->count - (size_t)(entry - list->entries) - 1;
    memmove(entry, entry + 1, behind * sizeof(*entry));
    list->count--;
    return true;
}

static bool set_text(char *to, size_t max, const char *text, size_t len)
{
    if (len > max)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}

bool extension_entry_set_key(struct extension_entry *entry, struct bytes key)
{
    return set_text(entry->recipient_key, EXTENSION_KEY_MAX, (const char *)key.data, key.len);
}

/* --- Writing --- */

static void write_text(struct buf *b, const char *text)
{
    buf_append_byte(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_byte(b, '\\');
        buf_append_byte(b, (uint8_t)*text);
    }
    buf_append_byte(b, '"');
}

static void write_address(struct buf *b, const char *name, const struct address *address)
{
    if (name)
        buf_append_format(b, "\"%s\":", name);
    buf_append_byte(b, '"');
    hex_append(b, bytes_of(address->b, sizeof(address->b)));
    buf_append_byte(b, '"');
}

void extension_entry_write(struct buf *b, const struct extension_entry *entry)
{
    buf_append_byte(b, '{');
    write_address(b, "contractExtended", &entry->contract);
    buf_append_byte(b, ',');
    write_address(b, "initiator", &entry->initiator);
    buf_append_byte(b, ',');
    write_address(b, "recipient", &entry->recipient);
    buf_append_byte(b, ',');
    write_address(b, "managementContractAddress", &entry->management);
    buf_append_text(b, ",\"recipientPtmKey\":");
    write_text(b, entry->recipient_key);
    buf_append_text(b, ",\"creationData\":\"");
    base64_append(b, bytes_of(entry->creation.b, sizeof(entry->creation.b)));
    buf_append_text(b, "\"}");
}

/* Those of one private state. */
static void write_state(struct buf *b, const struct extension_list *list, const char *psi)
{
    bool any = false;
    write_text(b, psi);
    buf_append_text(b, ":{");
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].psi, psi) != 0)
            continue;
        if (any)
            buf_append_byte(b, ',');
        any = true;
        write_address(b, NULL, &list->entries[i].management);
        buf_append_byte(b, ':');
        extension_entry_write(b, &list->entries[i]);
    }
    buf_append_byte(b, '}');
}

static bool is_first_of_state(const struct extension_list *list, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(list->entries[i].psi, list->entries[index].psi) == 0)
            return false;
    return true;
}

void extension_list_write(struct buf *b, const struct extension_list *list)
{
    buf_append_text(b, "{\"psiContracts\":{");
    write_state(b, list, EXTENSION_PSI);
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].psi, EXTENSION_PSI) == 0 || !is_first_of_state(list, i))
            continue;
        buf_append_byte(b, ',');
        write_state(b, list, list->entries[i].psi);
    }
    buf_append_byte(b, '}');
    if (list->has_watched)
        buf_append_format(b, ",\"watchedBlock\":%llu", (unsigned long long)list->watched);
    buf_append_byte(b, '}');
}

int extension_list_save(const struct extension_list *list, const char *path,
                        struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    extension_list_write(&text, list);
    int status = buf_status(&text);
    if (status)
        err_set(detail, status, "%s: %s", path, err_text(status));
    else
        status = file_write(path, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

/* --- Reading --- */

static bool read_address(struct address *ret, const char *text)
{
    return text && strncmp(text, "0x", 2) == 0 && strlen(text) == 2 + 2 * sizeof(ret->b) &&
           hex_decode_exact(text, ret->b, sizeof(ret->b));
}

static bool read_creation(struct chain_payload_hash *ret, const char *text, int *ret_err)
{
    struct buf decoded = BUF_INIT;
    int status = text ? base64_decode(&decoded, bytes_str(text)) : ERR_INPUT;
    if (status == 0)
        *ret = chain_payload_hash_of(buf_bytes(&decoded));
    buf_release(&decoded);
    *ret_err = status == ERR_NOMEM ? status : 0;
    return status == 0;
}

static int read_entry(struct extension_list *list, const char *psi, const char *name, json_t *json,
                      struct err_detail *detail)
{
    static const char *const fields[] = {"contractExtended", "initiator", "recipient"};
    struct extension_entry entry = {.psi = ""};
    struct address *const addresses[] = {&entry.contract, &entry.initiator, &entry.recipient};
    const char *key = json_string_value(json_object_get(json, "recipientPtmKey"));
    int err = 0;
    bool good = set_text(entry.psi, EXTENSION_PSI_MAX, psi, strlen(psi)) &&
                read_address(&entry.management, name) && key &&
                extension_entry_set_key(&entry, bytes_str(key));
    for (size_t i = 0; i < BASE_COUNT(fields) && good; i++)
        good = read_address(addresses[i], json_string_value(json_object_get(json, fields[i])));
    if (good)
        good = read_creation(&entry.creation,
                             json_string_value(json_object_get(json, "creationData")), &err);
    if (err)
        return err;
    if (!good)
        return err_set(detail, ERR_INPUT, "the extension %.60s is not readable", name);
    int status = extension_list_add(list, &entry);
    return status == ERR_LIMIT
               ? err_set(detail, status, "there are more than %d extensions", EXTENSION_MAX)
               : status;
}

static int read_state(struct extension_list *list, const char *psi, json_t *entries,
                      struct err_detail *detail)
{
    const char *name;
    json_t *entry;
    int status = 0;
    json_object_foreach(entries, name, entry)
    {
        if (status == 0)
            status = read_entry(list, psi, name, entry, detail);
    }
    return status;
}

static int read_whole(struct extension_list *list, json_t *whole, struct err_detail *detail)
{
    json_t *states = json_object_get(whole, "psiContracts");
    json_t *watched = json_object_get(whole, "watchedBlock");
    const char *psi;
    json_t *entries;
    int status = 0;
    if (!states)
        return read_state(list, EXTENSION_PSI, whole, detail);
    json_object_foreach(states, psi, entries)
    {
        if (status == 0)
            status = read_state(list, psi, entries, detail);
    }
    list->has_watched = json_is_integer(watched) && json_integer_value(watched) >= 0;
    if (list->has_watched)
        list->watched = (uint64_t)json_integer_value(watched);
    return status;
}

int extension_list_parse(struct extension_list *ret_list, struct bytes json,
                         struct err_detail *detail)
{
    struct extension_list list = {.count = 0};
    json_error_t error;
    json_t *whole = json_loadb((const char *)json.data, json.len, 0, &error);
    int status = json_is_object(whole) ? read_whole(&list, whole, detail)
                                       : err_set(detail, ERR_INPUT, "%s",
                                                 whole ? "it is no JSON object" : error.text);
    json_decref(whole);
    if (status == ERR_NOMEM)
        err_set(detail, status, "%s", err_text(status));
    if (status)
        extension_list_release(&list);
    else
        *ret_list = list;
    return status;
}

int extension_list_load(struct extension_list *ret_list, const char *path,
                        struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read_regular(path, EXTENSION_FILE_MAX, &text, detail);
    if (status == ERR_NOTFOUND) {
        *ret_list = (struct extension_list){.count = 0};
        status = 0;
    } else if (status == 0) {
        status = extension_list_parse(ret_list, buf_bytes(&text), detail);
        if (status)
            err_prefix(detail, status, "%s", path);
    }
    buf_release(&text);
    return status;
}
