#!/usr/bin/env python3
"""The same command lines for GoQuorum's geth and quorate-node, each in a folder of its own: exit codes, what is printed, and the files
that are written (names, modes, JSON) are compared. What volatile parts are masked stands in MASKS, what differs on purpose in DIFFERENT.

    command_lines.py --goquorum GETH --node QUORATE_NODE [--only WORD] [--all]

Without a GoQuorum binary ($QUORATE_GOQUORUM), or without the recordings, it says so and ends with 77. --all shows what differs on purpose, too."""
import argparse, fnmatch, json, os, re, shutil, stat, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.environ.get("QUORATE_FIXTURES") or os.path.join(HERE, "../../../shared/fixtures")
RECORDED = os.path.join(FIXTURES, "recordings")
WAIT = 60

# What no two runs have in common: (pattern, what stands for it).
MASKS = [
    (r"\[\d\d-\d\d\|[\d:.]+\]", "[time]"),
    (r"UTC--[\w.:-]+--[0-9a-f]{40}", "KEYFILE"),
    (r"(Public address of the key: +)0x[0-9a-fA-F]{40}", r"\1ADDRESS"),
    (r"done in [\d.]+(µs|ms|s)", "done in TIME"),
    (r"(enode|node)://[0-9a-f]{128}", r"\1://ID"),
    (r"(?s)(NAME:\n   geth|quorate-node) - .*", "HELP"),
    (r" \(did you mean --[\w.]+\?\)", ""),
    (r"(?s)\n(account|new|attach|init|version|import|export)[^\n]*\n\n.*(geth|OPTIONS|machine-readable).*", "\nHELP"),
    # where the fault is, we say in our own words, with the place
    (r"loading of DIR/data/permission-config.json", "loading of permission-config.json"),
    (r"Fatal: (Error starting protocol stack: )?(invalid genesis file|Failed to load the private key|loading of permission-config.json failed).*", r"Fatal: \2 …"),
    (r"Fatal: (Error starting protocol stack: )?(Option \"nodekey(hex)?\"): .*", r"Fatal: \2 …"),
    (r"Fatal: (Failed to register the Ethereum service|Cannot start quorum).*network id.*", "Fatal: network id 1"),
    (r"(Fatal: DIR/[\w.-]+, line \d+:).*", r"\1 …"),
    (r"(due to): .*", r"\1 …"),
    (r"Fatal: Error starting protocol stack: (Error initialising Private Transaction Manager|QLight TLS)", r"Fatal: \1"),
    (r"(read|mkdir|lstat) (DIR\S*): (is a|not a) directory", r"\2: no file"),
    (r"cannot read (DIR\S*): Is a directory", r"\1: no file"),
    (r"cannot open (DIR\S*): No such file", r"open \1: no such file"),
    # dumpconfig: no nodes of Ethereum's main network, no proof of work
    (r"(BootstrapNodes(?:V5)?) = \[(\"enode|\"enr)[^\n]*", r"\1 = []"),
    (r'DatasetDir = ".*"', 'DatasetDir = ""'),
    # versions; what LevelDB has done; stacks of geth's own JavaScript
    (r"(?s)Network Id: \d+\n(Go Version|Quorate Version).*", "VERSION\n"),
    (r"(?s)(Import done in TIME)\.?\n.*", r"\1\n"),
    (r"\n\tat .*", ""),
    (r" at DIR/\S+:\d+:\d+\(\d+\)", ""),
    (r"SyntaxError: .*", "SyntaxError"),
    (r"instance: .*\ncoinbase: .*", "INSTANCE"),
    (r"\[y/[nN]\] .*lightchaindata\)\? ", "[y/n] "),
    (r"(database \(DIR/data/geth/)(chaindata|quorate)\)", r"\1…)"),
    (r"\n+\Z", "\n"),
]
LOG = re.compile(r"^(CRIT |ERROR|WARN |INFO |DEBUG|TRACE)\[")
# What geth leaves behind as a by-product of commands that need none of it.
BY_PRODUCTS = ("history", "geth.ipc", "les.server", "geth", "geth/LOCK", "geth/nodekey", "keystore", ".ethereum")
FILES_OF_THEIR_OWN = ("geth/chaindata", "geth/lightchaindata", "geth/ethash", "geth/quorate", "geth/nodes", ".ethash", "geth/transactions.rlp",
                      "geth/triecache", "geth/activeExtensions.json", "geth/transactions.rlp.new")
PASSWORD = "secret one"


