"""Foundry's cast against a validator; the environment is that of javascript/common.js, and CAST names the program."""

import json
import os
import subprocess

TOKEN = json.load(open(os.environ["TOKEN"]))
SUPPLY = 10**24
OTHER = "0x00000000000000000000000000000000000A11cE"
SENDER = os.environ["SENDER"]
WAIT = 60  # seconds, of one command


def say(text):
    print(f"cast: {text}", flush=True)


def run(*arguments, url="HTTP_URL"):
    environment = {**os.environ, "ETH_RPC_URL": os.environ[url], "ETH_PRIVATE_KEY": os.environ["KEY"], "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}
    return subprocess.run([os.environ["CAST"], *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=WAIT,
                          stdin=subprocess.DEVNULL)


def cast(*arguments, url="HTTP_URL"):
    """What it prints; it must end well."""
    done = run(*arguments, url=url)
    assert done.returncode == 0, f"cast {' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout.strip()


def refused(text, *arguments):
    done = run(*arguments)
    assert done.returncode != 0 and text in done.stderr, f"cast {arguments}: {done.stdout} {done.stderr}"


def send(*arguments):
    """Gas has no price here, and cast offers a tip of 1 wei at least unless it is told."""
    prices = ["--gas-price", 0] if "--legacy" in arguments else ["--gas-price", 0, "--priority-gas-price", 0]
    receipt = json.loads(cast("send", "--private-key", os.environ["KEY"], "--json", *prices, *arguments))
    assert receipt["status"] == "0x1", receipt
    return receipt


def main():
    assert cast("chain-id") == "1337"
    assert int(cast("block-number")) >= 3
    assert cast("client").startswith("Geth/")
    assert int(cast("balance", SENDER)) > 0
    int(cast("gas-price"))
    int(cast("basefee"))
    block = json.loads(cast("block", "latest", "--json"))
    assert int(block["number"], 16) >= 3 and "baseFeePerGas" in block, block
    assert cast("block", "finalized", "--field", "number").isdigit()
    for url in ("WS_URL", "IPC_PATH"):
        assert cast("chain-id", url=url) == "1337"
    say("network, over HTTP, WebSocket and IPC")

    receipt = send(OTHER, "--value", "7")
    assert receipt["type"] == "0x2" and receipt["gasUsed"] == "0x5208" and int(receipt["effectiveGasPrice"], 16) >= 0
    assert send(OTHER, "--value", "1", "--legacy")["type"] == "0x0"
    assert int(cast("balance", OTHER)) == 8
    transaction = json.loads(cast("tx", receipt["transactionHash"], "--json"))
    assert int(transaction["value"], 16) == 7 and transaction["from"].lower() == SENDER.lower()
    assert cast("receipt", receipt["transactionHash"], "blockNumber") == str(int(receipt["blockNumber"], 16))
    assert int(cast("nonce", SENDER)) == 2
    refused("Gas price not 0", "send", "--private-key", os.environ["KEY"], OTHER, "--value", "1")
    say("transfers of both kinds")

    constructor = json.dumps([item for item in TOKEN["abi"] if item["type"] == "constructor"])
    assert "uint256" in constructor
    data = TOKEN["bytecode"] + cast("abi-encode", "f(uint256)", SUPPLY)[2:]
    contract = send("--create", data)["contractAddress"]
    assert len(cast("code", contract)) > 1000
    assert cast("call", contract, "balanceOf(address)(uint256)", SENDER).split()[0] == str(SUPPLY)
    assert int(cast("estimate", contract, "transfer(address,uint256)", OTHER, 5, "--from", SENDER)) > 21000
    receipt = send(contract, "transfer(address,uint256)", OTHER, 5)
    (log,) = receipt["logs"]
    assert log["removed"] is False and log["address"].lower() == contract.lower()
    assert cast("call", contract, "balanceOf(address)(uint256)", OTHER).split()[0] == "5"
    found = json.loads(cast("logs", "--json", "--from-block", receipt["blockNumber"], "--address", contract,
                            "Transfer(address indexed,address indexed,uint256)"))
    assert [entry["transactionHash"] for entry in found] == [receipt["transactionHash"]], found
    assert contract.lower()[2:] in cast("access-list", contract, "transfer(address,uint256)", OTHER, 5, "--from", SENDER).lower()
    # ERC20InsufficientBalance, whose name cast would look up elsewhere.
    refused("0xe450d38c", "call", contract, "transfer(address,uint256)", OTHER, 1, "--from", OTHER[:-1] + "F")
    say("a token: deployed, asked, sent, its logs found, refused")

    trace = json.loads(cast("rpc", "debug_traceTransaction", receipt["transactionHash"], json.dumps({"tracer": "callTracer"})))
    assert trace["to"].lower() == contract.lower() and trace["type"] == "CALL"
    proof = json.loads(cast("proof", contract, "0x0"))
    assert proof["address"].lower() == contract.lower() and proof["accountProof"]
    assert cast("storage", contract, "2") == "0x" + SUPPLY.to_bytes(32, "big").hex()
    say("traces, proofs, storage")


if __name__ == "__main__":
    main()
