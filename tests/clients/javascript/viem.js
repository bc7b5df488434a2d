const viem = require("viem");
const { privateKeyToAccount } = require("viem/accounts");
const { http, ws, key, token, chainId, supply, other, assert, same, until, refused, checkTraces, run } = require("./common");

const chain = viem.defineChain({
  id: chainId,
  name: "quorate",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [http] } },
});
const account = privateKeyToAccount(key);
const reader = viem.createPublicClient({ chain, transport: viem.http(http), pollingInterval: 200, cacheTime: 0 });
const writer = viem.createWalletClient({ chain, account, transport: viem.http(http) });
const abi = token.abi;
let address, transferred;

const mined = (hash) => reader.waitForTransactionReceipt({ hash });
const transfer = async (amount) => mined(await writer.writeContract({ abi, address, functionName: "transfer", args: [other, amount] }));

run("viem", [
  ["network", async () => {
    assert.strictEqual(await reader.getChainId(), chainId);
    assert((await reader.getBalance({ address: account.address })) > 0n);
    const fees = await reader.estimateFeesPerGas();
    assert(fees.maxFeePerGas >= fees.maxPriorityFeePerGas);
    const history = await reader.getFeeHistory({ blockCount: 3, rewardPercentiles: [25, 75] });
    assert(history.baseFeePerGas.length >= 2);
  }],
  ["sends money", async () => {
    const receipt = await mined(await writer.sendTransaction({ to: other, value: 7n }));
    assert.strictEqual(receipt.status, "success");
    assert.strictEqual(receipt.type, "eip1559"); // as eth_fillTransaction proposes
    assert.strictEqual(receipt.effectiveGasPrice, 0n);
    const tx = await reader.getTransaction({ hash: receipt.transactionHash });
    assert.strictEqual(tx.value, 7n);
  }],
  ["deploys", async () => {
    const receipt = await mined(await writer.deployContract({ abi, bytecode: token.bytecode, args: [supply] }));
    address = receipt.contractAddress;
    same(await reader.getCode({ address }), token.runtime);
  }],
  ["calls", async () => {
    assert.strictEqual(await reader.readContract({ abi, address, functionName: "symbol" }), "TOK");
    const calls = await Promise.all(["name", "symbol", "decimals"].map((functionName) =>
      reader.readContract({ abi, address, functionName })));
    assert.deepStrictEqual(calls, ["Token", "TOK", 18]);
  }],
  ["simulates and transfers", async () => {
    const { request, result } = await reader.simulateContract({ account, abi, address, functionName: "transfer", args: [other, 1000n] });
    assert.strictEqual(result, true);
    transferred = await mined(await writer.writeContract(request));
    assert.strictEqual(await reader.readContract({ abi, address, functionName: "balanceOf", args: [other] }), 1000n);
  }],
  ["a changed state", async () => {
    const balance = await reader.readContract({ abi, address: other, functionName: "decimals",
      stateOverride: [{ address: other, code: token.runtime }] });
    assert.strictEqual(balance, 18);
  }],
  ["finds logs", async () => {
    const found = await reader.getContractEvents({ abi, address, eventName: "Transfer", args: { to: other }, fromBlock: 0n });
    assert.strictEqual(found.length, 1);
    assert.strictEqual(found[0].args.value, 1000n);
    const filter = await reader.createContractEventFilter({ abi, address, eventName: "Transfer" });
    const receipt = await transfer(2n);
    const changes = await until("a change of the filter", async () => {
      const some = await reader.getFilterChanges({ filter });
      return some.length && some;
    });
    assert.strictEqual(changes[0].transactionHash, receipt.transactionHash);
    assert.strictEqual(await reader.uninstallFilter({ filter }), true);
  }],
  ["understands why a call is refused", async () => {
    const error = await refused("too large a transfer", () =>
      reader.simulateContract({ account, abi, address, functionName: "transfer", args: [other, supply * 2n] }));
    const cause = error.walk((e) => e instanceof viem.ContractFunctionRevertedError);
    assert.strictEqual(cause.data.errorName, "ERC20InsufficientBalance");
  }],
  ["errors of sending", async () => {
    const low = await refused("a nonce used before", () => writer.sendTransaction({ to: other, nonce: 0, gas: 21000n }));
    assert(low.walk((e) => e instanceof viem.NonceTooLowError), low.message);
  }],
  ["blocks", async () => {
    const block = await reader.getBlock({ blockNumber: transferred.blockNumber, includeTransactions: true });
    assert(block.transactions.some((tx) => tx.hash === transferred.transactionHash));
    for (const blockTag of ["earliest", "latest", "safe", "finalized", "pending"]) await reader.getBlock({ blockTag });
    await refused("a block that is not there", () => reader.getBlock({ blockNumber: 10n ** 9n }));
  }],
  ["proof, access list", async () => {
    const proof = await reader.getProof({ address, storageKeys: [viem.zeroHash] });
    assert(proof.accountProof.length > 0);
    const list = await reader.createAccessList({ account, to: address,
      data: viem.encodeFunctionData({ abi, functionName: "transfer", args: [other, 1n] }) });
    assert(list.accessList[0].storageKeys.length >= 2);
  }],
  ["a delegation (EIP-7702)", async () => {
    const authorization = await writer.signAuthorization({ contractAddress: address, executor: "self" });
    const receipt = await mined(await writer.sendTransaction({ authorizationList: [authorization], to: account.address, gas: 200000n }));
    assert.strictEqual(receipt.type, "eip7702");
    same(await reader.getCode({ address: account.address }), "0xef0100" + address.slice(2));
  }],
  ["traces", async () => {
    const trace = (config) => reader.request({ method: "debug_traceTransaction", params: [transferred.transactionHash, config] });
    checkTraces(await trace({ tracer: "callTracer" }), await trace({}), account.address, address);
  }],
  ["a batch", async () => {
    const batch = viem.createPublicClient({ chain, transport: viem.http(http, { batch: true }) });
    const blocks = await Promise.all([0n, 1n, 2n].map((blockNumber) => batch.getBlock({ blockNumber })));
    assert.deepStrictEqual(blocks.map((block) => block.number), [0n, 1n, 2n]);
  }],
  ["subscribes over WebSocket", async () => {
    const live = viem.createPublicClient({ chain, transport: viem.webSocket(ws) });
    const blocks = [], logs = [], pending = [];
    const onError = (error) => { throw error; };
    const stop = [
      live.watchBlocks({ onBlock: (block) => blocks.push(block.number), onError }),
      live.watchContractEvent({ abi, address, eventName: "Transfer", onLogs: (some) => logs.push(...some), onError }),
      live.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
    ];
    await until("a block", () => blocks.length > 0);
    const receipt = await transfer(5n);
    await until("its log", () => logs.some((log) => log.transactionHash === receipt.transactionHash));
    await until("its block", () => blocks.includes(receipt.blockNumber));
    await until("the pending transaction", () => pending.includes(receipt.transactionHash));
    stop.forEach((end) => end());
  }],
]);
