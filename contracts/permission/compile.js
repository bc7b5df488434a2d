// Compiles the permission contracts of both models with npm's solc, and prints the artefacts as one JSON text.
//
//   node compile.js FOLDER        (FOLDER: with node_modules/solc)
//
// Byzantium is what the reference's byte code needs, so that ours runs on the same networks; no metadata, so that the code depends on
// the sources alone. tools/permission_contracts.py writes and checks v1.json and v2.json with this.
const fs = require("fs");
const path = require("path");

const solc = require(path.join(path.resolve(process.argv[2]), "node_modules", "solc"));
const settings = {
  viaIR: true,
  evmVersion: "byzantium",
  optimizer: { enabled: true, runs: 1 },
  metadata: { appendCBOR: false, bytecodeHash: "none" },
};

function sourcesOf(folders) {
  const sources = {};
  for (const folder of folders) {
    for (const file of fs.readdirSync(path.join(__dirname, folder)).sort()) {
      if (file.endsWith(".sol")) {
        sources[`${folder}/${file}`] = { content: fs.readFileSync(path.join(__dirname, folder, file), "utf8") };
      }
    }
  }
  return sources;
}

function compile(model) {
  const input = {
    language: "Solidity",
    sources: sourcesOf(["common", model]),
    settings: { ...settings, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  for (const error of output.errors || []) {
    if (error.severity === "error") {
      console.error(error.formattedMessage);
      process.exit(1);
    }
  }
  const contracts = {};
  for (const file of Object.values(output.contracts)) {
    for (const [name, contract] of Object.entries(file)) {
      if (contract.evm.bytecode.object) {
        contracts[name] = { abi: contract.abi, bytecode: "0x" + contract.evm.bytecode.object };
      }
    }
  }
  return contracts;
}

console.log(JSON.stringify({ compiler: solc.version(), settings, v1: compile("v1"), v2: compile("v2") }));
