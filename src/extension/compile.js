// Compiles management.sol with npm's solc 0.8.37 into management_code.c; run it after a change of the contract:
//
//   npm install --prefix /tmp/solc solc@0.8.37 && NODE_PATH=/tmp/solc/node_modules node src/extension/compile.js
//
// The code is for Byzantium, so that it runs on every chain that has private transactions.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const input = {
  language: "Solidity",
  sources: { "management.sol": { content: fs.readFileSync(path.join(__dirname, "management.sol"), "utf8") } },
  settings: {
    evmVersion: "byzantium",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { Management: ["evm.bytecode.object"] } },
  },
};
const result = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of result.errors || [])
  if (error.severity === "error") throw new Error(error.formattedMessage);
const code = result.contracts["management.sol"].Management.evm.bytecode.object;
const lines = code.match(/.{1,86}/g).map((line) => `    "${line}"`);
fs.writeFileSync(path.join(__dirname, "management_code.c"),
  "/* Made by compile.js from management.sol: do not edit. */\n#include \"extension/management.h\"\n\n" +
  "const char extension_management_code[] =\n" + lines.join("\n") + ";\n");
