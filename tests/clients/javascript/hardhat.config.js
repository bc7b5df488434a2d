// The configuration that the sample project is given: the compiler of npm in place of a downloaded one, our network, and
// of the toolbox what deploying needs.
require("@nomicfoundation/hardhat-ethers");
require("@nomicfoundation/hardhat-ignition-ethers");
const { subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");
const solc = require("solc");

const longVersion = solc.version().replace(/\.Emscripten.*/, "");
const version = longVersion.split("+")[0];

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve("solc/soljson.js"), isSolcJs: true, version, longVersion,
}));

module.exports = {
  solidity: version,
  networks: { quorate: { url: process.env.HTTP_URL, accounts: [process.env.KEY] } },
};
