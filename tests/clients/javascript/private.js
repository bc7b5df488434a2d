// web3js-quorum's private transactions at three peers: 0 sends, 1 is the other party, 2 is none.
//
// In the environment: URLS of the three, MANAGER of the first's transaction manager (its third-party server), KEYS of the managers, both with
// commas between; ACCOUNT of the first, which is unlocked there, and KEY of it; TOKEN, a file with abi and bin of Store.
const assert = require("assert");
const Web3 = require("web3v1");
const Web3Quorum = require("web3js-quorum");
const { run, until, refused, token } = require("./common");

const urls = process.env.URLS.split(","), keys = process.env.KEYS.split(",");
const peers = urls.map((url, i) => new Web3Quorum(new Web3(url), { privateUrl: i === 0 ? process.env.MANAGER : url }, true));
const from = process.env.ACCOUNT;
const contract = token.Store;
const store = (peer, address) => new peers[peer].eth.Contract(contract.abi, address);
const options = { from, gas: 4000000, gasPrice: "0x0", privateFor: [keys[1]] };
const bytecode = "0x" + contract.bin.replace(/^0x/, "");
let address, raw;

// What get() gives at each peer; 0 where there is no contract.
const values = async (at) => Promise.all(peers.map(async (peer, i) =>
  (await peer.eth.getCode(at)) === "0x" ? 0 : Number(await store(i, at).methods.get().call())));
const everywhere = (hash) => Promise.all(peers.map((peer) => until("a receipt", () => peer.eth.getTransactionReceipt(hash), 60)));

// The client signs, the manager has the payload.
const sendRaw = async (data, to) => {
  const receipt = await peers[0].priv.generateAndSendRawTransaction({
    gasLimit: 4000000, gasPrice: 0, value: 0, data, to, isPrivate: true, privateFrom: keys[0], privateFor: [keys[1]],
    from: { privateKey: process.env.KEY }, nonce: await peers[0].eth.getTransactionCount(from),
  });
  await everywhere(receipt.transactionHash);
  return receipt;
};

run("web3js-quorum", [
  ["deploys a private contract", async () => {
    const made = await store(0).deploy({ data: bytecode, arguments: ["42"] }).send(options);
    address = made.options.address;
    await until("the contract at the other party", async () => (await values(address))[1] === 42);
    assert.deepStrictEqual(await values(address), [42, 42, 0]);
  }],
  ["calls it", async () => {
    const receipt = await store(0, address).methods.set("43").send(options);
    const receipts = await everywhere(receipt.transactionHash);
    assert.deepStrictEqual(receipts.map((r) => r.logs.length), [1, 1, 0]);
    assert.deepStrictEqual(await values(address), [43, 43, 0]);
  }],
  ["reads payloads, storage roots and the state it is of", async () => {
    const receipt = await store(0, address).methods.set("44").send(options);
    await everywhere(receipt.transactionHash);
    const { input } = await peers[2].eth.getTransaction(receipt.transactionHash);
    assert.strictEqual(input.length, 2 + 128);
    const data = store(0).methods.set("44").encodeABI();
    assert.deepStrictEqual(await Promise.all(peers.map((peer) => peer.eth.getQuorumPayload(input))), [data, data, "0x"]);
    const roots = await Promise.all([0, 1].map((i) => peers[i].eth.storageRoot(address)));
    assert.strictEqual(roots[0], roots[1]);
    assert.strictEqual(await peers[0].eth.getPSI(), "private");
  }],
  ["deploys by a transaction that it signs itself", async () => {
    const receipt = await sendRaw(store(0).deploy({ data: bytecode, arguments: ["7"] }).encodeABI());
    raw = receipt.contractAddress;
    assert.deepStrictEqual(await values(raw), [7, 7, 0]);
  }],
  ["calls by a transaction that it signs itself", async () => {
    await sendRaw(store(0).methods.set("8").encodeABI(), raw);
    assert.deepStrictEqual(await values(raw), [8, 8, 0]);
  }],
  ["finds the logs where they belong", async () => {
    const found = await Promise.all([0, 1, 2].map((i) => store(i, raw).getPastEvents("allEvents", { fromBlock: 0 })));
    assert.deepStrictEqual(found.map((f) => f.length), [2, 2, 0]);
  }],
  ["fills in a private transaction", async () => {
    const filled = await peers[0].eth.fillTransaction({ from, gas: "0x3d0900", gasPrice: "0x0", to: raw, privateFor: [keys[1]],
      data: store(0).methods.set("9").encodeABI() });
    assert.strictEqual(filled.tx.input.length, 2 + 128);
  }],
  ["is told why a recipient is none", async () => {
    const error = await refused("a stranger", () => store(0, address).methods.set("1").send(
      { ...options, privateFor: ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="] }));
    assert.match(error.message, /Recipient not found for key/);
  }],
]);
