/* Whether this node voted for an extension, as the execution of blocks asks (GoQuorum, extension/privacyExtension, UuidIsOwn). */
#include "privacy/internal.h"

static void tell(struct privacy_tm *tm, enum privacy_event event, const char *text)
{
    if (tm->options.event)
        tm->options.event(tm->options.context, event, text);
}

/* After a failure of the way to the manager: 0 to ask again. */
static int wait_for_it(struct privacy_tm *tm, const struct err_detail *detail, unsigned *failures)
{
    if (tm->is_impatient)
        return ERR_TIMEOUT;
    ++*failures;
    tell(tm, PRIVACY_UNREACHABLE, detail->text);
    if (tm->options.exit_on_failure && *failures == PRIVACY_TRIES) {
        tell(tm, PRIVACY_GIVEN_UP, detail->text);
        return ERR_BUSY;
    }
    return privacy_pause(tm, PRIVACY_RETRY_MS) ? ERR_BUSY : 0;
}

static int is_sender(struct privacy_tm *tm, bool *ret_sender, const struct chain_payload_hash *hash)
{
    struct err_detail detail = {""};
    for (unsigned failures = 0;;) {
        int err = privacy_is_sender(tm, ret_sender, hash, &detail);
        if (!err && failures)
            tell(tm, PRIVACY_BACK, "");
        if (err == PRIVACY_FAILED)
            err = wait_for_it(tm, &detail, &failures);
        else
            return err;
        if (err)
            return err;
    }
}

/* What the manager refuses to open is not ours. */
static int decrypt(struct privacy_tm *tm, bool *ret_opened, struct chain_payload *ret_payload,
                   struct bytes json, struct arena *arena)
{
    struct err_detail detail = {""};
    *ret_opened = false;
    for (unsigned failures = 0;;) {
        struct privacy_answer answer;
        int err = privacy_ask_json(tm, &answer, "POST", "/encodedpayload/decrypt", json, &detail);
        bool refused = err == PRIVACY_FAILED && answer.status != 0;
        if (!err)
            *ret_opened =
                privacy_parse_payload(ret_payload, buf_bytes(&answer.body), arena, &err) && !err;
        buf_release(&answer.body);
        if (!err && failures)
            tell(tm, PRIVACY_BACK, "");
        if (refused)
            return 0;
        if (err == PRIVACY_FAILED)
            err = wait_for_it(tm, &detail, &failures);
        else
            return err;
        if (err)
            return err;
    }
}

int privacy_is_own_vote(void *context, bool *ret_own, const struct chain_payload_hash *vote,
                        const struct address *management, struct arena *arena)
{
    struct privacy_tm *tm = context;
    struct chain_payloads payloads = privacy_payloads(tm);
    struct chain_payload sealed = {.is_party = false}, opened = {.is_party = false};
    bool is_ours = false, is_opened = false;
    *ret_own = false;
    if (!tm->is_tessera)
        return 0;
    int err = is_sender(tm, &is_ours, vote);
    if (!err && is_ours)
        err = payloads.receive(payloads.context, &sealed, vote, arena);
    if (!err && is_ours && sealed.is_party && sealed.data.len)
        err = decrypt(tm, &is_opened, &opened, sealed.data, arena);
    if (!err && is_opened)
        *ret_own = bytes_equal(opened.data, bytes_of(management->b, sizeof(management->b)));
    return err;
}
