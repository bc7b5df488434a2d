"""web3.py against a validator; the environment is that of javascript/common.js."""

import asyncio
import json
import os

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import BlockNotFound, ContractCustomError, TransactionNotFound
from web3.middleware import ExtraDataToPOAMiddleware

TOKEN = json.load(open(os.environ["TOKEN"]))
SUPPLY = 10**24
OTHER = "0x00000000000000000000000000000000000A11cE"
w3 = Web3(Web3.HTTPProvider(os.environ["HTTP_URL"]))
w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # as every chain without proof of work needs
account = Account.from_key(os.environ["KEY"])


def say(text):
    print(f"web3.py: {text}", flush=True)


def send(transaction):
    """Fills in what is missing as the library does, signs, sends, waits."""
    transaction = {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address), "chainId": 1337,
                   **transaction}
    if "gas" not in transaction:
        transaction["gas"] = w3.eth.estimate_gas(transaction)
    if "gasPrice" not in transaction:
        tip = w3.eth.max_priority_fee
        transaction["maxPriorityFeePerGas"] = tip
        transaction["maxFeePerGas"] = tip + 2 * w3.eth.get_block("latest")["baseFeePerGas"]
    signed = account.sign_transaction(transaction)
    digest = w3.eth.send_raw_transaction(signed.raw_transaction)
    return w3.eth.wait_for_transaction_receipt(digest, timeout=30, poll_latency=0.1)


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} did not come")


async def subscriptions(contract):
    async with AsyncWeb3(WebSocketProvider(os.environ["WS_URL"])) as live:
        live.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        heads = await live.eth.subscribe("newHeads")
        logs = await live.eth.subscribe("logs", {"address": contract.address})
        pending = await live.eth.subscribe("newPendingTransactions")
        sending = asyncio.get_running_loop().run_in_executor(
            None, lambda: send(contract.functions.transfer(OTHER, 5).build_transaction({"gas": 100000, "gasPrice": 0})))
        seen = {heads: [], logs: [], pending: []}

        async def listen():
            async for message in live.socket.process_subscriptions():
                seen[message["subscription"]].append(message["result"])
                if sending.done():
                    receipt = sending.result()
                    if (any(head["number"] == receipt["blockNumber"] for head in seen[heads])
                            and any(log["transactionHash"] == receipt["transactionHash"] for log in seen[logs])
                            and receipt["transactionHash"] in seen[pending]):
                        return

        await asyncio.wait_for(listen(), 30)
        for subscription in seen:
            assert await live.eth.unsubscribe(subscription)


def main():
    assert w3.is_connected() and w3.eth.chain_id == 1337
    assert w3.eth.get_balance(account.address) > 0
    assert len(w3.eth.fee_history(2, "latest", [50])["baseFeePerGas"]) >= 2
    say("network")

    receipt = send({"to": OTHER, "value": 7})
    assert receipt["status"] == 1 and receipt["type"] == 2 and receipt["gasUsed"] == 21000
    assert w3.eth.get_transaction(receipt["transactionHash"])["value"] == 7
    say("sends money")

    factory = w3.eth.contract(abi=TOKEN["abi"], bytecode=TOKEN["bytecode"])
    receipt = send(factory.constructor(SUPPLY).build_transaction(
        {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address)}))
    contract = w3.eth.contract(address=receipt["contractAddress"], abi=TOKEN["abi"])
    assert w3.eth.get_code(contract.address).to_0x_hex() == TOKEN["runtime"]
    say("deploys")

    assert contract.functions.symbol().call() == "TOK"
    assert contract.functions.balanceOf(account.address).call() == SUPPLY
    moved = send(contract.functions.transfer(OTHER, 1000).build_transaction({"from": account.address}))
    event, = contract.events.Transfer().process_receipt(moved)
    assert event["args"]["value"] == 1000
    assert contract.functions.balanceOf(OTHER).call() == 1000
    say("calls and transfers")

    found, = contract.events.Transfer().get_logs(from_block=0, argument_filters={"to": OTHER})
    assert found["transactionHash"] == moved["transactionHash"]
    say("finds logs")

    refused(ContractCustomError, lambda: contract.functions.transfer(OTHER, 2 * SUPPLY).call({"from": account.address}))
    refused(BlockNotFound, lambda: w3.eth.get_block(10**9))
    refused(TransactionNotFound, lambda: w3.eth.get_transaction(bytes(32)))
    say("understands what is refused")

    block = w3.eth.get_block(moved["blockNumber"], full_transactions=True)
    assert moved["transactionHash"] in [tx["hash"] for tx in block["transactions"]]
    assert any(r["transactionHash"] == moved["transactionHash"] for r in w3.eth.get_block_receipts(moved["blockNumber"]))
    assert w3.eth.get_proof(contract.address, [0])["accountProof"]
    say("blocks")

    digest = moved["transactionHash"].to_0x_hex()
    calls = w3.provider.make_request("debug_traceTransaction", [digest, {"tracer": "callTracer"}])["result"]
    assert calls["type"] == "CALL" and calls["to"] == contract.address.lower()
    steps = w3.provider.make_request("debug_traceTransaction", [digest, {}])["result"]["structLogs"]
    assert {"SSTORE", "LOG3"} <= {step["op"] for step in steps}
    say("traces")

    with w3.batch_requests() as batch:
        for number in range(3):
            batch.add(w3.eth.get_block(number))
        assert [b["number"] for b in batch.execute()] == [0, 1, 2]
    say("a batch")

    ipc = Web3(Web3.IPCProvider(os.environ["IPC_PATH"]))
    ipc.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    assert ipc.eth.get_block(moved["blockNumber"])["hash"] == block["hash"]
    say("the socket")

    asyncio.run(subscriptions(contract))
    say("subscribes over WebSocket")


main()
