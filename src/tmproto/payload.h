/*
 * `tmproto` holds the formats that transaction managers exchange among each other and with their nodes: payloads,
 * party information, versions, media types. Pure: bytes in, spans out. Read this file first; the others stand alone.
 *
 * A payload is what a manager encrypted for a set of parties, as it goes over the wire and lies in databases. It has
 * one meaning and two encodings: LEGACY, which is Constellation's with Tessera's fields behind it, and CBOR, which
 * Tessera uses from 22.1 on between managers that announce version 5.0.
 *
 *   F(x)      8 bytes of length, big-endian, then x
 *   A(x…)     8 bytes of count, then F(x) of each
 *
 *   LEGACY    F(sender) F(cipherText) F(nonce) A(boxes) F(recipientNonce)              Constellation ends here, or
 *             A(recipients)                                                             here on its disk; Tessera < 1.0
 *             F(privacy) count, then F(hash) F(securityHash) of each affected           Tessera 1.0 …
 *             F(execHash)           when privacy = PRIVATE_STATE_VALIDATION
 *             A(mandatory)          when privacy = MANDATORY_RECIPIENTS                 Tessera 21.10 …
 *             F(privacyGroupId)     when there is one                                   Tessera 21.4 …
 *
 * Lengths of keys are not fixed: 32 bytes in NaCl's, about 91 with elliptic curves.
 */
#ifndef TMPROTO_PAYLOAD_H
#define TMPROTO_PAYLOAD_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    TMPROTO_HASH_SIZE = 64, /* SHA3-512 of the cipher text: the name of a payload everywhere */
    TMPROTO_HASH_TEXT = 88, /* its base64 */
    TMPROTO_KEY_SIZE = 32,  /* of NaCl */
    TMPROTO_KEY_MAX = 256,  /* of any encryptor: P-521 in DER has 158 */

    /* A whole encoded payload. The node's own limit is 128 KiB of transaction (txnSizeLimit); Tessera takes what
     * fits its heap, and MySQL's packets end at 16 MiB as it is delivered. */
    TMPROTO_PAYLOAD_MAX = 16 << 20,
    /* Entries of one list in it: keys and boxes of as many parties take 5 MB. */
    TMPROTO_LIST_MAX = 65536,
};

enum tmproto_privacy {
    TMPROTO_STANDARD_PRIVATE = 0,
    TMPROTO_PARTY_PROTECTION = 1,
    TMPROTO_MANDATORY_RECIPIENTS = 2,
    TMPROTO_PRIVATE_STATE_VALIDATION = 3,
};

/* Any other flag reads as STANDARD_PRIVATE, as in Tessera. */
enum tmproto_privacy tmproto_privacy_from(uint64_t flag);

struct tmproto_list {
    const struct bytes *items;
    size_t count;
};

/* A transaction that this one builds on, and the proof that the author could open it. */
struct tmproto_affected {
    struct bytes hash;
    struct bytes security_hash;
};

/* All spans borrow. */
struct tmproto_payload {
    struct bytes sender;
    struct bytes cipher_text; /* with its MAC */
    struct bytes nonce;       /* of the cipher text */
    struct tmproto_list boxes;
    struct bytes recipient_nonce;   /* of all boxes */
    struct tmproto_list recipients; /* keys; box i is recipient i's where there are that many */
    enum tmproto_privacy privacy;
    const struct tmproto_affected *affected;
    size_t affected_count;
    struct bytes exec_hash; /* text as the node sent it; none unless PRIVATE_STATE_VALIDATION */
    struct tmproto_list mandatory;
    struct bytes group; /* privacy group id; len 0 = none */
};

/* The column PAYLOAD_CODEC of a database, and the encoding of a push. X(NAME, "text") */
#define TMPROTO_CODEC_LIST(X)                                                                      \
    X(LEGACY, "LEGACY")                                                                            \
    X(CBOR, "CBOR")

enum tmproto_codec {
#define X(name, text) TMPROTO_##name,
    TMPROTO_CODEC_LIST(X)
#undef X
};

const char *tmproto_codec_name(enum tmproto_codec codec);
/* False for a name that is none. */
bool tmproto_codec_parse(enum tmproto_codec *ret_codec, struct bytes name) BASE_NODISCARD;

/* How far a LEGACY encoding goes: the last field that the reader knows. */
enum tmproto_extent {
    TMPROTO_EXTENT_BOXES,      /* Constellation's push */
    TMPROTO_EXTENT_RECIPIENTS, /* Constellation's disk, Tessera below 1.0 */
    TMPROTO_EXTENT_ALL,        /* Tessera from 1.0 on; fields that are empty are left out */
};

/*
 * Reads a payload. Spans borrow `data` and `arena`. In LEGACY, input may end after the boxes, or after the recipients;
 * bytes behind the last field are ignored, as by the reference. Fields are checked against each other as there:
 * PRIVATE_STATE_VALIDATION if and only if there is an execHash, MANDATORY_RECIPIENTS if and only if there are mandatory
 * recipients. ERR_INPUT with what is wrong in `detail`, ERR_LIMIT (TMPROTO_PAYLOAD_MAX, TMPROTO_LIST_MAX), ERR_NOMEM.
 */
int tmproto_payload_decode(struct tmproto_payload *ret_payload, struct arena *arena,
                           enum tmproto_codec codec, struct bytes data,
                           struct err_detail *detail) BASE_NODISCARD;

/* Appends the encoding. `extent` counts for LEGACY only. Fails as `b` does: buf_status. */
void tmproto_payload_encode(struct buf *b, const struct tmproto_payload *payload,
                            enum tmproto_codec codec, enum tmproto_extent extent);

/* Bytes that the LEGACY encoding of everything takes. */
size_t tmproto_payload_size(const struct tmproto_payload *payload);

/* SHA3-512 of the cipher text. */
void tmproto_payload_hash(uint8_t ret_hash[TMPROTO_HASH_SIZE], struct bytes cipher_text);
/* The same of several, which costs less than each for itself. */
void tmproto_payload_hash_many(uint8_t (*ret_hashes)[TMPROTO_HASH_SIZE],
                               const struct bytes *cipher_texts, size_t count);
/* The cipher text in a LEGACY encoding, which it borrows; ERR_INPUT when it is none. */
int tmproto_payload_cipher_text(struct bytes *ret_cipher_text, struct bytes legacy) BASE_NODISCARD;

/* The place of `key` in the list, or SIZE_MAX. */
size_t tmproto_list_find(struct tmproto_list list, struct bytes key) BASE_PURE;

/*
 * What is sent to one recipient: its box alone; its key alone, or for PRIVATE_STATE_VALIDATION all keys with its own in
 * front and the others in order. All other fields are kept. ERR_NOTFOUND when it is no recipient or has no box,
 * ERR_NOMEM.
 */
int tmproto_payload_for(struct tmproto_payload *ret_payload, struct arena *arena,
                        const struct tmproto_payload *payload,
                        struct bytes recipient) BASE_NODISCARD;

#endif
