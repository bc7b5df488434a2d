// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Implementation.sol";

/// What accounts and nodes call, at an address that stays. Each call goes on to the implementation that is in force, with who called.
abstract contract Entry {
    address private immutable upgradable;
    address internal implementation;

    constructor(address upgradable_) {
        upgradable = upgradable_;
    }

    function setPermImplementation(address implementation_) external {
        require(msg.sender == upgradable, "invalid caller");
        implementation = implementation_;
    }

    function getPermissionsImpl() external view returns (address) {
        return implementation;
    }

    // --- The network begins ---

    function setPolicy(string calldata adminOrg, string calldata adminRole, string calldata orgAdminRole) external {
        common().setPolicy(adminOrg, adminRole, orgAdminRole);
    }

    function init(uint256 breadth, uint256 depth) external {
        common().init(breadth, depth);
    }

    function addAdminAccount(address account) external {
        common().addAdminAccount(account);
    }

    function updateNetworkBootStatus() external returns (bool) {
        return common().updateNetworkBootStatus();
    }

    // --- Organisations, roles, accounts ---

    function updateOrgStatus(string calldata org, uint256 action) external {
        common().updateOrgStatus(org, action, msg.sender);
    }

    function approveOrgStatus(string calldata org, uint256 action) external {
        common().approveOrgStatus(org, action, msg.sender);
    }

    function addNewRole(string calldata role, string calldata org, uint256 access, bool voter, bool admin) external {
        common().addNewRole(role, org, access, voter, admin, msg.sender);
    }

    function removeRole(string calldata role, string calldata org) external {
        common().removeRole(role, org, msg.sender);
    }

    function assignAdminRole(string calldata org, address account, string calldata role) external {
        common().assignAdminRole(org, account, role, msg.sender);
    }

    function approveAdminRole(string calldata org, address account) external {
        common().approveAdminRole(org, account, msg.sender);
    }

    function assignAccountRole(address account, string calldata org, string calldata role) external {
        common().assignAccountRole(account, org, role, msg.sender);
    }

    function updateAccountStatus(string calldata org, address account, uint256 action) external {
        common().updateAccountStatus(org, account, action, msg.sender);
    }

    function startBlacklistedAccountRecovery(string calldata org, address account) external {
        common().startBlacklistedAccountRecovery(org, account, msg.sender);
    }

    function approveBlacklistedAccountRecovery(string calldata org, address account) external {
        common().approveBlacklistedAccountRecovery(org, account, msg.sender);
    }

    // --- Questions ---

    function getNetworkBootStatus() external view returns (bool) {
        return common().getNetworkBootStatus();
    }

    function getPendingOp(string calldata org) external view returns (string memory, string memory, address, uint256) {
        return common().getPendingOp(org);
    }

    function isNetworkAdmin(address account) external view returns (bool) {
        return common().isNetworkAdmin(account);
    }

    function isOrgAdmin(address account, string calldata org) external view returns (bool) {
        return common().isOrgAdmin(account, org);
    }

    function validateAccount(address account, string calldata org) external view returns (bool) {
        return common().validateAccount(account, org);
    }

    function common() private view returns (Implementation) {
        return Implementation(implementation);
    }
}
