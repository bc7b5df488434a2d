// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Roles.sol";

/// Access: 0 reads, 1 transacts, 2 deploys contracts, 3 everything.
contract RoleManager is Roles {
    constructor(address upgradable) Managed(upgradable) {}

    function kinds() internal pure override returns (uint256) {
        return 4;
    }
}
