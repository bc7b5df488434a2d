/*
 * What others must know of an organization that runs its own peers: who they are, and whose certificates they have. The organization
 * hands it over as a file, every operator puts the others' into a folder, and no operator has another's keys.
 *
 *     {"quorate-bundle": 1, "organization": "store", "authority": <PEM>,
 *      "peers": {"store": {"node": <128 digits>, "account": "0x…", "manager": <base64 or "">, "signature": <130 digits>}}}
 *
 * Each peer's node key has signed the whole (Keccak-256 of "quorate bundle\n" and of the compact text with sorted members, without
 * signatures): nobody can claim a key that is not theirs. That it is the organization's is shown by comparing the fingerprint, the
 * beginning of that hash, by another way than the file came.
 */
#ifndef DEPLOY_KEYS_BUNDLE_H
#define DEPLOY_KEYS_BUNDLE_H

#include "deploy/keys/keys.h"

enum {
    DEPLOY_BUNDLE_MAX =
        1 << 20, /* bytes of a file: 500 peers of 500 bytes each, and a certificate */
    DEPLOY_FINGERPRINT_TEXT = 40, /* eight groups of four digits, with end mark */
};

struct deploy_bundle {
    json_t *root; /* checked; freed by deploy_bundle_release */
    char fingerprint[DEPLOY_FINGERPRINT_TEXT];
};

/* One peer to be written: its secrets are read from `store` for the signature. */
struct deploy_bundle_peer {
    const struct deploy_peer *peer;
    const struct deploy_identity *identity;
};

/* Makes the bundle of an organization whose keys are in the store. ERR_NOTFOUND, ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int deploy_bundle_make(struct deploy_bundle *ret_bundle, const struct deploy_secrets *store,
                       const struct deploy_organization *organization, struct bytes authority,
                       const struct deploy_bundle_peer *peers, size_t count,
                       struct err_detail *detail) BASE_NODISCARD;
/* Reads one, and checks form, keys and signatures. ERR_INPUT, ERR_NOMEM. */
int deploy_bundle_parse(struct deploy_bundle *ret_bundle, struct bytes text,
                        struct err_detail *detail) BASE_NODISCARD;
void deploy_bundle_release(struct deploy_bundle *bundle);

/* Texts are valid as long as the bundle. The authority is "" where its managers have no certificates. */
const char *deploy_bundle_organization(const struct deploy_bundle *bundle);
const char *deploy_bundle_authority(const struct deploy_bundle *bundle);
/* False when the bundle has no such peer. */
bool deploy_bundle_identity(struct deploy_identity *ret_identity,
                            const struct deploy_bundle *bundle, const char *peer) BASE_NODISCARD;

#endif
