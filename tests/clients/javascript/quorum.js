// web3js-quorum stands on web3.js 1, which is tried with it.
const Web3 = require("web3v1");
const Web3Quorum = require("web3js-quorum");
const { http, ws, key, token, chainId, supply, other, assert, same, until, refused, checkTraces, run } = require("./common");

const web3 = new Web3Quorum(new Web3(http), { privateUrl: http }, true);
const account = web3.eth.accounts.privateKeyToAccount(key);
web3.eth.accounts.wallet.add(account);
const from = account.address;
// As a text: the number 0 it takes for none, and offers a tip, which a chain without gas prices refuses.
const FREE = "0x0";
let contract, transferred;

run("web3js-quorum", [
  ["network", async () => {
    assert.strictEqual(await web3.eth.getChainId(), chainId);
    assert(BigInt(await web3.eth.getBalance(from)) > 0n);
  }],
  ["sends money", async () => {
    const receipt = await web3.eth.sendTransaction({ from, to: other, value: "7", gas: 21000, gasPrice: FREE });
    assert.strictEqual(receipt.status, true);
  }],
  ["deploys", async () => {
    contract = await new web3.eth.Contract(token.abi).deploy({ data: token.bytecode, arguments: [supply.toString()] })
      .send({ from, gas: 3000000, gasPrice: FREE });
    same(await web3.eth.getCode(contract.options.address), token.runtime);
  }],
  ["calls and transfers", async () => {
    assert.strictEqual(await contract.methods.symbol().call(), "TOK");
    transferred = await contract.methods.transfer(other, "1000").send({ from, gas: 100000, gasPrice: FREE });
    assert.strictEqual(transferred.events.Transfer.returnValues.value, "1000");
    assert.strictEqual(await contract.methods.balanceOf(other).call(), "1000");
  }],
  ["finds logs", async () => {
    const found = await contract.getPastEvents("Transfer", { filter: { to: other }, fromBlock: 0 });
    assert.strictEqual(found.length, 1);
  }],
  ["the validators", async () => {
    const validators = await web3.istanbul.getValidators("latest");
    assert.strictEqual(validators.length, 4);
    const snapshot = await web3.istanbul.getSnapshot("latest");
    assert.strictEqual(snapshot.validators.length, 4);
    assert.deepStrictEqual(Object.keys(await web3.istanbul.candidates()), []);
    await web3.istanbul.propose(other, true);
    assert.deepStrictEqual(Object.values(await web3.istanbul.candidates()), [true]);
    await web3.istanbul.discard(other);
    assert.strictEqual((await web3.istanbul.nodeAddress()).length, 42);
  }],
  ["no private payload without a manager", async () => {
    const error = await refused("a payload", () => web3.eth.getQuorumPayload("0x" + "00".repeat(64)));
    assert.match(error.message, /PrivateTransactionManager is not enabled/);
  }],
  ["traces", async () => {
    const ask = (method, ...params) => new Promise((done, fail) => web3.currentProvider.send(
      { jsonrpc: "2.0", id: 1, method, params }, (error, answer) => (error ? fail(error) : done(answer.result))));
    const hash = transferred.transactionHash;
    checkTraces(await ask("debug_traceTransaction", hash, { tracer: "callTracer" }),
      await ask("debug_traceTransaction", hash, {}), from, contract.options.address);
  }],
  ["subscribes over WebSocket", async () => {
    const live = new Web3(ws);
    const blocks = [], logs = [], pending = [];
    live.eth.subscribe("newBlockHeaders", (error, head) => head && blocks.push(head.number));
    live.eth.subscribe("pendingTransactions", (error, hash) => hash && pending.push(hash));
    new live.eth.Contract(token.abi, contract.options.address).events.Transfer({}, (error, log) => log && logs.push(log.transactionHash));
    await until("a block", () => blocks.length > 0);
    const receipt = await contract.methods.transfer(other, "5").send({ from, gas: 100000, gasPrice: FREE });
    await until("its log", () => logs.includes(receipt.transactionHash));
    await until("its block", () => blocks.includes(receipt.blockNumber));
    await until("the pending transaction", () => pending.includes(receipt.transactionHash));
    live.currentProvider.disconnect();
  }],
]);