class Scene:
    """A folder for one program, with what the command lines name in it."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        os.makedirs(folder + "/home")
        os.makedirs(folder + "/data")
        shutil.copytree(RECORDED + "/live/keystore", folder + "/keys")
        genesis = json.load(open(RECORDED + "/live/genesis.json"))
        self.write("genesis.json", genesis)
        self.write("other.json", dict(genesis, timestamp="0x1"))
        self.write("bad.json", '{"config":')
        self.write("empty.json", "")
        self.write("list.json", "[]")
        self.write("null.json", "null")
        self.write("noconfig.json", {k: v for k, v in genesis.items() if k != "config"})
        for name, change in GENESIS.items():
            made = json.loads(json.dumps(genesis))
            change(made)
            self.write(f"g-{name}.json", made)
        for name, text in TEXTS.items():
            self.write(name, text)
        os.mkfifo(folder + "/fifo")
        os.makedirs(folder + "/folder")

    def write(self, name, what):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(what if isinstance(what, str) else json.dumps(what))

    def run(self, words, stdin="", environment=()):
        words = [w.replace("DIR", self.folder) for w in words]
        env = {"PATH": os.environ["PATH"], "HOME": self.folder + "/home", "PRIVATE_CONFIG": "ignore", "TZ": "UTC"}
        env.update({k: v.replace("DIR", self.folder) for k, v in dict(environment).items()})
        env = {k: v for k, v in env.items() if v != "(none)"}
        try:
            done = subprocess.run([self.program] + words, input=stdin, capture_output=True, text=True, errors="backslashreplace",
                                  timeout=WAIT, cwd=self.folder, env=env)
            return {"exit": done.returncode, "out": self.masked(done.stdout), "err": self.masked(done.stderr)}
        except subprocess.TimeoutExpired as e:
            return {"exit": "still runs", "out": self.masked((e.stdout or b"").decode()), "err": self.masked((e.stderr or b"").decode())}

    def masked(self, text):
        text = text.replace(self.folder, "DIR").replace(self.program, "PROGRAM")
        for pattern, instead in MASKS:
            text = re.sub(pattern, instead, text)
        return "".join(line for line in text.splitlines(keepends=True) if not LOG.match(line) and line.strip())

    def files(self):
        """What there is in data/ and home/: mode, and the content of JSON."""
        found = {}
        for top in ("data", "home"):
            for root, folders, names in os.walk(os.path.join(self.folder, top)):
                for name in folders + names:
                    path = os.path.relpath(os.path.join(root, name), self.folder)
                    inside = path.split("/", 1)[1]
                    if any(own in path for own in FILES_OF_THEIR_OWN):
                        continue
                    mode = stat.S_IMODE(os.lstat(os.path.join(self.folder, path)).st_mode)
                    text = ""
                    if name.endswith(".json") and os.path.isfile(os.path.join(self.folder, path)):
                        text = open(os.path.join(self.folder, path)).read()
                    found[self.masked(path)] = (oct(mode), text)
        return found


def at(path, value):
    """Changes a value in the genesis; None takes it away."""
    def change(genesis):
        *folders, last = path.split(".")
        for name in folders:
            genesis = genesis[name]
        if value is None:
            genesis.pop(last, None)
        else:
            genesis[last] = value
    return change


GENESIS = {
    "config-null": at("config", {}), "config-text": at("config", "x"), "chainid-text": at("config.chainId", "x"),
    "chainid-none": at("config.chainId", None), "chainid-negative": at("config.chainId", -1), "chainid-zero": at("config.chainId", 0),
    "block-text": at("config.berlinBlock", "0x0"), "block-order": at("config.byzantiumBlock", 5), "block-fraction": at("config.berlinBlock", 1.5),
    "difficulty-none": at("difficulty", None), "difficulty-zz": at("difficulty", "zz"), "difficulty-number": at("difficulty", 1),
    "gaslimit-none": at("gasLimit", None), "gaslimit-zz": at("gasLimit", "0xzz"), "gaslimit-long": at("gasLimit", "0x1ffffffffffffffff"),
    "alloc-none": at("alloc", None), "alloc-list": at("alloc", []), "alloc-address": at("alloc", {"zz": {"balance": "1"}}),
    "alloc-balance": at("alloc", {"0x" + "11" * 20: {"balance": "x"}}), "alloc-nobalance": at("alloc", {"0x" + "11" * 20: {}}),
    "alloc-short": at("alloc", {"11": {"balance": "1"}}), "alloc-code": at("alloc", {"11" * 20: {"balance": "1", "code": "zz"}}),
    "alloc-storage": at("alloc", {"11" * 20: {"balance": "1", "storage": {"zz": "0x"}}}),
    "alloc-nonce": at("alloc", {"11" * 20: {"balance": "1", "nonce": "x"}}),
    "extra-zz": at("extraData", "zz"), "extra-none": at("extraData", None), "extra-short": at("extraData", "0x00"), "extra-odd": at("extraData", "0x0"),
    "mixhash-short": at("mixHash", "0x00"), "mixhash-none": at("mixHash", None), "coinbase-short": at("coinbase", "0x00"), "nonce-zz": at("nonce", "zz"),
    "timestamp-zz": at("timestamp", "zz"), "timestamp-number": at("timestamp", 5), "number": at("number", "0x5"), "gasused": at("gasUsed", "0x5"),
    "parent-short": at("parentHash", "0x00"), "unknown": at("nosuch", 1), "config-unknown": at("config.nosuch", 1),
    "qbft-text": at("config.qbft", "x"), "qbft-period": at("config.qbft.blockperiodseconds", "x"), "qbft-negative": at("config.qbft.epochlength", -1),
    "istanbul-too": at("config.istanbul", {"epoch": 30000, "policy": 0}), "clique-too": at("config.clique", {"period": 1, "epoch": 30000}),
    "isquorum-no": at("config.isQuorum", False), "size-32": at("config.txnSizeLimit", 31), "size-129": at("config.txnSizeLimit", 129),
    "code-200": at("config.maxCodeSize", 200), "code-config": at("config.maxCodeSizeConfig", [{"block": 5, "size": 24}]),
    "code-size": at("config.maxCodeSizeConfig", [{"block": 0, "size": 200}]), "code-empty": at("config.maxCodeSizeConfig", []),
    "transitions": at("config.transitions", [{"block": 5, "algorithm": "x"}]), "transitions-order": at("config.transitions", [{"block": 9, "blockperiodseconds": 1}, {"block": 5, "blockperiodseconds": 2}]),
    "transitions-back": at("config.transitions", [{"block": 5, "algorithm": "ibft"}]), "transitions-zero": at("config.transitions", [{"algorithm": "qbft"}]),
    "transitions-contract": at("config.transitions", [{"block": 5, "validatorselectionmode": "contract"}]),
    "transitions-mode": at("config.transitions", [{"block": 5, "validatorselectionmode": "x"}]),
}
CONFIG = "[Eth]\nNetworkId = 1337\nSyncMode = \"full\"\n"
TEXTS = {
    "pw": PASSWORD + "\n", "pw-cr": PASSWORD + "\r\n", "pw-none": "", "pw-empty": "\n", "pw-more": PASSWORD + "\nother\n", "pw-wrong": "wrong\n", "pw-bare": PASSWORD,
    "key": "45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8\n", "key-0x": "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8",
    "key-short": "45a915", "key-long": "45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8ab", "key-zz": "z" * 64, "key-zero": "0" * 64, "key-none": "",
    "key-lines": "45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8\n\n\n", "key-order": "f" * 64,
    "config.toml": CONFIG, "config-key.toml": CONFIG + "NoSuch = 1\n", "config-section.toml": "[NoSuch]\nA = 1\n", "config-type.toml": "[Eth]\nNetworkId = \"x\"\n",
    "config-syntax.toml": "[Eth\n", "config-value.toml": "[Eth]\nNetworkId = \n", "config-empty.toml": "", "config-mode.toml": "[Eth]\nSyncMode = \"x\"\n",
    "config-bool.toml": "[Node]\nUseLightweightKDF = 1\n", "config-negative.toml": "[Eth]\nNetworkId = -1\n", "config-twice.toml": "[Eth]\nNetworkId = 1\nNetworkId = 2\n",
    "config-qlight.toml": "[Node.QP2P]\nListenAddr = \":99\"\nNetRestrict = [\"10.0.0.0/8\"]\n",
    "config-peers.toml": "[Node.P2P]\nMaxPeers = 7\nNoDiscovery = true\nStaticNodes = [\"zz\"]\n", "config-http.toml": "[Node]\nHTTPHost = \"127.0.0.1\"\nHTTPPort = 99999\n",
    "script.js": "console.log('from the script');\nvar fromScript = 5;\n", "throws.js": "throw new Error('mine')\n", "syntax.js": "var = 5\n", "not-rlp": "this is no RLP",
    "wallet.json": '{"encseed": "zz"}', "empty": "",
}
KEY = "41102de81fc17b028e34c5ab509b25facd8ca8bb7dfa7f3b1957f976fdfe8464c1b414faf3afe767baf90599da5042e584f6ecfeceebe9d025be899f84dc46c7"
SERVER = f"--qlight.client.serverNode enode://{KEY}@127.0.0.1:1"
CLIENT = f"--qlight.client {SERVER} --qlight.client.serverNodeRPC http://127.0.0.1:1"
ADDRESS = "a3fb866150b17604f78c8609562a8ca1493ad8dd"
BASE = ["--datadir", "DIR/data"]
KEYS = ["--keystore", "DIR/keys"]
INIT = [(BASE + ["init", "DIR/genesis.json"],)]


def cases():
    """(name, [(words, stdin, environment), ...]) : the steps of a case are done in order in one folder; each is compared."""
    for word in ("", "help", "h", "--help", "-h", "help account", "account --help", "account new --help", "account help", "help nosuch", "wallet --help",
                 "attach --help", "init --help", "snapshot --help", "db --help", "version --help", "nosuch", "nosuch --datadir x", "--nosuch",
                 "--version", "-v", "version", "version x", "license", "license x", "show-deprecated-flags"):
        if word:
            yield "words " + word, [(word.split(),)]
    # flags
    for words in ("--port abc", "--port", "--port -1", "--port 70000 version", "--http.port 1.5", "--verbosity x", "--verbosity 9 version", "--verbosity -1 version", "--cache x",
                  "--mine=maybe", "--mine=true version", "--syncmode nosuch", "--syncmode light version", "--gcmode nosuch", "--gcmode nosuch version", "--txpool.lifetime x",
                  "--txpool.lifetime 5 version", "--rpc.txfeecap x", "--miner.gasprice x", "--miner.gasprice -1 version", "--miner.gasprice 0x10 version",
                  "--miner.gasprice 99999999999999999999999999 version", "--networkid x", "--networkid 0x5 version", "--networkid 5 version", "--networkid 5 --networkid 6 version",
                  "--datadir", "--datadir= version", "-datadir x version", "---datadir x", "--=x", "-", "--", "-- version", "--datadir DIR/data -- version",
                  "--nodekey DIR/key --nodekeyhex 45 --datadir DIR/data", "--bootnodes zz --datadir DIR/data --nodiscover", "--netrestrict zz --datadir DIR/data",
                  "--nat zz --datadir DIR/data", "--nat extip:zz --datadir DIR/data", "--maxpeers x", "--authorizationlist zz --datadir DIR/data",
                  "--authorizationlist 5=zz --datadir DIR/data", "--mainnet --goerli", "--dev --goerli", "--miner.etherbase zz --datadir DIR/data", "--txpool.locals zz --datadir DIR/data",
                  "--light.serve 5 --syncmode light --datadir DIR/data", "--light.serve 5 --raft --datadir DIR/data", "--vmodule zz version", "--vmodule a=b version", "--vmodule a=1,b=2 version",
                  "--log.backtrace zz version", "--log.backtrace a.go:1 version", "--unlock 0 --http --datadir DIR/data", "--unlock 0 --ws --datadir DIR/data", "--raftport x", "--raft --raftport 0 --datadir DIR/data",
                  "--config DIR/none.toml", "--config DIR/none.toml version", "--config", "--config DIR/folder", "--snapshot=false version", "--nousb version", "--etherbase 0x1 version", "--rpc version"):
        if "--datadir DIR/data" in words and "version" not in words:  # a node that is to end at once
            yield "flag " + words, INIT + [(words.split() + ["--nodiscover", "--port", "0", "console", "--exec", "1"],)]
        else:
            yield "flag " + words, [(words.split(),)]
    # light clients: each ends at once
    for words in ("--qlight.client", "--qlight.client --mine", f"--qlight.client {SERVER}", f"{CLIENT} --mine", f"{CLIENT} --syncmode fast", "--qlight.client.token.management foo",
                  f"{CLIENT} --qlight.client.token.management foo", "--qlight.client.rpc.tls.cert DIR/none", "--qlight.client.rpc.tls.key DIR/none", "--qlight.server --qlight.tls",
                  "--qlight.server --qlight.tls --qlight.tls.cert DIR/none", f"{CLIENT} --qlight.tls", "--qlight.server --qlight.tls --qlight.tls.cert DIR/none --qlight.tls.key DIR/none", "--qlight.server --qlight.server.p2p.netrestrict zz", "--qlight.server.p2p.port zz",
                  "--qlight.server --qlight.server.p2p.port 70000", "--qlight.server=maybe", "--qlight.client.serverNode", "--qlight.client --qlight.client.serverNode zz --qlight.client.serverNodeRPC zz"):
        yield "qlight " + words.replace(KEY, "KEY"), INIT + [(BASE + words.split() + ["--nodiscover", "--port", "0", "console", "--exec", "1"],)]
    for words in ("--qlight.server", "--qlight.server --qlight.server.p2p.port 44 --qlight.server.p2p.maxpeers 7 --qlight.server.p2p.netrestrict 10.0.0.0/8,fd00::/8 --qlight.server.p2p.permissioning",
                  "--qlight.server=false --qlight.server.p2p.port 44", "--config DIR/config-qlight.toml", "--config DIR/config-qlight.toml --qlight.server", CLIENT):
        yield "qlight dumpconfig " + words.replace(KEY, "KEY"), [(BASE + words.split() + ["dumpconfig"],)]
    # init
    yield "init", [(BASE + ["init"],), (BASE + ["init", "DIR/none.json"],), (BASE + ["init", "DIR/bad.json"],), (BASE + ["init", "DIR/empty.json"],),
                   (BASE + ["init", "DIR/list.json"],), (BASE + ["init", "DIR/null.json"],), (BASE + ["init", "DIR/folder"],), (BASE + ["init", "DIR/noconfig.json"],)]
    yield "init twice", INIT + INIT + [(BASE + ["init", "DIR/other.json"],), (["init", "--datadir", "DIR/data", "DIR/genesis.json"],), (["init", "DIR/genesis.json", "--datadir", "DIR/data"],)]
    yield "init two arguments", [(BASE + ["init", "DIR/genesis.json", "DIR/other.json"],)]
    yield "init home", [(["init", "DIR/genesis.json"],)]
    yield "init into a file", [(["--datadir", "DIR/key", "init", "DIR/genesis.json"],), (["--datadir", "DIR/key/x", "init", "DIR/genesis.json"],)]
    yield "init network", [(BASE + ["--networkid", "5", "init", "DIR/genesis.json"],)]
    for name in GENESIS:
        yield "genesis " + name, [(BASE + ["init", f"DIR/g-{name}.json"],)]
    # accounts
    new = BASE + ["--lightkdf", "account", "new"]
    yield "account", [(BASE + ["account"],), (BASE + ["account", "nosuch"],), (BASE + ["account", "list"],), (BASE + ["account", "list", "x"],)]
    yield "account list", [(KEYS + BASE + ["account", "list"],), (BASE + ["account", "list", "--keystore", "DIR/keys"],), (["account", "list", "--keystore", "DIR/keys", "--datadir", "DIR/data"],),
                           (BASE + ["--keystore", "DIR/key", "account", "list"],), (BASE + ["--keystore", "DIR/none", "account", "list"],)]
    for name in ("pw", "pw-cr", "pw-none", "pw-empty", "pw-more", "pw-bare", "none", "folder"):
        yield "account new " + name, [(new + ["--password", f"DIR/{name}"],)]
    yield "account new typed", [(new, "a\na\n"), (new, "a\nb\n"), (new, ""), (new, "\n\n"), (new, "a\n"), (new + ["x"], "a\na\n")]
    for name in ("key", "key-0x", "key-short", "key-long", "key-zz", "key-zero", "key-none", "key-lines", "key-order", "none", "folder"):
        yield "account import " + name, [(BASE + ["--lightkdf", "account", "import", "--password", "DIR/pw", f"DIR/{name}"],)]
    yield "account import", [(BASE + ["account", "import"],), (BASE + ["--lightkdf", "account", "import", "DIR/key", "--password", "DIR/pw"],),
                             (BASE + ["--lightkdf", "account", "import", "--password", "DIR/pw", "DIR/key"],), (BASE + ["--lightkdf", "account", "import", "DIR/key"], "a\na\n"),
                             (BASE + ["--lightkdf", "account", "import", "--password", "DIR/pw", "DIR/key", "x"],)]
    yield "account update", [(BASE + ["account", "update"],), (BASE + ["account", "update", "zz"],), (BASE + ["account", "update", "0"],), (BASE + KEYS + ["--lightkdf", "account", "update", "0"], "wrong\nwrong\nwrong\n"),
                             (BASE + KEYS + ["--lightkdf", "account", "update", ADDRESS], PASSWORD + "\nnew\nnew\n"), (BASE + KEYS + ["--lightkdf", "account", "update", ADDRESS], PASSWORD + "\nnew\nnewer\n"),
                             (BASE + KEYS + ["--lightkdf", "account", "update", "7"],), (BASE + KEYS + ["account", "update", "0x" + "11" * 20],), (BASE + KEYS + ["--password", "DIR/pw", "account", "update", ADDRESS],)]
    yield "account plugin", [(["account", "plugin"],), (["account", "plugin", "new"],)]
    yield "wallet", [(["wallet"],), (BASE + ["wallet", "import"],), (BASE + ["wallet", "import", "DIR/none"],), (BASE + ["wallet", "import", "--password", "DIR/pw", "DIR/wallet.json"],)]
    # unlocking, by a node that is to end at once
    for what in ("zz", "7", "0x" + "11" * 20):
        yield "unlock " + what, INIT + [(BASE + KEYS + ["--nodiscover", "--port", "0", "--ipcdisable", "--unlock", what, "--password", "DIR/pw"],)]
    for name in ("pw-wrong", "pw-none", "none", "pw-empty"):
        yield "unlock by " + name, INIT + [(BASE + KEYS + ["--nodiscover", "--port", "0", "--ipcdisable", "--unlock", "0", "--password", f"DIR/{name}"],)]
    yield "unlock typed", INIT + [(BASE + KEYS + ["--nodiscover", "--port", "0", "--ipcdisable", "--unlock", "0"], "wrong\nwrong\nwrong\n")]
    # chain files
    yield "export", [(BASE + ["export"],), (BASE + ["export", "DIR/x"],)] + INIT + [(BASE + ["export", w] + more,) for w, more in
                     (("DIR/e", []), ("DIR/e.gz", []), ("DIR/none/e", []), ("DIR/e", ["0", "0"]), ("DIR/e", ["0"]), ("DIR/e", ["x", "y"]), ("DIR/e", ["5", "1"]), ("DIR/e", ["0", "5"]), ("DIR/e", ["-1", "0"]), ("DIR/e", ["0", "0", "0"]))]
    yield "import", [(BASE + ["import"],)] + INIT + [(BASE + ["import", w],) for w in ("DIR/none", "DIR/not-rlp", "DIR/empty", "DIR/folder", "DIR/bad.json")] + [(BASE + ["import", "DIR/none", "DIR/not-rlp"],)]
    yield "preimages", INIT + [(BASE + ["export-preimages"],), (BASE + ["export-preimages", "DIR/pre"],), (BASE + ["import-preimages"],), (BASE + ["import-preimages", "DIR/none"],)]
    yield "dump", INIT + [(BASE + ["dump", "0"],), (BASE + ["dump", "5"],), (BASE + ["dump", "zz"],), (BASE + ["dump"],), (BASE + ["dump", "--iterative", "0"],)]
    yield "dump without a chain", [(BASE + ["dump"],)]
    yield "dump flags before", INIT + [(BASE + ["--iterative", "dump", "0"],)]
    yield "dumpgenesis", [(["dumpgenesis"],), (["dumpgenesis", "x"],)] + INIT + [(BASE + ["dumpgenesis"],)]
    yield "dumpconfig", [(["dumpconfig"],), (BASE + ["dumpconfig"],), (BASE + ["--networkid", "5", "--http", "--http.api", "eth,net", "--port", "1234", "--mine", "dumpconfig"],), (BASE + ["--config", "DIR/config.toml", "dumpconfig"],),
                         (["dumpconfig", "DIR/none/x"],)]
    for name in sorted(n for n in TEXTS if n.endswith(".toml")):
        yield "config " + name, [(BASE + ["--config", "DIR/" + name, "account", "list"],), (["--config", "DIR/" + name] + BASE + ["version"],)]
    yield "removedb", [(BASE + ["removedb"],)] + INIT + [(BASE + ["removedb"], "n\nn\n"), (BASE + ["removedb"], ""), (BASE + ["removedb"], "y\ny\n"), (BASE + ["removedb"], "y\n")]
    for word in ("makecache", "makedag", "version-check", "snapshot", "db", "snapshot prune-state", "db inspect", "mpsdbupgrade", "copydb", "inspect", "upgradedb"):
        yield "command " + word, [(BASE + word.split(),)]
    yield "mpsdbupgrade", INIT + [(BASE + ["mpsdbupgrade"],), (BASE + ["mpsdbupgrade", "x"],)]
    # console without a node
    yield "attach", [(["attach"],), (["attach", "DIR/none.ipc"],), (["attach", "DIR/key"],), (["attach", "DIR/folder"],), (["attach", "http://127.0.0.1:1"],), (["attach", "ws://127.0.0.1:1"],), (["attach", "ftp://x"],), (["attach", "http://"],),
                     (BASE + ["attach"],), (["attach", "a", "b"],), (["attach", "--datadir", "DIR/data"],), (["attach", "--exec"],), (["attach", "rpc:DIR/none.ipc"],), (["attach", "ipc:DIR/none.ipc"],), (["attach", "https://127.0.0.1:1"],), (["attach", "wss://127.0.0.1:1"],)]
    # environment
    for name, value in (("none", "(none)"), ("a file that is not there", "DIR/none.ipc"), ("a folder", "DIR/folder"), ("no TOML", "DIR/bad.json"), ("empty", ""), ("a file", "DIR/config.toml")):
        yield "PRIVATE_CONFIG " + name, INIT + [(BASE + ["--nodiscover", "--port", "0", "console", "--exec", "1"], "", (("PRIVATE_CONFIG", value),))]
    # a console with a node of its own
    own = BASE + ["--nodiscover", "--port", "0"]
    yield "console", INIT + [(own + ["console", "--exec", "1 + 1"],), (own + ["--exec", "eth.blockNumber", "console"],), (own + ["console", "--exec", "nosuch"],), (own + ["console", "--exec", "throw 1"],), (own + ["console"], "1 + 1\nexit\n"), (own + ["console"], "1 + 1"),
                             (own + ["console", "--preload", "DIR/script.js", "--exec", "fromScript"],), (own + ["console", "--preload", "DIR/none.js", "--exec", "1"],), (own + ["console", "--preload", "DIR/throws.js", "--exec", "1"],),
                             (own + ["console", "--jspath", "DIR", "--preload", "script.js", "--exec", "fromScript"],), (own + ["console", "--exec", "loadScript('script.js')", "--jspath", "DIR"],), (own + ["console", "x"], "exit\n")]
    yield "ethstats", INIT + [(own + ["--ethstats", w, "console", "--exec", "1 + 1"],) for w in ("x", "@", "n@", "", "n:s@127.0.0.1:1", "n:s@ws://127.0.0.1:1", "@http://x")]
    yield "console without a chain", [(own + ["console", "--exec", "eth.getBlock(0).hash"],)]
    yield "js", INIT + [(own + ["js", "DIR/none.js"],), (own + ["js", "DIR/throws.js"],), (own + ["js", "DIR/syntax.js"],)]
    # files of a node that does not start
    for name, text in (("static-nodes.json", "zz"), ("static-nodes.json", "[\"zz\"]"), ("static-nodes.json", "{}"), ("trusted-nodes.json", "zz"), ("permissioned-nodes.json", "zz"), ("disallowed-nodes.json", "zz")):
        for flags in ([], ["--permissioned"]):
            yield f"file {name} {text} {' '.join(flags)}", INIT + [("write", f"data/{name}", text), (own + flags + ["console", "--exec", "admin.peers.length"],)]
    for name in ("key-short", "key-zz", "key-none", "key-0x", "key-long", "key-lines", "none"):
        yield "nodekey " + name, INIT + [(own + ["--nodekey", "DIR/" + name, "console", "--exec", "1"],)]
        yield "nodekeyhex " + name, INIT + [(own + ["--nodekeyhex", TEXTS.get(name, "").strip(), "console", "--exec", "1"],)]
    yield "nodekey in the directory", INIT + [("write", "data/geth/nodekey", "zz"), (own + ["console", "--exec", "1"],)]
    yield "permission-config", INIT + [("write", "data/permission-config.json", "zz"), (own + ["--permissioned", "console", "--exec", "1"],)]
    yield "networkid 1", INIT + [(own + ["--networkid", "1", "console", "--exec", "1"],)]
    yield "raft on a qbft chain", INIT + [(own + ["--raft", "console", "--exec", "1"],)]
    yield "ipcpath", INIT + [(own + ["--ipcpath", "x.ipc", "console", "--exec", "admin.datadir"],), (own + ["--ipcpath", "DIR/none/x.ipc", "console", "--exec", "1"],), (own + ["--ipcdisable", "console", "--exec", "1"],)]
    yield "identity", INIT + [(own + ["--identity", "me", "console", "--exec", "admin.nodeInfo.name.split('/')[1]"],)]


# What differs on purpose: pattern of the name, and why.
DIFFERENT = [
    ("words *help*", "help is of our own commands"),
    ("words -v", "help is of our own commands"),
    ("words --version", "there is such a flag here"),
    ("words license*", "another licence"),
    ("words show-deprecated-flags", "older names are obeyed here, and shown"),
    ("flag --port -1", "no port"),
    ("flag --port 70000 version", "flags are checked before a command is run"),
    ("flag --gcmode nosuch version", "flags are checked before a command is run"),
    ("flag --config DIR/none.toml version", "the file is read before a command is run"),
    ("flag --verbosity -1 version", "there is nothing below 0"),
    ("flag --miner.gasprice *", "prices are of 64 bits here, and not negative"),
    ("flag --vmodule * version", "a wrong pattern is an error, not ignored"),
    ("flag --log.backtrace * version", "a wrong place is an error, not ignored"),
    ("flag --mainnet --goerli", "public networks are refused"),
    ("flag --dev --goerli", "public networks are refused"),
    ("flag --light.serve *", "there are no light clients, and so nothing that contradicts"),
    ("flag --bootnodes zz *", "a wrong boot node is told and left out"),
    ("flag --authorizationlist 5=zz *", "what a hash looks like is said"),
    ("flag --raft --raftport 0 *", "said before anything is opened"),
    ("flag --etherbase 0x1 version", "an older name that geth has dropped"),
    ("flag --", "without a chain: says what to do"),
    ("init*", "the place of the fault is said; no configuration is an error, not a panic"),
    ("genesis extra-*", "refused by init: no block can follow"),
    ("genesis mixhash-none", "refused by init: no block can follow"),
    ("genesis *-too", "refused by init: no block can follow"),
    ("genesis chainid-negative", "refused"),
    ("genesis transitions-zero", "the place of the fault is said"),
    ("genesis alloc-storage", "geth prints its library's error besides"),
    ("account", "help is of our own commands"),
    ("account import key-lines", "empty lines behind a key are no fault"),
    ("account import folder", "a folder is no short file"),
    ("account list", "a keystore that is a file: found when it is read"),
    ("account plugin", "there are no plugins"),
    ("wallet", "presale wallets are not supported"),
    ("export", "without a chain: says what to do"),
    ("import", "the file is named"),
    ("preimages", "addresses and slots are kept beside the state"),
    ("dump without a chain", "says what to do"),
    ("dump flags before", "a command's flags may stand before its name as well"),
    ("dumpgenesis", "the data directory's, not Ethereum's"),
    ("dumpconfig", "the host of HTTP is a name, and a file that cannot be made is a fatal error"),
    ("qlight *port 70000", "the flag is named, and nothing is opened"),
    ("qlight *serverNode zz*", "an error, not a panic"),
    ("config *", "the file is read, and its ports are checked, before a command is run"),
    ("removedb", "there is one database"),
    ("command *", "geth's own database, proof of work, a public service"),
    ("mpsdbupgrade", "takes no argument"),
    ("attach", "ends without geth's home folder; texts of the network's faults"),
    ("PRIVATE_CONFIG a folder", "said by another part"),
    ("console", "SyntaxErrors and arguments that mean nothing"),
    ("console without a chain", "without a chain: says what to do"),
    ("file static-nodes.json [[]* ", "geth prints an empty line"),
    ("file static-nodes.json [[]*", "geth prints an empty line"),
    ("nodekey key-lines", "empty lines behind a key are no fault"),
    ("nodekey in the directory", "a node key that cannot be read is never replaced: it is the validator's name"),
    ("raft on a qbft chain", "the contradiction is named"),
]


def compare(name, steps, programs, work):
    """What differs, as lines."""
    wrong, scenes = [], []
    for side, program in programs.items():
        scenes.append(Scene(program, os.path.join(work, side)))
    for number, step in enumerate(steps):
        if step[0] == "write":
            for s in scenes:
                s.write(step[1], step[2])
            continue
        have = [s.run(*step) for s in scenes]
        for what in ("exit", "out", "err"):
            if have[0][what] != have[1][what]:
                wrong.append(f"step {number} `{' '.join(step[0])}` {what}:\n    ours: {have[1][what]!r:.1500}\n    geth: {have[0][what]!r:.1500}")
    files = [s.files() for s in scenes]
    for path in sorted(set(files[0]) | set(files[1])):
        aside = path.endswith(BY_PRODUCTS) and (not name.startswith(("init", "genesis")) or have[0]["exit"] != 0)
        if files[0].get(path) != files[1].get(path) and not aside:
            wrong.append(f"file {path}: ours {files[1].get(path)}, geth {files[0].get(path)}")
    for s in scenes:
        shutil.rmtree(s.folder)
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    if not options.goquorum or not os.path.isdir(RECORDED + "/live"):
        print("no GoQuorum, or no recordings: set QUORATE_GOQUORUM to its binary; skipped")
        return 77
    counted = differ = meant = 0
    with tempfile.TemporaryDirectory(prefix="quorate-twins-") as work:
        # The same name for both, so that texts with it can be compared.
        os.makedirs(work + "/bin/a")
        os.makedirs(work + "/bin/b")
        programs = {"a": work + "/bin/a/geth", "b": work + "/bin/b/geth"}
        os.symlink(os.path.abspath(options.goquorum), programs["a"])
        os.symlink(os.path.abspath(options.node), programs["b"])
        for name, steps in cases():
            if options.only not in name:
                continue
            counted += 1
            wrong = compare(name, steps, programs, work)
            reason = next((why for pattern, why in DIFFERENT if fnmatch.fnmatch(name, pattern)), None)
            if wrong and reason:
                meant += 1
            differ += bool(wrong and not reason)
            if wrong and (options.all or not reason):
                print(f"{name}{' (' + reason + ')' if reason else ''}\n  " + "\n  ".join(wrong), flush=True)
    print(f"{counted} cases: {counted - differ - meant} the same, {meant} different on purpose, {differ} different")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
