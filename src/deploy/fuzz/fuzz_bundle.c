/* A bundle as anybody may send it: it is read, or refused with a word. */
#include "base/fuzz/fuzz.h"
#include "crypto/secp256k1.h"
#include "deploy/keys/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct deploy_bundle bundle;
    struct err_detail detail = {""};
    int status = deploy_bundle_parse(&bundle, bytes_of(data, size), &detail);
    if (status != ERR_OK) {
        if (!detail.text[0])
            abort();
        return 0;
    }
    struct deploy_identity identity;
    struct address derived;
    if (deploy_bundle_identity(&identity, &bundle, "store")) {
        crypto_address_of(&derived, &identity.node);
        if (!address_equal(&derived, &identity.node_address))
            abort();
    }
    if (!deploy_bundle_organization(&bundle) || !deploy_bundle_authority(&bundle))
        abort();
    deploy_bundle_release(&bundle);
    return 0;
}
