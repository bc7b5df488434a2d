// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Accounts.sol";

contract AccountManager is Accounts {
    constructor(address upgradable) Managed(upgradable) {}

    function getAccountOrgRole(address account) external view returns (string memory, string memory) {
        if (places[account] == 0) {
            return ("NONE", "");
        }
        Account storage a = accounts[places[account] - 1];
        return (a.org, a.role);
    }

    function getAccountStatus(address account) external view returns (uint256) {
        return statusOf(account);
    }
}
