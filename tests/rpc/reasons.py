"""Why an answer of ours may differ from GoQuorum's: one list, each with its reason. docs/compatibility.md and docs/rpc.md have them too."""
import json
import re

RUNTIME = re.compile("debug_(gcStats|setGCPercent|cpuProfile|goTrace|blockProfile|mutexProfile|setBlockProfileRate|setMutexProfileFraction|"
                     "write(Block|Mem|Mutex)Profile|start(CPUProfile|GoTrace)|chaindbProperty|printBlock|vmodule|backtraceAt)")
NEW = {"eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_getBlockReceipts", "rpc_discover"}
# method, in the request, in GoQuorum's answer, in ours (regular expressions of their texts), reason
REASONS = [
    ("eth_createAccessList", "", "method handler crashed", "", "GoQuorum crashes"),
    ("eth_createAccessList", "", "execution reverted|invalid opcode|out of gas|gas required|insufficient funds|intrinsic", "",
     "eth_createAccessList: GoQuorum estimates the gas on its pending block first, whatever block was asked for"),
    ("debug_trace.*", "", "TypeError: cannot read property", "", "prestateTracer of GoQuorum fails on plain transfers"),
    ("debug_trace.*", "evmdisTracer", "execution timeout", "", "a tracer that takes GoQuorum too long"),
    ("(eth_call|eth_estimateGas|debug_traceCall)", '"(input|INPUT)"', "", "", "GoQuorum's calls do not know input"),
    ("debug_traceCall", "", "", "", "debug_traceCall: GoQuorum runs the call twice on one state"),
    ("eth_call", r"\"(state|stateDiff|code|balance|nonce)\": ?", "", "", "eth_call: GoQuorum does not apply state overrides"),
    ("istanbul_status", "latest|earliest", "", "", "istanbul_status: GoQuorum takes tags for numbers"),
    ("eth_sendTransaction.*|personal_.*", "0xffffffffffffffff", "", "nonce has max value", "nonces of 2^64-1 (EIP-2681)"),
    ("debug_trace.*", "", "rlp: |EOF", "could not decode block", "what the decoder says of what is no block"),
    (".*", "", "rlp: ", "rlp: ", "what the decoder says of what is no transaction"),
    ("\\((IPC|WebSocket|HTTP).*", "", "invalid character|-32700", "parse error", "a syntax error is not described"),
    ("\\(HTTP\\)", "host NODE.example|host \\[::1\\]", "", "", "hosts: names without case, IPv6 addresses in brackets"),
    ("\\(HTTP\\)", "host a b", "400", "403", "a host that cannot be one: 403, not 400"),
    (".*", r"[Pp]ending", "", "", "the pending block is the head"),
    ("istanbul_getSnapshot.*", "", '"votes": null', '"votes": \\[\\]', "votes: null after an epoch's block, as long as nobody voted"),
    ("miner_set(Extra|RecommitInterval)", "", "", "this node does not make blocks|not prepared again", "what would have no effect is an error"),
]


def of(method, params, ours, theirs):
    """The reason, or None. Answers are pairs of result and error."""
    there, here = json.dumps(theirs), json.dumps(ours)
    if RUNTIME.fullmatch(method):
        return "what looks at the Go runtime, its database or its sources"
    if method in NEW and "does not exist/is not available" in there:
        return "newer methods, which GoQuorum does not have"
    for name, request, their_text, our_text, reason in REASONS:
        if re.fullmatch(name, method) and re.search(request, params) and re.search(their_text, there) and re.search(our_text, here):
            return reason
    return None
