"""The network files that the tests of clusters work with: BAF's samples with their placeholders filled, and one of Bevel 1.1's schema."""

import os
import re

WORDS = {
    "cluster_context": "main", "cluster_config": "/etc/kube/config", "vault_root_token": "env:VAULT_TOKEN", "vault_addr": "http://vault.example:8200",
    "aws_access_key": "env:AWS_ACCESS", "aws_secret_key": "env:AWS_SECRET", "docker_username": "puller", "docker_password": "env:DOCKER_PASSWORD",
    "git_username": "bot", "git_access_token": "env:GIT_TOKEN", "git_email": "bot@example.com", "path_to_private_key": "/etc/git/key",
    "<YOUR DOCKER USERNAME>": "puller", "<YOUR DOCKER PASSWORD>": "env:DOCKER_PASSWORD", "<Your Vault root token>": "env:VAULT_TOKEN",
    "<Your Vault local IP address>": "vault.example", "<username>": "example", "github_username": "bot", "git password / token": "env:GIT_TOKEN",
    "github_email": "bot@example.com", "/home/blockchain-automation-framework/build/config": "/etc/kube/config",
    "/home/blockchain-automation-framework/build/gitops": "/etc/git/key", "true/false": "false",
}


def fill(text, genesis="/nowhere/genesis.json", staticnodes="/nowhere/static-nodes.json"):
    for word, value in WORDS.items():
        text = text.replace(f'"{word}"', f'"{value}"') if word.isidentifier() else text.replace(word, value)
    text = re.sub(r"/home/user/blockchain-automation-framework/build/quorum_staticnodes", staticnodes, text)
    text = re.sub(r"/home/user/blockchain-automation-framework/build/quorum_genesis", genesis, text)
    return text


def baf(fixtures, name, plain_http=False, **files):
    """`plain_http`: the word without which a cluster's vault is not asked in clear, as BAF asks it."""
    with open(os.path.join(fixtures, "network-yaml/baf-0.8.1", name)) as f:
        text = fill(f.read(), **files)
    return re.sub(r"^( *)(url: \"http://vault.*)$", r"\1\2\n\1allow_plain_http: true", text, flags=re.MULTILINE) if plain_http else text


def bevel():
    """Validators of one organization, and members with Tessera: the layout of Bevel 1.1."""
    def organization(name, validators, kind):
        text = f"""
    - organization:
      name: {name}
      type: {kind}
      org_status: new
      external_url_suffix: {name}.example.com
      cloud_provider: aws
      aws: {{access_key: "env:AWS_ACCESS", secret_key: "env:AWS_SECRET", region: eu-west-1}}
      k8s: {{context: "{name}", config_file: "/etc/kube/{name}"}}
      vault: {{url: "https://vault.example:8200", root_token: "env:VAULT_TOKEN", secret_path: "secretsv2"}}
      gitops:
        git_protocol: https
        git_url: "https://git.example/example/bevel.git"
        branch: main
        release_dir: "platforms/quorum/releases/dev"
        chart_source: "platforms/quorum/charts"
        git_repo: "git.example/example/bevel.git"
        username: bot
        password: "env:GIT_TOKEN"
        email: bot@example.com
        private_key: "/etc/git/key"
      services:"""
        if validators:
            text += "\n        validators:"
        for i in range(validators):
            text += f"""
          - validator:
            name: validator-{i + 1}
            bootnode: true
            p2p: {{port: 30303, ambassador: {15010 + i}}}
            rpc: {{port: 8546, ambassador: {15110 + i}}}"""
        text += f"""
        peers:
          - peer:
            name: supply-{name}
            subject: "O={name},OU={name},L=51.50/-0.13/London,C=GB"
            type: member
            geth_passphrase: "env:PASSPHRASE"
            lock: true
            p2p: {{port: 30303, ambassador: 15020}}
            rpc: {{port: 8546, ambassador: 15021}}
            transaction_manager: {{port: 8443, ambassador: 443, clientport: 8888}}
            db: {{port: 3306}}"""
        return text
    return """network:
  type: quorum
  version: 23.4.0
  env:
    type: "dev"
    proxy: ambassador
    ambassadorPorts: {portRange: {from: 15010, to: 15120}}
    loadBalancerSourceRanges: 0.0.0.0/0
    retry_count: 20
    external_dns: enabled
  docker: {url: "ghcr.io/example", username: "puller", password: "env:DOCKER_PASSWORD"}
  config:
    consensus: ibft
    subject: "CN=DLT Root CA,OU=DLT,O=DLT,L=London,C=GB"
    transaction_manager: tessera
    tm_version: "23.4.0"
    tm_tls: strict
    tm_trust: ca-or-tofu
    tm_nodes:
      - "https://supply-carrier.carrier.example.com"
      - "https://supply-store.store.example.com"
    genesis: "/nowhere/genesis"
    staticnodes: "/nowhere/staticnodes"
  organizations:""" + organization("carrier", 4, "validator") + organization("store", 0, "member") + "\n"
