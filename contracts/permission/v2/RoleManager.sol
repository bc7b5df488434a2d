// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Roles.sol";

/// Access: 0 reads; 1 sends value, 2 deploys contracts, 4 calls contracts; 5 is 1 and 4, 6 is 1 and 2, 7 is 2 and 4; 3 is everything.
contract RoleManager is Roles {
    uint256 private constant SENDS = 1;
    uint256 private constant DEPLOYS = 2;
    uint256 private constant CALLS = 3;

    constructor(address upgradable) Managed(upgradable) {}

    function kinds() internal pure override returns (uint256) {
        return 8;
    }

    /// That of a role that was removed is still told.
    function roleAccess(string calldata name, string calldata org, string calldata ultimate) public view returns (uint256) {
        uint256 place = find(name, org, ultimate);
        return place == 0 ? 0 : roles[place - 1].access;
    }

    function transactionAllowed(string calldata name, string calldata org, string calldata ultimate, uint256 kind)
        external
        view
        returns (bool)
    {
        uint256 access = roleAccess(name, org, ultimate);
        if (kind == SENDS && (access == 1 || access == 5 || access == 6)) {
            return true;
        }
        if (kind == DEPLOYS && (access == 2 || access == 6 || access == 7)) {
            return true;
        }
        if (kind == CALLS && (access == 4 || access == 5 || access == 7)) {
            return true;
        }
        return access == 3;
    }
}
