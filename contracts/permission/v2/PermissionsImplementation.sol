// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Implementation.sol";
import "./AccountManager.sol";
import "./NodeManager.sol";
import "./OrgManager.sol";
import "./RoleManager.sol";

/// The enhanced model: a node is its key, with address and ports, and the contracts decide who connects and who sends.
contract PermissionsImplementation is Implementation {
    uint256 private constant SENDS = 1;
    uint256 private constant DEPLOYS = 2;
    uint256 private constant CALLS = 3;

    NodeManager private immutable nodes;
    OrgManager private immutable organisations;
    RoleManager private immutable roles;
    AccountManager private immutable accounts;

    constructor(address upgradable, address organisations_, address roles_, address accounts_, address voters, address nodes_)
        Implementation(upgradable, organisations_, roles_, accounts_, voters)
    {
        nodes = NodeManager(nodes_);
        organisations = OrgManager(organisations_);
        roles = RoleManager(roles_);
        accounts = AccountManager(accounts_);
    }

    function addAdminNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort)
        external
        onlyInterface
        onlyBooted(false)
    {
        nodes.addAdminNode(enodeId, ip, port, raftPort, adminOrg);
    }

    function addOrg(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address account, address caller
    ) external onlyInterface onlyBooted(true) onlyNetworkAdmin(caller) {
        proposeOrg(org, enodeId, account);
        nodes.addNode(enodeId, ip, port, raftPort, org);
        proposeFirstAdmin(org, account);
    }

    function approveOrg(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address account, address caller
    ) external onlyInterface onlyNetworkAdmin(caller) {
        if (voteForOrg(org, caller)) {
            nodes.approveNode(enodeId, ip, port, raftPort, org);
            installFirstAdmin(org, account);
        }
    }

    /// The node may be empty: it can come later.
    function addSubOrg(
        string calldata parent, string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address caller
    ) external onlyInterface onlyExisting(parent) onlyOrgAdmin(caller, parent) {
        string memory full = growOrg(parent, org);
        if (bytes(enodeId).length > 0) {
            nodes.addOrgNode(enodeId, ip, port, raftPort, full);
        }
    }

    function addNode(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address caller)
        external
        onlyInterface
        onlyApproved(org)
        onlyOrgAdmin(caller, org)
    {
        nodes.addOrgNode(enodeId, ip, port, raftPort, org);
    }

    function updateNodeStatus(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, uint256 action, address caller
    ) external onlyInterface onlyOrgAdmin(caller, org) {
        checkAction(action);
        nodes.updateNodeStatus(enodeId, ip, port, raftPort, org, action);
    }

    function startBlacklistedNodeRecovery(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address caller
    ) external onlyInterface onlyNetworkAdmin(caller) {
        nodes.updateNodeStatus(enodeId, ip, port, raftPort, org, 4);
        voters.addVotingItem(adminOrg, org, enodeId, address(0), RECOVER_NODE);
    }

    function approveBlacklistedNodeRecovery(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address caller
    ) external onlyInterface onlyNetworkAdmin(caller) {
        if (voters.processVote(adminOrg, caller, RECOVER_NODE)) {
            nodes.updateNodeStatus(enodeId, ip, port, raftPort, org, 5);
        }
    }

    /// Until the network has begun everybody may.
    function connectionAllowed(string calldata enodeId, string calldata ip, uint16 port) external view returns (bool) {
        return !booted || nodes.connectionAllowed(enodeId, ip, port);
    }

    function transactionAllowed(address sender, address target, uint256, uint256, uint256, bytes calldata payload)
        external
        view
        returns (bool)
    {
        if (!booted) {
            return true;
        }
        if (accounts.getAccountStatus(sender) != 2) {
            return false;
        }
        (string memory org, string memory role) = accounts.getAccountOrgRole(sender);
        if (!organisations.checkOrgActive(org)) {
            return false;
        }
        if (isNetworkAdmin(sender) || isOrgAdmin(sender, org)) {
            return true;
        }
        uint256 kind = target == address(0) ? DEPLOYS : payload.length > 0 ? CALLS : SENDS;
        return roles.transactionAllowed(role, org, organisations.getUltimateParent(org), kind);
    }
}
