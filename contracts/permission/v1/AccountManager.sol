// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Accounts.sol";

contract AccountManager is Accounts {
    constructor(address upgradable) Managed(upgradable) {}
}
