/* dump: the accounts of blocks as geth writes them (cmd/geth/chaincmd.go, core/state/dump.go), from a node that only looks. */
#include "node/commands/command.h"

#include <stdio.h>

/* Called with the words of the command line and what the flags say. */
static const char script[] =
    "(function (words, flags) {"
    "  var out = '';"
    "  function slim(account) {"
    "    if (flags.nocode) delete account.code;"
    "    if (flags.nostorage) delete account.storage;"
    "    return account;"
    "  }"
    "  function block(word) {"
    "    if (/^[0-9]+$/.test(word)) return eth.getBlock(Number(word));"
    "    var hex = word.replace(/^0x/i, '');"
    "    return /^[0-9a-f]{64}$/i.test(hex) ? eth.getBlock('0x' + hex) : null;"
    "  }"
    "  function lines(dump) {"
    "    var hashed = Object.keys(dump.accounts).map(function (a) { return [web3.sha3(a, "
    "{encoding: 'hex'}), a]; });"
    "    out += JSON.stringify({root: '0x' + dump.root}) + '\\n';"
    "    hashed.sort().forEach(function (pair) {"
    "      var account = slim(dump.accounts[pair[1]]);"
    "      account.address = pair[1];"
    "      out += JSON.stringify(account) + '\\n';"
    "    });"
    "  }"
    "  function whole(dump) {"
    "    var sorted = {};"
    "    Object.keys(dump.accounts).sort().forEach(function (a) { sorted[a] = "
    "slim(dump.accounts[a]); });"
    "    if (flags.incompletes)"
    "      out += 'If you want to include accounts with missing preimages, you need iterative "
    "output, since"
    " otherwise the accounts will overwrite each other in the resulting mapping.';"
    "    out += flags.incompletes + ' ' + JSON.stringify({root: dump.root, accounts: sorted}, "
    "null, 4) + '\\n';"
    "  }"
    "  for (var i = 0; i < words.length; i++) {"
    "    var found = block(words[i]);"
    "    if (!found) { console.log(out + '{}'); throw 'block not found'; }"
    "    (flags.iterative ? lines : whole)(debug.dumpBlock(web3.toHex(found.number)));"
    "  }"
    "  return out;"
    "})";

/* As an element of a list of JavaScript; what no block is called by is left out of the word. */
static void append_word(struct buf *b, const char *word)
{
    buf_append_text(b, "'");
    for (; *word; word++)
        buf_append_byte(b, strchr("0123456789abcdefABCDEFxX", *word) ? (uint8_t)*word : '?');
    buf_append_text(b, "',");
}

int node_run_dump(const struct node_config *config, size_t count, char **arguments)
{
    struct buf b = BUF_INIT;
    static const char *const names[] = {"false", "true"};
    buf_append_text(&b, script);
    buf_append_text(&b, "([");
    for (size_t i = 0; i < count; i++)
        append_word(&b, arguments[i]);
    buf_append_format(&b, "], {iterative: %s, nocode: %s, nostorage: %s, incompletes: %s})",
                      names[config->dump_iterative], names[config->dump_nocode],
                      names[config->dump_nostorage], names[config->dump_incompletes]);
    int code = buf_status(&b) == ERR_OK ? node_print_from_console(config, buf_text(&b))
                                        : node_fatal("out of memory");
    buf_release(&b);
    return code;
}
