// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "../common/Organisations.sol";

contract OrgManager is Organisations {
    constructor(address upgradable) Managed(upgradable) {}

    /// An organisation works until its suspension, or that of its ultimate parent, is decided.
    function checkOrgActive(string calldata id) external view returns (bool) {
        if (!checkOrgExists(id)) {
            return false;
        }
        Org storage org = orgs[placeOf(id)];
        return works(org) && works(orgs[placeOf(org.ultimate)]);
    }

    function works(Org storage org) private view returns (bool) {
        return org.status == APPROVED || org.status == SUSPENSION_PENDING;
    }
}
