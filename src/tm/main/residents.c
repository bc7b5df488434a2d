/* Resident groups: each own key is one tenant's, and each tenant's keys are own ones (Tessera's manual, multiple private states). */
#include "base/base64.h"
#include "base/buf.h"
#include "tm/main/main.h"

static int fault(struct err_detail *detail, const char *key, const char *why)
{
    return err_set(detail, ERR_INPUT, "residentGroups: the key %s %s", key, why);
}

/* How many groups have the key. */
static int count_groups(const struct tm_config *config, struct bytes key, size_t *ret_count)
{
    int status = 0;
    *ret_count = 0;
    for (size_t i = 0; i < config->group_count && status == 0; i++)
        for (size_t j = 0; j < config->groups[i].members.count && status == 0; j++) {
            struct buf member = BUF_INIT;
            status = base64_decode(&member, bytes_str(config->groups[i].members.items[j]));
            *ret_count += status == 0 && bytes_equal(buf_bytes(&member), key);
            buf_release(&member);
        }
    return status;
}

static int check_member(const struct tm_enclave *enclave, const char *text,
                        struct err_detail *detail)
{
    struct buf member = BUF_INIT;
    int status = base64_decode(&member, bytes_str(text));
    if (status == ERR_NOMEM)
        err_set(detail, status, "out of memory");
    else if (status)
        status = fault(detail, text, "is no base64");
    else if (!tm_enclave_has_key(enclave, buf_bytes(&member)))
        status = fault(detail, text, "is none of this manager's: add it to keys.keyData");
    buf_release(&member);
    return status;
}

int tm_check_residents(const struct tm_config *config, const struct tm_enclave *enclave,
                       struct err_detail *detail)
{
    struct tmproto_list keys = tm_enclave_keys(enclave);
    int status = 0;
    if (!config->multiple_states)
        return 0;
    for (size_t i = 0; i < config->group_count && status == 0; i++)
        for (size_t j = 0; j < config->groups[i].members.count && status == 0; j++)
            status = check_member(enclave, config->groups[i].members.items[j], detail);
    for (size_t i = 0; i < keys.count && status == 0; i++) {
        struct buf text = BUF_INIT;
        size_t count;
        base64_append(&text, keys.items[i]);
        status = count_groups(config, keys.items[i], &count);
        if (status == 0 && count != 1)
            status = fault(detail, buf_text(&text),
                           count ? "is in more than one of them" : "is in none of them");
        buf_release(&text);
    }
    return status;
}
