/* The table of endpoints, and the document that is made of it. */
#include "tm/api/request.h"

#define Q2T  TM_ON(Q2T)
#define P2P  TM_ON(P2P)
#define MORE TM_ON(THIRD_PARTY)
#define ADM  TM_ON(ADMIN)
#define ALL  TM_ANY_APP

/* clang-format off */
const struct tm_endpoint tm_endpoints[] = {
    {"GET", "/", ALL, 0, TM_IN(TEXT), tm_get_root, "answers 200, for load balancers", "GET_get"},
    {"GET", "/upcheck", ALL, 0, TM_IN(TEXT), tm_get_upcheck, "I'm up!", "GET_upCheck"},
    {"GET", "/health", ALL, 0, TM_IN(TEXT), tm_get_health, "200 while the process serves", NULL},
    {"GET", "/ready", ALL, 0, TM_IN(TEXT), tm_get_ready, "200 while database and enclave answer", NULL},
    {"GET", "/version", ALL, 0, TM_IN(TEXT), tm_get_version, "release of this manager", "GET_getVersion"},
    {"GET", "/version/distribution", ALL, 0, TM_IN(TEXT), tm_get_version, "release of this manager", "GET_getDistributionVersion"},
    {"GET", "/version/api", ALL, 0, TM_IN(JSON), tm_get_version_api, "versions of the interface", "GET_getVersions"},
    {"GET", "/metrics", ALL, 0, TM_IN(TEXT), tm_get_metrics, "figures for Prometheus", "GET_getMetrics"},
    {"GET", "/api", ALL, 0, TM_IN(JSON), tm_get_api, "this document", "GET_api_Request"},

    {"POST", "/send", Q2T, TM_JSONS, TM_JSONS, tm_post_send, "encrypts a payload, sends it to its parties and stores it", "POST_send_SendRequest"},
    {"POST", "/sendraw", Q2T, TM_IN(OCTETS), TM_IN(TEXT), tm_post_sendraw, "the same, of bytes: headers c11n-from, c11n-to", "POST_sendRaw_StringStringbyte"},
    {"POST", "/storeraw", Q2T | MORE, TM_JSONS_2_1, TM_JSONS_2_1, tm_post_storeraw, "encrypts a payload and keeps it until its transaction is signed", "POST_store_StoreRawRequest"},
    {"POST", "/sendsignedtx", Q2T, TM_JSONS, TM_JSONS, tm_post_sendsigned, "sends what /storeraw kept", "POST_sendSignedTransactionEnhanced_SendSignedRequest"},
    {"POST", "/sendsignedtx", Q2T, TM_IN(OCTETS), TM_IN(TEXT), tm_post_sendsigned_raw, "the same, by the bytes of its hash: header c11n-to", "POST_sendSignedTransactionStandard_Stringbyte"},
    {"POST", "/encodedpayload/create", Q2T, TM_JSONS_2_1, TM_JSONS_2_1, tm_post_create, "encrypts a payload, and neither sends nor stores it", "POST_createEncodedPayload_SendRequest"},
    {"POST", "/encodedpayload/decrypt", Q2T, TM_JSONS_2_1, TM_JSONS_2_1, tm_post_decrypt, "opens what create answered", "POST_decryptEncodedPayload_PayloadDecryptRequest"},
    {"GET", "/transaction/{hash}", Q2T, 0, TM_JSONS_3_0, tm_get_transaction, "a payload: parameters to, isRaw", "GET_receive_StringStringString"},
    {"GET", "/transaction/{hash}/isSender", Q2T, 0, TM_IN(TEXT), tm_get_sender, "whether one of our keys sent it", "GET_isSender_String"},
    {"GET", "/transaction/{hash}/participants", Q2T, 0, TM_IN(TEXT), tm_get_participants, "the recipients that we know", "GET_getParticipants_String"},
    {"GET", "/transaction/{hash}/mandatory", Q2T, 0, TM_IN(TEXT), tm_get_mandatory, "the mandatory recipients", "GET_getMandatoryRecipients_String"},
    {"DELETE", "/transaction/{hash}", Q2T, 0, 0, tm_delete_transaction, "removes a payload here", "DELETE_deleteKey_String"},
    {"GET", "/receive", Q2T, TM_IN(JSON), TM_IN(JSON), tm_get_receive, "a payload by its key (before 1.0)", "GET_receive_ReceiveRequest"},
    {"GET", "/receiveraw", Q2T, 0, TM_IN(OCTETS), tm_get_receiveraw, "a payload's bytes: headers c11n-key, c11n-to", "GET_receiveRaw_StringString"},
    {"POST", "/delete", Q2T, TM_IN(JSON), TM_IN(TEXT), tm_post_delete, "removes a payload here", "POST_delete_DeleteRequest"},
    {"GET", "/groups/{type}", Q2T, 0, TM_JSONS_3_0, tm_get_groups, "privacy groups: resident, legacy or pantheon", "GET_getPrivacyGroups_String"},
    {"POST", "/createPrivacyGroup", Q2T, TM_IN(JSON), TM_IN(JSON), tm_post_create_group, "makes a privacy group and tells its members", "POST_createPrivacyGroup_PrivacyGroupRequest"},
    {"POST", "/findPrivacyGroup", Q2T, TM_IN(JSON), TM_IN(JSON), tm_post_find_group, "groups of exactly these members", "POST_findPrivacyGroup_PrivacyGroupSearchRequest"},
    {"POST", "/retrievePrivacyGroup", Q2T, TM_IN(JSON), TM_IN(JSON), tm_post_retrieve_group, "one privacy group", "POST_retrievePrivacyGroup_PrivacyGroupRetrieveRequest"},
    {"POST", "/deletePrivacyGroup", Q2T, TM_IN(JSON), TM_IN(JSON), tm_post_delete_group, "ends a privacy group and tells its members", "POST_deletePrivacyGroup_PrivacyGroupDeleteRequest"},

    {"POST", "/note", Q2T, TM_JSONS_2_1, 0, tm_post_note_send, "tells the node of another party, sealed, stored nowhere", NULL},
    {"GET", "/notes/{topic}", Q2T, 0, TM_JSONS_2_1, tm_get_notes, "what other parties' nodes told, once", NULL},

    {"POST", "/push", P2P, TM_IN(OCTETS), 0, tm_post_push, "takes a payload of another manager", "POST_push_byte"},
    {"POST", "/partyinfo", P2P, TM_IN(OCTETS), TM_IN(OCTETS), tm_post_partyinfo, "hears who is where", "POST_partyInfo_byteList"},
    {"GET", "/partyinfo", P2P, 0, TM_IN(JSON), tm_get_partyinfo, "tells who is where", "GET_getPartyInfo"},
    {"POST", "/partyinfo/validate", P2P, TM_IN(OCTETS), TM_IN(TEXT), tm_post_validate, "proves that a key is ours", "POST_validate_byte"},
    {"POST", "/resend", P2P, TM_IN(JSON), 0, tm_post_resend, "pushes again what a key lost, or answers one payload", "POST_resend_ResendRequest"},
    {"POST", "/resendBatch", P2P, TM_IN(JSON), TM_IN(JSON), tm_post_resend_batch, "pushes all of a key in batches", "POST_resendBatch_ResendBatchRequest"},
    {"POST", "/pushBatch", P2P, TM_IN(JSON), 0, tm_post_push_batch, "takes a batch, while recovering", "POST_pushBatch_PushBatchRequest"},
    {"POST", "/pushPrivacyGroup", P2P, TM_IN(OCTETS), 0, tm_post_push_group, "takes a privacy group", "POST_storePrivacyGroup_byte"},

    {"POST", "/note", P2P, TM_IN(OCTETS), 0, tm_post_note, "takes a note for the node", NULL},

    {"GET", "/keys", MORE, 0, TM_IN(JSON), tm_get_keys, "our public keys", "GET_getPublicKeys"},
    {"GET", "/partyinfo/keys", MORE, 0, TM_IN(JSON), tm_get_party_keys, "public keys of the network", "GET_getPartyInfoKeys"},
    {"PUT", "/config/peers", ADM, TM_IN(JSON), 0, tm_put_peer, "calls one more manager from now on", "PUT_addPeer_Peer"},
    {"GET", "/config/peers", ADM, 0, TM_IN(JSON), tm_get_peers, "the managers that are called", NULL},
};
/* clang-format on */
const size_t tm_endpoint_count = BASE_COUNT(tm_endpoints);

