// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Entry.sol";
import "./PermissionsImplementation.sol";

contract PermissionsInterface is Entry {
    constructor(address upgradable) Entry(upgradable) {}

    function addAdminNode(string calldata url) external {
        rules().addAdminNode(url);
    }

    function addOrg(string calldata org, string calldata url, address account) external {
        rules().addOrg(org, url, account, msg.sender);
    }

    function approveOrg(string calldata org, string calldata url, address account) external {
        rules().approveOrg(org, url, account, msg.sender);
    }

    function addSubOrg(string calldata parent, string calldata org, string calldata url) external {
        rules().addSubOrg(parent, org, url, msg.sender);
    }

    function addNode(string calldata org, string calldata url) external {
        rules().addNode(org, url, msg.sender);
    }

    function updateNodeStatus(string calldata org, string calldata url, uint256 action) external {
        rules().updateNodeStatus(org, url, action, msg.sender);
    }

    function startBlacklistedNodeRecovery(string calldata org, string calldata url) external {
        rules().startBlacklistedNodeRecovery(org, url, msg.sender);
    }

    function approveBlacklistedNodeRecovery(string calldata org, string calldata url) external {
        rules().approveBlacklistedNodeRecovery(org, url, msg.sender);
    }

    function rules() private view returns (PermissionsImplementation) {
        return PermissionsImplementation(implementation);
    }
}
