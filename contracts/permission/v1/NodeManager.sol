// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Nodes.sol";

/// Nodes by their whole URL.
contract NodeManager is Nodes {
    struct Node {
        string url;
        string org;
        uint256 status;
    }

    Node[] private nodes;
    mapping(bytes32 => uint256) private places; // by URL, from 1; 0: none

    event NodeProposed(string url, string orgId);
    event NodeApproved(string url, string orgId);
    event NodeDeactivated(string url, string orgId);
    event NodeActivated(string url, string orgId);
    event NodeBlacklisted(string url, string orgId);
    event NodeRecoveryInitiated(string url, string orgId);
    event NodeRecoveryCompleted(string url, string orgId);

    constructor(address upgradable) Managed(upgradable) {}

    // --- Changes ---

    function addAdminNode(string calldata url, string calldata org) external onlyImplementation {
        put(url, org, APPROVED);
        emit NodeApproved(url, org);
    }

    function addNode(string calldata url, string calldata org) external onlyImplementation {
        put(url, org, PENDING);
        emit NodeProposed(url, org);
    }

    function addOrgNode(string calldata url, string calldata org) external onlyImplementation {
        put(url, org, APPROVED);
        emit NodeApproved(url, org);
    }

    function approveNode(string calldata url, string calldata org) external onlyImplementation {
        Node storage node = existing(url);
        require(same(node.org, org), "enode id does not belong to the passed org id");
        require(node.status == PENDING, "nothing pending for approval");
        node.status = APPROVED;
        emit NodeApproved(url, org);
    }

    /// The actions of Nodes.
    function updateNodeStatus(string calldata url, string calldata org, uint256 action) external onlyImplementation {
        Node storage node = existing(url);
        require(same(node.org, org), "enode id does not belong to the passed org");
        checkAction(action);
        node.status = statusAfter(action, node.status);
        if (action == DEACTIVATE) {
            emit NodeDeactivated(url, org);
        } else if (action == ACTIVATE) {
            emit NodeActivated(url, org);
        } else if (action == BLACKLIST) {
            emit NodeBlacklisted(url, org);
        } else if (action == START_RECOVERY) {
            emit NodeRecoveryInitiated(url, org);
        } else {
            emit NodeRecoveryCompleted(url, org);
        }
    }

    // --- Questions ---

    function getNodeDetails(string calldata enodeId) external view returns (string memory orgId, string memory url, uint256 status) {
        uint256 place = places[keccak256(bytes(enodeId))];
        if (place == 0) {
            return ("", enodeId, 0);
        }
        return detailsOf(nodes[place - 1]);
    }

    function getNodeDetailsFromIndex(uint256 index) external view returns (string memory orgId, string memory url, uint256 status) {
        return detailsOf(nodes[index]);
    }

    function getNumberOfNodes() external view returns (uint256) {
        return nodes.length;
    }

    // --- Inside ---

    function put(string calldata url, string calldata org, uint256 status) private {
        bytes32 key = keccak256(bytes(url));
        require(places[key] == 0, "passed enode id exists");
        nodes.push(Node(url, org, status));
        places[key] = nodes.length;
    }

    function existing(string calldata url) private view returns (Node storage) {
        uint256 place = places[keccak256(bytes(url))];
        require(place != 0, "passed enode id does not exist");
        return nodes[place - 1];
    }

    function detailsOf(Node storage node) private view returns (string memory, string memory, uint256) {
        return (node.org, node.url, node.status);
    }
}
