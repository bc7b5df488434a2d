// Compiles contracts/Token.sol with npm's solc, at the EVM version that it takes by itself.
//
//   node compile.js SOURCES OUTPUT
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const [sources, output] = process.argv.slice(2);
const input = {
  language: "Solidity",
  sources: { "Token.sol": { content: fs.readFileSync(path.join(sources, "Token.sol"), "utf8") } },
  settings: {
    optimizer: { enabled: true },
    outputSelection: { "*": { Token: ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const found = (name) => ({ contents: fs.readFileSync(require.resolve(name), "utf8") });
const result = JSON.parse(solc.compile(JSON.stringify(input), { import: found }));
for (const error of result.errors || []) {
  console.error(error.formattedMessage);
  if (error.severity === "error") process.exit(1);
}
const token = result.contracts["Token.sol"].Token;
fs.writeFileSync(output, JSON.stringify({
  abi: token.abi,
  bytecode: "0x" + token.evm.bytecode.object,
  runtime: "0x" + token.evm.deployedBytecode.object,
  evmVersion: JSON.parse(token.metadata).settings.evmVersion,
  compiler: solc.version(),
}));
