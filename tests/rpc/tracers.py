#!/usr/bin/env python3
"""Tracers that a client writes in JavaScript: what they see of three transactions, as GoQuorum v24.4.1 shows it (PROGRAM may be its
geth, which passes until the tracers that end it); and that none of them, however written, takes the node's time or memory.

usage: tracers.py PROGRAM"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import free_ports  # noqa: E402
from processes import ask, until  # noqa: E402

KEY = "0b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f29"
# Counts its calls in slot 0, copies a word by the identity contract, logs, and answers 42; with call data it jumps nowhere.
CODE = "602a600052600054600101600055602060406020600060045afa5060206000a036601f5760206000f35b60016000fd"
LOOP = "6127105b6001900380600357"  # 10,000 times
OBJECT = "{step:function(log,db){%s},fault:function(log,db){%s},result:function(ctx,db){%s}}"
LOG = "toHex(log.contract.getAddress())=='{to}',toHex(log.contract.getCaller())=='{from}',log.getPC(),log.getCost(),log.getDepth(),log.getRefund()"
STACK = "log.stack.peek(0).toString(),log.stack.peek(1).toString(16),log.stack.peek(99).valueOf(),log.op.isPush()"
MEMORY = "toHex(log.memory.slice(30,32)),log.memory.getUint(0).toString(),log.memory.getUint(9999).valueOf(),log.memory.slice(5,2).length"
STATE = ("var a=log.contract.getAddress();this.d=[toHex(db.getState(a,toWord('0x0'))).slice(-2),db.getNonce(a),db.getBalance(a).toString(),"
         "db.exists(toAddress('0x1234')),db.exists(a),db.getCode(a).length,log.contract.getValue().toString(),toHex(log.contract.getInput())]")
HELPERS = ("[toHex(toWord('0xff')).slice(-3),toHex(toAddress('0x1')).length,toHex(toContract('0x0000000000000000000000000000000000000001',3)),"
           "toHex(toContract2('0x01','0x02','0x6001')),isPrecompiled(toAddress('0x4')),isPrecompiled(toAddress('0x14')),"
           "toHex(slice(toWord('0x0102'),30,32)),bigInt(2).pow(200).toString()]")

# A tracer and its answers for the call, for the one that fails, for the creation; one where they are the same. A text is an error's.
SEEN = [
    ("{data:[],step:function(log){this.data.push(log.op.toString()+':'+log.stack.length())},"
     "fault:function(log){this.data.push('fault '+log.getError())},result:function(){return this.data.slice(-5)}}",
     [["PUSH1:1", "JUMPI:2", "PUSH1:0", "PUSH1:1", "RETURN:2"]]),
    (OBJECT % (f"if(log.op.toNumber()==0x55)this.d=[{LOG}]", "", "return this.d||null"),
     [[True, True, 13, 20000, 1, 0], [True, True, 13, 2900, 1, 0], None]),
    (OBJECT % (f"if(log.op.toNumber()==0x55)this.d=[{STACK},{MEMORY}]", "", "return this.d||null"),
     [["0", "1", 0, False, "0x002a", "42", 0, 0], ["0", "2", 0, False, "0x002a", "42", 0, 0], None]),
    (OBJECT % (f"if(log.op.toNumber()==0x55){{{STATE}}}", "", "return this.d||null"),
     [["00", 1, "5", False, True, 47, "5", "0x"], ["01", 1, "5", False, True, 47, "0", "0x01"], None]),
    (OBJECT % ("", "", "return [ctx.type,ctx.gas,ctx.gasUsed,ctx.intrinsicGas,ctx.block,ctx.value.toString(),ctx.gasPrice,toHex(ctx.output).length,"
                       "toHex(ctx.input).length,toHex(ctx.from)=='{from}',toHex(ctx.to)=='{to}',ctx.error,typeof ctx.time]"),
     [["CALL", 1027576, 22925, 21000, 2, "5", "1", 66, 2, True, True, None, "string"],
      ["CALL", 1027560, 1027560, 21016, 3, "0", "1", 2, 4, True, True, "invalid jump destination", "string"],
      ["CREATE", 994740, 9430, 53836, 1, "0", "1", 96, 120, True, True, None, "string"]]),
    (OBJECT % ("", "", f"return {HELPERS}"),
     [["0ff", 42, "0x2c1de3b4dbb4adebebb5dcecae825be2a9fc6eb6", "0x33f21de4bbec01b5b25fabd3f213e70d8c4be0e6", True, False, "0x0102", "1606938044258990275541962092341162602522202993782792835301376"]]),
    (OBJECT % ("throw 'boo'", "", "return 1"), ["boo    in server-side tracer function 'step'"]),
    (OBJECT % ("nothing()", "", "return 1"), ["ReferenceError: identifier 'nothing' undefined    in server-side tracer function 'step'"]),
    (OBJECT % ("throw 'boo'", "", "throw new Error('x')"), ["Error: x    in server-side tracer function 'result'"]),
    ("{step:function(){},result:function(){}}", ["trace object must expose a function fault()"]),
    ("{", ["SyntaxError: invalid object literal (line 1"]),
    ("noSuchTracer", ["ReferenceError: identifier 'noSuchTracer' undefined"]),
]
# What the reference cannot put into JSON; those that end it, or never end in it.
HOSTILE = [
    (OBJECT % ("", "", ""), None, {}),
    ("null", "TypeError: not object coercible", {}),
    ("5", "trace object must expose a function step()", {}),
    (OBJECT % ("while(true);", "", ""), "execution timeout", {"timeout": "300ms"}),
    (OBJECT % ("", "", "while(true);"), "execution timeout", {"timeout": "300ms"}),
    ("(function(){while(true);})()", "execution timeout", {"timeout": "300ms"}),
    (OBJECT % ("function f(){f()};f()", "", ""), "RangeError: callstack limit    in server-side tracer function 'step'", {"timeout": "60s"}),
    (OBJECT % ("var a='x';for(;;)a+=a", "", ""), "Error: alloc failed    in server-side tracer function 'step'", {"timeout": "60s"}),
]


class Chain:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method, *params):
        return ask(self.url, method, *params)

    def result(self, method, *params):
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def send(self, **transaction):
        transaction = {"from": self.account, "gas": "0x100000", "gasPrice": "0x1", **transaction}
        hash = self.result("eth_sendTransaction", transaction)
        return until(lambda: self.result("eth_getTransactionReceipt", hash), "a receipt")

    def create(self, code):
        return self.send(data=f"0x60{len(code) // 2:02x}600c60003960{len(code) // 2:02x}6000f3{code}")

    def prepare(self):
        self.account = self.result("eth_accounts")[0]
        creation = self.create(CODE)
        self.to = creation["contractAddress"]
        self.transactions = [r["transactionHash"] for r in (self.send(to=self.to, value="0x5"), self.send(to=self.to, data="0x01"), creation)]

    def trace(self, index, tracer, **options):
        """The result, or the error's text."""
        tracer = tracer.replace("{from}", self.account).replace("{to}", self.to)
        answer = self.ask("debug_traceTransaction", self.transactions[index], {"tracer": tracer, "timeout": "60s", **options})
        return answer.get("result") if "error" not in answer else answer["error"]["message"]


