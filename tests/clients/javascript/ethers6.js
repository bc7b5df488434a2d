const { ethers } = require("ethers");
const { http, ws, ipc, key, token, chainId, supply, other, assert, same, until, refused, checkTraces, run } = require("./common");

// Cached answers would hide what the node says; polling is for the few waits without a subscription.
const provider = new ethers.JsonRpcProvider(http, undefined, { cacheTimeout: -1, pollingInterval: 200 });
const wallet = new ethers.Wallet(key, provider);
const factory = new ethers.ContractFactory(token.abi, token.bytecode, wallet);
let contract, transferred;

const transfer = async (to, amount, target = contract) => (await target.transfer(to, amount)).wait();

async function subscriptions(socket, make) {
  const live = make();
  const bound = contract.connect(live);
  const blocks = [], logs = [], pending = [];
  await live.on("block", (number) => blocks.push(number));
  await bound.on("Transfer", (from, to, value) => logs.push([from, to, value]));
  await live.on("pending", (hash) => pending.push(hash));
  const receipt = await transfer(other, 5n);
  await until("a block", () => blocks.length > 0 && blocks.at(-1) >= receipt.blockNumber);
  await until("a log", () => logs.length > 0);
  await until("the pending transaction", () => pending.includes(receipt.hash));
  same(logs[0][1], other);
  assert.strictEqual(logs[0][2], 5n);
  await live.removeAllListeners();
  await live.getBlockNumber(); // behind the ends of the subscriptions
  await live.destroy();
}

run("ethers 6", [
  ["network", async () => {
    assert.strictEqual((await provider.getNetwork()).chainId, BigInt(chainId));
    assert((await provider.getBalance(wallet.address)) > 0n);
    assert.strictEqual((await provider.getFeeData()).gasPrice, 0n);
  }],
  ["sends money", async () => {
    const before = await provider.getBalance(other);
    const receipt = await (await wallet.sendTransaction({ to: other, value: 7n })).wait();
    assert.strictEqual(receipt.status, 1);
    assert.strictEqual(receipt.gasUsed, 21000n);
    // A base fee of 0 it takes for none, and sends as before London.
    assert.strictEqual(receipt.type, 0);
    assert.strictEqual((await provider.getBalance(other)) - before, 7n);
    assert.strictEqual((await provider.getTransaction(receipt.hash)).value, 7n);
  }],
  ["sends transactions of types 0, 1 and 2", async () => {
    for (const type of [0, 1, 2]) {
      const fees = type === 2 ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {};
      const receipt = await (await wallet.sendTransaction({ to: other, value: 1n, type, ...fees })).wait();
      assert.strictEqual(receipt.type, type);
    }
  }],
  ["deploys", async () => {
    contract = await factory.deploy(supply);
    await contract.waitForDeployment();
    same(await provider.getCode(await contract.getAddress()), token.runtime);
  }],
  ["calls", async () => {
    assert.strictEqual(await contract.symbol(), "TOK");
    assert.strictEqual(await contract.balanceOf(wallet.address), supply);
    assert((await contract.transfer.estimateGas(other, 1n)) > 21000n);
  }],
  ["transfers", async () => {
    const receipt = await transfer(other, 1000n);
    transferred = receipt;
    assert.strictEqual(receipt.logs.length, 1);
    assert.strictEqual(receipt.logs[0].fragment.name, "Transfer");
    assert.strictEqual(await contract.balanceOf(other), 1000n);
    assert.strictEqual(await contract.balanceOf(other, { blockTag: receipt.blockNumber - 1 }), 0n);
  }],
  ["finds logs", async () => {
    const found = await contract.queryFilter(contract.filters.Transfer(null, other), 0, "latest");
    assert.strictEqual(found.length, 1);
    assert.strictEqual(found[0].args.value, 1000n);
    assert.strictEqual(found[0].transactionHash, transferred.hash);
  }],
  ["understands why a call is refused", async () => {
    const error = await refused("too large a transfer", () => contract.transfer(other, supply * 2n));
    assert.strictEqual(error.code, "CALL_EXCEPTION");
    assert.strictEqual(contract.interface.parseError(error.data).name, "ERC20InsufficientBalance");
    const again = await refused("a call", () => contract.transfer.staticCall(other, supply * 2n));
    assert.strictEqual(again.revert.name, "ERC20InsufficientBalance");
  }],
  ["a transaction that fails", async () => {
    const sent = await contract.transfer(other, supply * 2n, { gasLimit: 200000n });
    const error = await refused("its wait", () => sent.wait());
    assert.strictEqual(error.receipt.status, 0);
  }],
  ["blocks", async () => {
    const block = await provider.getBlock(transferred.blockNumber, true);
    assert(block.prefetchedTransactions.some((tx) => tx.hash === transferred.hash));
    same(block.hash, (await provider.getBlock(block.hash)).hash);
    assert((await provider.getBlock("finalized")).number >= block.number);
    assert.strictEqual((await provider.getTransactionReceipt(transferred.hash)).index, transferred.index);
    assert.strictEqual(await provider.getTransactionReceipt(ethers.ZeroHash), null);
    const receipts = await provider.send("eth_getBlockReceipts", [ethers.toQuantity(block.number)]);
    assert(receipts.some((receipt) => receipt.transactionHash === transferred.hash));
  }],
  ["nonces and errors of sending", async () => {
    const nonce = await wallet.getNonce();
    const low = await refused("a nonce used before", () => wallet.sendTransaction({ to: other, nonce: 0, gasLimit: 21000n }));
    assert.strictEqual(low.code, "NONCE_EXPIRED");
    const poor = new ethers.Wallet("0x" + "11".repeat(32), provider);
    const without = await refused("money that is not there",
      () => poor.sendTransaction({ to: other, value: 1n, gasLimit: 21000n }));
    assert.strictEqual(without.code, "INSUFFICIENT_FUNDS");
    assert.strictEqual(await wallet.getNonce(), nonce);
  }],
  ["traces", async () => {
    const calls = await provider.send("debug_traceTransaction", [transferred.hash, { tracer: "callTracer" }]);
    checkTraces(calls, await provider.send("debug_traceTransaction", [transferred.hash, {}]), wallet.address,
      await contract.getAddress());
  }],
  ["a batch", async () => {
    const numbers = await Promise.all(Array.from({ length: 60 }, (_, i) => provider.getBlock(i % 3)));
    assert(numbers.every((block, i) => block.number === i % 3));
  }],
  ["filters of its own over HTTP", async () => {
    const seen = [];
    await contract.on("Transfer", (from, to, value) => seen.push(value));
    await new Promise((done) => setTimeout(done, 500));
    await transfer(other, 3n);
    await until("a log", () => seen.includes(3n));
    await contract.removeAllListeners();
  }],
  ["subscribes over WebSocket", () => subscriptions("ws", () => new ethers.WebSocketProvider(ws))],
  ["subscribes over the socket", () => subscriptions("ipc", () => new ethers.IpcSocketProvider(ipc))],
]);
