// What the clients' scripts share: the chain they are given, and the end.
//
// In the environment: HTTP_URL, WS_URL, IPC_PATH of a validator; TOKEN, a file of compile.js; KEY of an account with
// money.
const assert = require("assert");
const fs = require("fs");

exports.http = process.env.HTTP_URL;
exports.ws = process.env.WS_URL;
exports.ipc = process.env.IPC_PATH;
exports.key = process.env.KEY;
exports.sender = process.env.SENDER;
exports.token = JSON.parse(fs.readFileSync(process.env.TOKEN));
exports.chainId = 1337;
exports.supply = 10n ** 24n;
exports.other = "0x00000000000000000000000000000000000A11cE";
exports.assert = assert;

exports.same = (a, b, what) => assert.strictEqual(String(a).toLowerCase(), String(b).toLowerCase(), what);

// Waits until `test` gives something.
exports.until = async (what, test, seconds = 30) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
};

// The call must be refused; gives the error.
exports.refused = async (what, call) => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: was not refused`);
};

// What a geth's callTracer and its log of instructions say of a token's transfer.
exports.checkTraces = (calls, log, from, to) => {
  assert.strictEqual(calls.type, "CALL");
  exports.same(calls.from, from);
  exports.same(calls.to, to);
  assert.strictEqual(calls.error, undefined);
  assert.strictEqual(log.failed, false);
  assert(log.structLogs.some((step) => step.op === "SSTORE"), "no SSTORE in the trace");
  assert(log.structLogs.some((step) => step.op === "LOG3"), "no LOG3 in the trace");
};

// Runs the steps in turn and says what was done; the first that fails ends it.
exports.run = async (client, steps) => {
  for (const [name, step] of steps) {
    try {
      await step();
      console.log(`${client}: ${name}`);
    } catch (error) {
      console.error(`${client}: ${name}: FAILED`);
      console.error(error);
      process.exit(1);
    }
  }
  process.exit(0);
};
