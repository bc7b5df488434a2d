#!/usr/bin/env python3
"""GraphQL over HTTP: who may ask, what is answered to what is no query, the page, and a transaction that is sent and found again.

usage: graphql.py PROGRAM"""
import http.client
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_base  # noqa: E402
from processes import ask, end, until  # noqa: E402

PROGRAM = sys.argv[1]


def request(port, method, path, body=b"", **headers):
    """Status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def query(port, text, **variables):
    status, _, body = request(port, "POST", "/graphql", json.dumps({"query": text, "variables": variables}))
    return status, json.loads(body)


def check_requests(port):
    good = json.dumps({"query": "{ chainID }"})
    assert request(port, "POST", "/graphql", good)[2] == '{"data":{"chainID":"0xa"}}'
    assert request(port, "POST", "/graphql/", good)[0] == 200
    assert request(port, "PUT", "/graphql", good, Content_Type="text/plain")[0] == 200  # whatever the method and type, as in GoQuorum
    assert request(port, "GET", "/graphql")[::2] == (400, "EOF\n")
    assert request(port, "POST", "/graphql", "{")[::2] == (400, "unexpected EOF\n")
    assert request(port, "POST", "/graphql", good, Host="elsewhere")[0] == 403
    assert request(port, "POST", "/graphql", good, Host="here:1")[0] == 200
    status, headers, _ = request(port, "OPTIONS", "/graphql", Origin="http://a.b", Access_Control_Request_Method="POST")
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "http://a.b", headers
    status, headers, _ = request(port, "POST", "/graphql", good, Origin="http://a.b")
    assert headers["Access-Control-Allow-Origin"] == "http://a.b" and headers["Content-Type"] == "application/json", headers
    assert request(port, "POST", "/", good, Origin="http://a.b", Content_Type="application/json")[1]["Access-Control-Allow-Origin"] is None
    status, headers, page = request(port, "GET", "/graphql/ui")
    assert status == 200 and headers["Content-Type"].startswith("text/html") and "<textarea" in page and "http" not in page, page
    assert request(port, "POST", "/graphql/ui")[0] == 405
    assert request(port, "POST", "/graphql", b" " * (6 << 20))[0] == 413
    status, answer = query(port, "{ block { nothing } }")
    assert status == 400 and "Cannot query field" in answer["errors"][0]["message"], answer
    # No method of JSON-RPC.
    answer = ask(f"http://127.0.0.1:{port}", "graphql_query", "{}")
    assert answer["error"]["code"] == -32601, answer


def check_sending(port):
    url = f"http://127.0.0.1:{port}"
    account = ask(url, "eth_accounts")["result"][0]
    other = "0x" + "12" * 20
    raw = ask(url, "eth_signTransaction", {"from": account, "to": other, "value": "0x7", "gas": "0x5208", "gasPrice": "0x1", "nonce": "0x0"})["result"]["raw"]
    status, answer = query(port, "mutation ($raw: Bytes!) { sendRawTransaction(data: $raw) }", raw=raw)
    assert status == 200, answer
    sent = answer["data"]["sendRawTransaction"]
    text = "query ($hash: Bytes32!) { transaction(hash: $hash) { status value index block { number account(address: \"%s\") { balance } } } }" % other
    found = until(lambda: (query(port, text, hash=sent)[1]["data"]["transaction"] or {}).get("block") and query(port, text, hash=sent)[1]["data"]["transaction"],
                  "the transaction in a block")
    assert found["status"] == 1 and found["value"] == "0x7" and found["block"]["account"]["balance"] == "0x7", found
    status, answer = query(port, "mutation ($raw: Bytes!) { sendRawTransaction(data: $raw) }", raw=raw)
    assert status == 400 and answer["data"] is None and answer["errors"][0]["path"] == ["sendRawTransaction"], answer


def main():
    port = free_base(4)
    with tempfile.TemporaryDirectory(prefix="quorate-graphql-") as folder:
        with open(os.path.join(folder, "log"), "wb") as log:
            node = subprocess.Popen([PROGRAM, "--dev", "--datadir", folder, "--ipcdisable", "--port", str(port + 1), "--http", "--http.port", str(port), "--http.api", "eth,personal",
                                     "--http.vhosts", "localhost", "--graphql", "--graphql.vhosts", "here", "--graphql.corsdomain", "http://a.b"], stdout=log, stderr=log)
            try:
                until(lambda: ask(f"http://127.0.0.1:{port}", "eth_blockNumber"), "an answer")
                check_requests(port)
                check_sending(port)
            finally:
                assert end(node) == 0, open(os.path.join(folder, "log")).read()
    print("requests, the page, a transaction sent")


if __name__ == "__main__":
    main()
