/* What a party keeps of a private contract: the payload that made it, and its privacy flag, as the code of an account of the same address in
 * the instance of notes. */
#include "chain/private/priv.h"

enum { NOTE_SIZE = CHAIN_PAYLOAD_HASH + 1 }; /* creation, flag */

static int read_note(enum chain_metadata_status *ret_status, struct chain_metadata *ret_metadata,
                     struct bytes note)
{
    *ret_status = CHAIN_METADATA_NONE;
    if (note.len == 0)
        return 0;
    if (note.len != NOTE_SIZE)
        return ERR_CORRUPT;
    memcpy(ret_metadata->creation.b, note.data, CHAIN_PAYLOAD_HASH);
    ret_metadata->flag = note.data[CHAIN_PAYLOAD_HASH];
    *ret_status = CHAIN_METADATA_FOUND;
    return 0;
}

int chain_private_note(struct chain_private *p, const struct address *address,
                       const struct chain_metadata *metadata)
{
    uint8_t note[NOTE_SIZE];
    memcpy(note, metadata->creation.b, CHAIN_PAYLOAD_HASH);
    note[CHAIN_PAYLOAD_HASH] = (uint8_t)metadata->flag;
    int err = state_view_set_nonce(p->notes, address, 1);
    return err ? err : state_view_set_code(p->notes, address, bytes_of(note, sizeof(note)));
}

int chain_private_metadata(struct chain_private *p, enum chain_metadata_status *ret_status,
                           struct chain_metadata *ret_metadata, const struct address *address)
{
    const struct state_account *account;
    struct bytes note;
    *ret_status = CHAIN_METADATA_NO_ACCOUNT;
    int err = state_view_account(p->view, &account, address);
    if (err || !account)
        return err;
    err = state_view_code(p->notes, &note, address);
    return err ? err : read_note(ret_status, ret_metadata, note);
}

int chain_reader_metadata(struct chain_reader *reader, enum chain_metadata_status *ret_status,
                          struct chain_metadata *ret_metadata, struct bytes psi, uint64_t number,
                          const struct address *address)
{
    struct state_reader state, notes;
    struct state_account account;
    struct bytes note = bytes_none();
    bool exists;
    int err = chain_private_open_at(reader, &state, &notes, psi, number);
    if (!err)
        err = state_reader_account(&state, &account, &exists, address);
    if (err)
        return err;
    *ret_status = CHAIN_METADATA_NO_ACCOUNT;
    if (!exists)
        return 0;
    err = state_reader_account(&notes, &account, &exists, address);
    if (!err && exists)
        err = state_reader_code(&notes, &note, &account.code_hash);
    return err ? err : read_note(ret_status, ret_metadata, note);
}
