// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Entry.sol";
import "./PermissionsImplementation.sol";

contract PermissionsInterface is Entry {
    constructor(address upgradable) Entry(upgradable) {}

    function addAdminNode(string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort) external {
        rules().addAdminNode(enodeId, ip, port, raftPort);
    }

    function addOrg(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address account) external {
        rules().addOrg(org, enodeId, ip, port, raftPort, account, msg.sender);
    }

    function approveOrg(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, address account)
        external
    {
        rules().approveOrg(org, enodeId, ip, port, raftPort, account, msg.sender);
    }

    function addSubOrg(string calldata parent, string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort)
        external
    {
        rules().addSubOrg(parent, org, enodeId, ip, port, raftPort, msg.sender);
    }

    function addNode(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort) external {
        rules().addNode(org, enodeId, ip, port, raftPort, msg.sender);
    }

    function updateNodeStatus(
        string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort, uint256 action
    ) external {
        rules().updateNodeStatus(org, enodeId, ip, port, raftPort, action, msg.sender);
    }

    function startBlacklistedNodeRecovery(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort)
        external
    {
        rules().startBlacklistedNodeRecovery(org, enodeId, ip, port, raftPort, msg.sender);
    }

    function approveBlacklistedNodeRecovery(string calldata org, string calldata enodeId, string calldata ip, uint16 port, uint16 raftPort)
        external
    {
        rules().approveBlacklistedNodeRecovery(org, enodeId, ip, port, raftPort, msg.sender);
    }

    function connectionAllowed(string calldata enodeId, string calldata ip, uint16 port) external view returns (bool) {
        return rules().connectionAllowed(enodeId, ip, port);
    }

    function transactionAllowed(
        address sender, address target, uint256 value, uint256 gasPrice, uint256 gasLimit, bytes calldata payload
    ) external view returns (bool) {
        return rules().transactionAllowed(sender, target, value, gasPrice, gasLimit, payload);
    }

    function rules() private view returns (PermissionsImplementation) {
        return PermissionsImplementation(implementation);
    }
}