@contextlib.contextmanager
def running(program, folder):
    (folder / "key").write_text(KEY)
    (folder / "password").write_text("\n")
    environment = {**os.environ, "PRIVATE_CONFIG": "ignore", "TMPDIR": str(folder)}
    subprocess.run([program, "--keystore", folder / "keys", "--lightkdf", "--password", folder / "password", "account", "import", folder / "key"],
                   check=True, capture_output=True, env=environment)
    port, = free_ports(1)
    with open(folder / "log", "w") as log:
        node = subprocess.Popen([program, "--dev", "--keystore", folder / "keys", "--ipcdisable", "--http", "--http.port", str(port),
                                 "--http.api", "eth,debug"], stdout=log, stderr=log, env=environment)
    try:
        chain = Chain(port)
        until(lambda: node.poll() is not None or chain.ask("eth_blockNumber"), "an answer")
        assert node.poll() is None, (folder / "log").read_text()
        chain.prepare()
        yield chain, node
    finally:
        node.terminate()
        node.wait(60)


def is_equal(expected, got):
    return got.startswith(expected) if isinstance(expected, str) and isinstance(got, str) else expected == got


def main():
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="quorate-tracers-") as folder, running(sys.argv[1], pathlib.Path(folder)) as (chain, node):
        for tracer, answers in SEEN:
            for index in range(3 if len(answers) == 3 else 1):
                got = chain.trace(index, tracer)
                if is_equal(answers[index], got):
                    passed += 1
                else:
                    failed += 1
                    print(f"{tracer}\n  expected {json.dumps(answers[index])}\n  got      {json.dumps(got)}")
        fault = chain.trace(1, SEEN[0][0])
        block = chain.result("debug_traceBlockByNumber", "0x2", {"tracer": SEEN[0][0]})
        call = chain.result("debug_traceCall", {"from": chain.account, "to": chain.to}, "latest", {"tracer": SEEN[0][0]})
        loop = chain.send(to=chain.create(LOOP)["contractAddress"], gas="0x900000")
        chain.transactions.append(loop["transactionHash"])
        steps = chain.trace(3, "{n:0,step:function(){this.n++},fault:function(){},result:function(){return this.n}}", timeout="60s")
        for what, expected, got in (("the fault", "fault invalid jump destination", fault[-1]), ("a block", SEEN[0][1][0], block[0]["result"]),
                                    ("a call", SEEN[0][1][0], call), ("a loop's steps", 70002, steps)):
            if expected == got:
                passed += 1
            else:
                failed += 1
                print(f"{what}: expected {expected}, got {got}")
        for tracer, error, options in HOSTILE:
            got = chain.trace(0, tracer, **options)
            if got == error and chain.result("eth_blockNumber"):
                passed += 1
            else:
                failed += 1
                print(f"{tracer}: expected {error}, got {got}")
        children = pathlib.Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text()
        if children.strip():
            failed += 1
            print(f"processes are left: {children}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
