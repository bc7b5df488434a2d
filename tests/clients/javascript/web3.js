const { Web3 } = require("web3");
const { http, ws, key, token, chainId, supply, other, assert, same, until, refused, checkTraces, run } = require("./common");

const web3 = new Web3(http);
web3.eth.transactionPollingInterval = 200;
const account = web3.eth.accounts.privateKeyToAccount(key);
web3.eth.accounts.wallet.add(account);
const from = account.address;
let contract, transferred;

run("web3.js 4", [
  ["network", async () => {
    assert.strictEqual(await web3.eth.getChainId(), BigInt(chainId));
    assert((await web3.eth.getBalance(from)) > 0n);
    assert((await web3.eth.getNodeInfo()).length > 0);
    assert.strictEqual(await web3.eth.getGasPrice(), 0n);
  }],
  ["sends money", async () => {
    const receipt = await web3.eth.sendTransaction({ from, to: other, value: "7" });
    assert.strictEqual(receipt.status, 1n);
    assert.strictEqual((await web3.eth.getTransaction(receipt.transactionHash)).value, 7n);
  }],
  ["deploys", async () => {
    contract = await new web3.eth.Contract(token.abi).deploy({ data: token.bytecode, arguments: [supply] }).send({ from });
    same(await web3.eth.getCode(contract.options.address), token.runtime);
  }],
  ["calls", async () => {
    assert.strictEqual(await contract.methods.symbol().call(), "TOK");
    assert.strictEqual(await contract.methods.balanceOf(from).call(), supply);
    assert((await contract.methods.transfer(other, 1n).estimateGas({ from })) > 21000n);
  }],
  ["transfers", async () => {
    transferred = await contract.methods.transfer(other, 1000n).send({ from });
    assert.strictEqual(transferred.events.Transfer.returnValues.value, 1000n);
    assert.strictEqual(await contract.methods.balanceOf(other).call(), 1000n);
  }],
  ["finds logs", async () => {
    const found = await contract.getPastEvents("Transfer", { filter: { to: other }, fromBlock: 0, toBlock: "latest" });
    assert.strictEqual(found.length, 1);
    assert.strictEqual(found[0].returnValues.value, 1000n);
  }],
  ["understands why a call is refused", async () => {
    const error = await refused("too large a transfer", () => contract.methods.transfer(other, supply * 2n).call({ from }));
    assert.strictEqual(error.cause.errorName, "ERC20InsufficientBalance");
  }],
  ["blocks", async () => {
    const block = await web3.eth.getBlock(transferred.blockNumber, true);
    assert(block.transactions.some((tx) => tx.hash === transferred.transactionHash));
    assert((await web3.eth.getFeeHistory(2, "latest", [50])).baseFeePerGas.length >= 2);
    const proof = await web3.eth.getProof(contract.options.address, ["0x" + "00".repeat(32)], "latest");
    assert(proof.accountProof.length > 0);
  }],
  ["traces", async () => {
    const trace = (config) => web3.provider.request({ jsonrpc: "2.0", id: 1, method: "debug_traceTransaction",
      params: [transferred.transactionHash, config] }).then((answer) => answer.result);
    checkTraces(await trace({ tracer: "callTracer" }), await trace({}), from, contract.options.address);
  }],
  ["a batch", async () => {
    const batch = new web3.BatchRequest();
    const block = batch.add({ method: "eth_getBlockByNumber", params: ["0x1", false] });
    const number = batch.add({ method: "eth_blockNumber", params: [] });
    await batch.execute();
    assert.strictEqual((await block).number, "0x1");
    assert(BigInt(await number) >= transferred.blockNumber);
  }],
  ["subscribes over WebSocket", async () => {
    const live = new Web3(ws);
    const blocks = [], logs = [], pending = [];
    (await live.eth.subscribe("newBlockHeaders")).on("data", (head) => blocks.push(head.number));
    (await live.eth.subscribe("pendingTransactions")).on("data", (hash) => pending.push(hash));
    const bound = new live.eth.Contract(token.abi, contract.options.address);
    bound.events.Transfer().on("data", (log) => logs.push(log.transactionHash));
    await until("a block", () => blocks.length > 0);
    const receipt = await contract.methods.transfer(other, 5n).send({ from });
    await until("its log", () => logs.includes(receipt.transactionHash));
    await until("its block", () => blocks.includes(receipt.blockNumber));
    await until("the pending transaction", () => pending.includes(receipt.transactionHash));
    live.provider.disconnect();
  }],
]);
