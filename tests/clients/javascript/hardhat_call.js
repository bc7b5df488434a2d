// Run by `hardhat run` in the sample project: asks what has been deployed, and takes the money out again is refused.
const fs = require("fs");
const hre = require("hardhat");

async function main() {
  const addresses = JSON.parse(fs.readFileSync("ignition/deployments/chain-1337/deployed_addresses.json"));
  const lock = await hre.ethers.getContractAt("Lock", addresses["LockModule#Lock"]);
  const [signer] = await hre.ethers.getSigners();
  if ((await lock.owner()) !== signer.address) throw new Error("another owner");
  if ((await lock.unlockTime()) !== 1893456000n) throw new Error("another time");
  if ((await hre.ethers.provider.getBalance(lock.target)) !== 1000000000n) throw new Error("another balance");
  try {
    await lock.withdraw();
  } catch (error) {
    if (!/You can't withdraw yet/.test(error.message)) throw error;
    console.log("hardhat: the contract answers");
    return;
  }
  throw new Error("the withdrawal was not refused");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
