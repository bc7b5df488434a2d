"""Why an answer of ours may differ from GoQuorum's: one list, each with its reason. docs/compatibility.md and docs/rpc.md have them too."""
import json
import re

RUNTIME = re.compile("debug_(gcStats|setGCPercent|cpuProfile|goTrace|blockProfile|mutexProfile|setBlockProfileRate|setMutexProfileFraction|"
                     "write(Block|Mem|Mutex)Profile|start(CPUProfile|GoTrace)|chaindbProperty|printBlock|vmodule|backtraceAt)")
NEW = {"eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_getBlockReceipts", "rpc_discover", "quorumExtension_shareState"}
# method, in the request, in GoQuorum's answer, in ours (regular expressions of their texts), reason
REASONS = [
    ("miner_setRecommitInterval", "", "no answer", "this node does not make blocks|not prepared again", "under Raft GoQuorum waits for a worker that is not there"),
    ("eth_(send|fill|resend|estimate).*|eth_createAccessList", "", "no answer", "", "GoQuorum estimates gas without end by a call that burns what it gets"),
    ("eth_createAccessList", "", "method handler crashed", "", "GoQuorum crashes"),
    ("eth_createAccessList", "", "execution reverted|invalid opcode|out of gas|gas required|insufficient (funds|balance)|intrinsic", "",
     "eth_createAccessList: GoQuorum estimates the gas on its pending block first, whatever block was asked for"),
    ("debug_trace.*", "", "TypeError: cannot read property", "", "prestateTracer of GoQuorum fails on plain transfers"),
    ("debug_trace.*", "evmdisTracer", "execution timeout", "", "a tracer that takes GoQuorum too long"),
    ("(eth_call|eth_estimateGas|debug_traceCall)", '"(input|INPUT)"', "", "", "GoQuorum's calls do not know input"),
    ("debug_traceCall", '"timeout": ?"-', "", "execution timeout", "a time that is over before it begins: GoQuorum may not have looked yet"),
    # The first run, by which GoQuorum sees whether a call is private, is a private transaction: it may not write to public contracts.
    ("debug_traceCall", "", '"failed": true', '"failed": false.*"op": "(SSTORE|LOG[0-4]|CREATE2?|CALL|SELFDESTRUCT)"',
     "debug_traceCall: GoQuorum traces a call that writes to a public contract as a private one, which may not"),
    ("debug_traceCall", "callTracer", "VM in read-only mode", '"gasUsed"', "debug_traceCall: GoQuorum traces a call that writes to a public contract as a private one, which may not"),
    # With a tracer it runs once more, on the state that the first run has left: nonce, balance and slots are not those of the block.
    ("debug_traceCall", "callTracer", '"type": "CREATE2?"', '"type": "CREATE2?"', "debug_traceCall: GoQuorum runs the call twice on one state: another address of a creation"),
    ("debug_traceCall", "prestateTracer", '"nonce": ', '"nonce": ', "debug_traceCall: GoQuorum runs the call twice on one state: another state before"),
    ("debug_traceCall", '"tracer": ?"(opcount|(uni|bi|tri)gram|evmdis|noop|4byte)Tracer', r'^\[[^n]', r'^\[[^n]', "debug_traceCall: GoQuorum runs the call twice on one state: another course"),
    ("eth_call", r"\"(state|stateDiff|code|balance|nonce)\": ?[^,]*\}[^,]*\}\]$", "", "", "eth_call: GoQuorum does not apply state overrides"),
    ("(istanbul|clique)_status", "latest|earliest|pending", "", "", "GoQuorum takes tags for numbers"),
    ("eth_sendTransaction.*|personal_.*", "0xffffffffffffffff", "", "nonce has max value", "nonces of 2^64-1 (EIP-2681)"),
    ("debug_trace.*", "", "rlp: |EOF", "could not decode block", "what the decoder says of what is no block"),
    (".*", "", "rlp: ", "rlp: ", "what the decoder says of what is no transaction"),
    ("\\((IPC|WebSocket|HTTP).*", "", "invalid character|-32700", "parse error", "a syntax error is not described"),
    ("\\(HTTP\\)", "host NODE.example|host \\[::1\\]", "", "", "hosts: names without case, IPv6 addresses in brackets"),
    ("\\(HTTP\\)", "host a b", "400|ConnectionResetError", "403", "a host that cannot be one: 403, not 400"),
    ("eth_get(Block|Header|BlockTransactionCount|Transaction|RawTransaction)By.*", '^\\["pending"', "", "", "the pending block is the head"),
    ("eth_getLogs", '"fromBlock": ?"pending"', "", "", "eth_getLogs: GoQuorum begins two blocks before the first, for `pending`, and gives the logs of all"),
    ("eth_storageRoot", '"pending"', "invalid block number", "", "the pending block is the head"),
    ("(eth|personal)_signTransaction", '(?s)(?=.*"privateFor")(?=.*"accessList")', '"raw"', "transaction type not supported",
     "a private transaction with an access list: GoQuorum gives one with a signature of zeros"),
    ("quorumPermission_connectionAllowed", '"localhost"', "true", "false", "connectionAllowed of the enhanced model: a host's name is not looked up"),
    ("quorumPermission_(addAccountToOrg|changeAccountRole)", "", "Invalid role", "^((?!Invalid role).)*$", "a role is looked for as the contracts want it"),
    ("debug_trace.*", "prestateTracer", '"nonce": -1', '"nonce": ', "prestateTracer of private transactions: there the sender's nonce of the private state, less one"),
    ("eth_decryptQuorumPayload", "", "invalid character|unexpected end", "no JSON", "a syntax error is not described"),
    ("debug_(privateStateRoot|defaultStateRoot|accountRange)", '^\\["pending"', "method handler crashed", "", "GoQuorum crashes"),
    ("debug_traceBlockByNumber", '^\\["pending"', "^\\[\\[\\]", "", "the pending block is the head"),
    ("debug_seedHash", r"^\[\d{15,}\]", "no answer", "not found", "debug_seedHash: GoQuorum counts the epochs one by one, whatever their number"),
    ("quorumPermission_(recover|approve|update).*", "", "method handler crashed", "Org id cannot contain|does not exist", "GoQuorum crashes over what is not there"),
    ("\\(WebSocket message\\)", r"\[{9999}", r'^\[\["\(end\)"\]', "parse error", "GoQuorum closes with bytes unread, which takes its answer away"),
    ("istanbul_getSnapshot.*", "", '"votes": null', '"votes": \\[\\]', "votes: null after an epoch's block, as long as nobody voted"),
    ("miner_set(Extra|RecommitInterval)", "", "", "this node does not make blocks|not prepared again", "what would have no effect is an error"),
]
# On a chain with marker transactions.
MARKERS = [
    ("eth_getTransactionReceipt", "", r"^\[null, null\]", '"blockHash"', "receipts of a block with two or more markers: GoQuorum cannot read them"),
    ("eth_getPrivateTransactionReceipt", "", "could not find receipt for private transaction", '"blockHash"', "receipts of a block with two or more markers: GoQuorum cannot read them"),
    ("eth_getPrivateTransactionReceipt", "", '"gasUsed": "0xffffff', '"gasUsed": "0x0"', "gas of a marker's private receipt: there what stood before it, subtracted from 0"),
    ("eth_get(Filter)?Logs", "", "method handler crashed|could not find receipt for private transaction", "", "logs of a block with another's marker, or with such receipts: GoQuorum fails"),
]


def of(method, params, ours, theirs, more=()):
    """The reason, or None. Answers are pairs of result and error; `more`: reasons of this chain alone."""
    there, here = json.dumps(theirs), json.dumps(ours)
    if RUNTIME.fullmatch(method):
        return "what looks at the Go runtime, its database or its sources"
    if method in NEW and "does not exist/is not available" in there:
        return "newer methods, which GoQuorum does not have"
    for name, request, their_text, our_text, reason in [*REASONS, *more]:
        if re.fullmatch(name, method) and re.search(request, params) and re.search(their_text, there) and re.search(our_text, here):
            return reason
    return None
