// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Implementation.sol";
import "./NodeManager.sol";

/// The basic model: a node is its URL. Nodes read the records and decide themselves who connects and who sends.
contract PermissionsImplementation is Implementation {
    NodeManager private immutable nodes;

    constructor(address upgradable, address organisations, address roles, address accounts, address voters, address nodes_)
        Implementation(upgradable, organisations, roles, accounts, voters)
    {
        nodes = NodeManager(nodes_);
    }

    function addAdminNode(string calldata url) external onlyInterface onlyBooted(false) {
        nodes.addAdminNode(url, adminOrg);
    }

    function addOrg(string calldata org, string calldata url, address account, address caller)
        external
        onlyInterface
        onlyBooted(true)
        onlyNetworkAdmin(caller)
    {
        proposeOrg(org, url, account);
        nodes.addNode(url, org);
        proposeFirstAdmin(org, account);
    }

    function approveOrg(string calldata org, string calldata url, address account, address caller)
        external
        onlyInterface
        onlyNetworkAdmin(caller)
    {
        if (voteForOrg(org, caller)) {
            nodes.approveNode(url, org);
            installFirstAdmin(org, account);
        }
    }

    /// The URL may be empty: the node can come later.
    function addSubOrg(string calldata parent, string calldata org, string calldata url, address caller)
        external
        onlyInterface
        onlyExisting(parent)
        onlyOrgAdmin(caller, parent)
    {
        string memory full = growOrg(parent, org);
        if (bytes(url).length > 0) {
            nodes.addOrgNode(url, full);
        }
    }

    function addNode(string calldata org, string calldata url, address caller)
        external
        onlyInterface
        onlyApproved(org)
        onlyOrgAdmin(caller, org)
    {
        nodes.addOrgNode(url, org);
    }

    function updateNodeStatus(string calldata org, string calldata url, uint256 action, address caller)
        external
        onlyInterface
        onlyOrgAdmin(caller, org)
    {
        checkAction(action);
        nodes.updateNodeStatus(url, org, action);
    }

    function startBlacklistedNodeRecovery(string calldata org, string calldata url, address caller)
        external
        onlyInterface
        onlyNetworkAdmin(caller)
    {
        nodes.updateNodeStatus(url, org, 4);
        voters.addVotingItem(adminOrg, org, url, address(0), RECOVER_NODE);
    }

    function approveBlacklistedNodeRecovery(string calldata org, string calldata url, address caller)
        external
        onlyInterface
        onlyNetworkAdmin(caller)
    {
        if (voters.processVote(adminOrg, caller, RECOVER_NODE)) {
            nodes.updateNodeStatus(url, org, 5);
        }
    }
}