/* --- OpenAPI --- */

static void write_media(struct buf *b, unsigned media)
{
    const char *comma = "";
    for (unsigned i = 0; i < TMPROTO_MEDIA_COUNT; i++) {
        if (!(media >> i & 1))
            continue;
        buf_append_format(b, "%s\"%s\":{}", comma, tmproto_media_type((enum tmproto_media)i));
        comma = ",";
    }
}

static void write_operation(struct buf *b, const struct tm_endpoint *endpoint)
{
    const char *method = strcmp(endpoint->method, "GET") == 0    ? "get"
                         : strcmp(endpoint->method, "POST") == 0 ? "post"
                         : strcmp(endpoint->method, "PUT") == 0  ? "put"
                                                                 : "delete";
    buf_append_format(b, "\"%s\":{\"summary\":\"%s\"", method, endpoint->summary);
    const char *open = strchr(endpoint->path, '{');
    if (open)
        buf_append_format(b,
                          ",\"parameters\":[{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
                          "\"schema\":{\"type\":\"string\"}}]",
                          (int)strcspn(open + 1, "}"), open + 1);
    if (endpoint->consumes) {
        buf_append_text(b, ",\"requestBody\":{\"content\":{");
        write_media(b, endpoint->consumes);
        buf_append_text(b, "}}");
    }
    buf_append_text(b, ",\"responses\":{\"default\":{\"description\":\"see the guide\"");
    if (endpoint->produces) {
        buf_append_text(b, ",\"content\":{");
        write_media(b, endpoint->produces);
        buf_append_text(b, "}");
    }
    buf_append_text(b, "}}}");
}

