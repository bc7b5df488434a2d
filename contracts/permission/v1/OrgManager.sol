// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Organisations.sol";

contract OrgManager is Organisations {
    constructor(address upgradable) Managed(upgradable) {}
}
