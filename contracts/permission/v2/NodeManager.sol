// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Nodes.sol";

/// Nodes by their public key, with the address and ports that they were announced with.
contract NodeManager is Nodes {
    struct Node {
        string enodeId;
        string ip;
        uint16 port;
        uint16 raftPort;
        string org;
        uint256 status;
    }

    Node[] private nodes;
    mapping(bytes32 => uint256) private places; // by enode id, from 1; 0: none

    event NodeProposed(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeApproved(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeDeactivated(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeActivated(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeBlacklisted(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeRecoveryInitiated(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);
    event NodeRecoveryCompleted(string enodeId, string ip, uint16 port, uint16 raftPort, string orgId);

    constructor(address upgradable) Managed(upgradable) {}

    // --- Changes ---

    function addAdminNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, string calldata org)
        external
        onlyImplementation
    {
        put(Node(enodeId, ip, port, raftPort, org, APPROVED));
        emit NodeApproved(enodeId, ip, port, raftPort, org);
    }

    function addNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, string calldata org)
        external
        onlyImplementation
    {
        put(Node(enodeId, ip, port, raftPort, org, PENDING));
        emit NodeProposed(enodeId, ip, port, raftPort, org);
    }

    function addOrgNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, string calldata org)
        external
        onlyImplementation
    {
        put(Node(enodeId, ip, port, raftPort, org, APPROVED));
        emit NodeApproved(enodeId, ip, port, raftPort, org);
    }

    /// Nothing happens to a node that was announced with another address or other ports.
    function approveNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, string calldata org)
        external
        onlyImplementation
    {
        Node storage node = existing(enodeId);
        require(same(node.org, org), "enode id does not belong to the passed org id");
        require(node.status == PENDING, "nothing pending for approval");
        if (isAt(node, ip, port, raftPort)) {
            node.status = APPROVED;
            emit NodeApproved(enodeId, ip, port, raftPort, org);
        }
    }

    /// The actions of Nodes; again nothing happens to a node elsewhere.
    function updateNodeStatus(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, string calldata org, uint256 action)
        external
        onlyImplementation
    {
        Node storage node = existing(enodeId);
        require(same(node.org, org), "enode id does not belong to the passed org");
        checkAction(action);
        if (!isAt(node, ip, port, raftPort)) {
            return;
        }
        node.status = statusAfter(action, node.status);
        if (action == DEACTIVATE) {
            emit NodeDeactivated(enodeId, ip, port, raftPort, org);
        } else if (action == ACTIVATE) {
            emit NodeActivated(enodeId, ip, port, raftPort, org);
        } else if (action == BLACKLIST) {
            emit NodeBlacklisted(enodeId, ip, port, raftPort, org);
        } else if (action == START_RECOVERY) {
            emit NodeRecoveryInitiated(enodeId, ip, port, raftPort, org);
        } else {
            emit NodeRecoveryCompleted(enodeId, ip, port, raftPort, org);
        }
    }

    // --- Questions ---

    function getNodeDetails(string calldata id) external view
        returns (string memory orgId, string memory enodeId, string memory ip, uint16 port, uint16 raftPort, uint256 status)
    {
        uint256 place = places[keccak256(bytes(id))];
        if (place == 0) {
            return ("", "", "", 0, 0, 0);
        }
        return detailsOf(nodes[place - 1]);
    }

    function getNodeDetailsFromIndex(uint256 index) external view
        returns (string memory orgId, string memory enodeId, string memory ip, uint16 port, uint16 raftPort, uint256 status)
    {
        return detailsOf(nodes[index]);
    }

    function getNumberOfNodes() external view returns (uint256) {
        return nodes.length;
    }

    /// From any port of its address.
    function connectionAllowed(string calldata enodeId, string calldata ip, uint16) external view onlyImplementation returns (bool) {
        uint256 place = places[keccak256(bytes(enodeId))];
        return place != 0 && nodes[place - 1].status == APPROVED && same(nodes[place - 1].ip, ip);
    }

    // --- Inside ---

    function put(Node memory node) private {
        bytes32 key = keccak256(bytes(node.enodeId));
        require(places[key] == 0, "passed enode id exists");
        nodes.push(node);
        places[key] = nodes.length;
    }

    function existing(string calldata enodeId) private view returns (Node storage) {
        uint256 place = places[keccak256(bytes(enodeId))];
        require(place != 0, "passed enode id does not exist");
        return nodes[place - 1];
    }

    function isAt(Node storage node, string calldata ip, uint16 port, uint16 raftPort) private view returns (bool) {
        return same(node.ip, ip) && node.port == port && node.raftPort == raftPort;
    }

    function detailsOf(Node storage node) private view
        returns (string memory, string memory, string memory, uint16, uint16, uint256)
    {
        return (node.org, node.enodeId, node.ip, node.port, node.raftPort, node.status);
    }
}