/* Whether an earlier endpoint of the application has the same path, and, when asked, the same method. */
static bool stands_before(size_t index, enum tm_app app, bool same_method)
{
    for (size_t i = 0; i < index; i++)
        if (tm_endpoints[i].apps >> app & 1 &&
            strcmp(tm_endpoints[i].path, tm_endpoints[index].path) == 0 &&
            (!same_method || strcmp(tm_endpoints[i].method, tm_endpoints[index].method) == 0))
            return true;
    return false;
}

void tm_api_document(struct buf *b, enum tm_app app, const char *version)
{
    buf_append_format(b,
                      "{\"openapi\":\"3.0.1\",\"info\":{\"title\":\"Quorate transaction manager, "
                      "application %s\",\"version\":\"%s\"},\"paths\":{",
                      tm_app_name(app), version);
    const char *comma = "";
    for (size_t i = 0; i < tm_endpoint_count; i++) {
        if (!(tm_endpoints[i].apps >> app & 1) || stands_before(i, app, false))
            continue;
        buf_append_format(b, "%s\"%s\":{", comma, tm_endpoints[i].path);
        const char *inner = "";
        for (size_t j = i; j < tm_endpoint_count; j++) {
            if (!(tm_endpoints[j].apps >> app & 1) ||
                strcmp(tm_endpoints[j].path, tm_endpoints[i].path) || stands_before(j, app, true))
                continue; /* a second form of the same operation differs by media types alone */
            buf_append_text(b, inner);
            write_operation(b, &tm_endpoints[j]);
            inner = ",";
        }
        buf_append_text(b, "}");
        comma = ",";
    }
    buf_append_text(b, "}}");
}
