const { ethers } = require("ethers5");
const { http, ws, key, token, chainId, supply, other, assert, same, until, refused, checkTraces, run } = require("./common");

const provider = new ethers.providers.JsonRpcProvider(http);
provider.pollingInterval = 200;
const wallet = new ethers.Wallet(key, provider);
let contract, transferred;

run("ethers 5", [
  ["network", async () => {
    assert.strictEqual((await provider.getNetwork()).chainId, chainId);
    assert((await wallet.getBalance()).gt(0));
  }],
  ["sends money", async () => {
    // Its own guess of a tip is 1.5 gwei, which a chain without gas prices refuses.
    const receipt = await (await wallet.sendTransaction({ to: other, value: 7, gasPrice: 0 })).wait();
    assert.strictEqual(receipt.status, 1);
    // A price on a chain with base fees becomes both fees.
    assert.strictEqual(receipt.type, 2);
    assert(receipt.effectiveGasPrice.eq(0));
    const legacy = await (await wallet.sendTransaction({ to: other, value: 7, type: 0, gasPrice: 0 })).wait();
    assert.strictEqual(legacy.type, 0);
  }],
  ["deploys", async () => {
    contract = await new ethers.ContractFactory(token.abi, token.bytecode, wallet).deploy(supply, { gasPrice: 0 });
    await contract.deployed();
    same(await provider.getCode(contract.address), token.runtime);
  }],
  ["calls", async () => {
    assert.strictEqual(await contract.name(), "Token");
    assert((await contract.balanceOf(wallet.address)).eq(supply));
    assert((await contract.estimateGas.transfer(other, 1)).gt(21000));
  }],
  ["transfers", async () => {
    transferred = await (await contract.transfer(other, 1000, { gasPrice: 0 })).wait();
    assert.strictEqual(transferred.events[0].event, "Transfer");
    assert((await contract.balanceOf(other)).eq(1000));
  }],
  ["finds logs", async () => {
    const found = await contract.queryFilter(contract.filters.Transfer(wallet.address, other));
    assert.strictEqual(found.length, 1);
    assert(found[0].args.value.eq(1000));
  }],
  ["understands why a call is refused", async () => {
    const error = await refused("too large a transfer", () => contract.callStatic.transfer(other, supply * 2n));
    assert.strictEqual(error.errorName, "ERC20InsufficientBalance");
    const guess = await refused("its gas", () => contract.estimateGas.transfer(other, supply * 2n));
    assert.strictEqual(guess.code, "UNPREDICTABLE_GAS_LIMIT");
  }],
  ["blocks", async () => {
    const block = await provider.getBlockWithTransactions(transferred.blockNumber);
    assert(block.transactions.some((tx) => tx.hash === transferred.transactionHash));
    assert((await provider.getBlock("latest")).number >= block.number);
    assert.strictEqual(await provider.getTransactionReceipt(ethers.constants.HashZero), null);
  }],
  ["a signed message", async () => {
    same(ethers.utils.verifyMessage("hello", await wallet.signMessage("hello")), wallet.address);
  }],
  ["traces", async () => {
    const hash = transferred.transactionHash;
    checkTraces(await provider.send("debug_traceTransaction", [hash, { tracer: "callTracer" }]),
      await provider.send("debug_traceTransaction", [hash, {}]), wallet.address, contract.address);
  }],
  ["a batch", async () => {
    const batch = new ethers.providers.JsonRpcBatchProvider(http);
    const blocks = await Promise.all([0, 1, 2].map((number) => batch.getBlock(number)));
    assert.deepStrictEqual(blocks.map((block) => block.number), [0, 1, 2]);
  }],
  ["subscribes over WebSocket", async () => {
    const live = new ethers.providers.WebSocketProvider(ws);
    const blocks = [], logs = [], pending = [];
    live.on("block", (number) => blocks.push(number));
    live.on("pending", (hash) => pending.push(hash));
    contract.connect(live).on("Transfer", (from, to, value) => logs.push(value.toNumber()));
    await until("a block", () => blocks.length > 0);
    const receipt = await (await contract.transfer(other, 5, { gasPrice: 0 })).wait();
    await until("its log", () => logs.includes(5));
    await until("its block", () => blocks.includes(receipt.blockNumber));
    await until("the pending transaction", () => pending.includes(receipt.transactionHash));
    await live.destroy();
  }],
]);
