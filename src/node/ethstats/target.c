#include "node/ethstats/target.h"

int node_ethstats_target_read(struct node_ethstats_target *ret_target, const char *value,
                              struct err_detail *detail)
{
    /* GoQuorum's pattern is ([^:@]*)(:([^@]*))?@(.+). */
    size_t before = strcspn(value, "@"), name = strcspn(value, ":@");
    const char *host = value[before] ? value + before + 1 : "";
    if (!*host || strchr(host, '\n'))
        return err_set(detail, ERR_USAGE,
                       "invalid netstats url: \"%.*s%s%s\", should be nodename:secret@host:port",
                       (int)(name < 100 ? name : 100), value, name < before ? ":***" : "",
                       value[before] ? "@" : "");
    *ret_target = (struct node_ethstats_target){.name = bytes_of(value, name), .host = host};
    if (name < before)
        ret_target->secret = bytes_of(value + name + 1, before - name - 1);
    return ERR_OK;
}
