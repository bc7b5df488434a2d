// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

interface Switchable {
    function setPermImplementation(address implementation) external;
}

interface Migratable {
    function getPolicyDetails() external view returns (string memory, string memory, string memory, bool);
    function setMigrationPolicy(string calldata adminOrg, string calldata adminRole, string calldata orgAdminRole, bool booted) external;
}

/// Says which implementation is in force. Its guardian can put another one in its place; the records stay with the managers.
contract PermissionsUpgradable {
    address private immutable guardian;
    address private implementation;
    address private entry;
    bool private linked;

    constructor(address guardian_) {
        guardian = guardian_;
    }

    modifier onlyGuardian() {
        require(msg.sender == guardian, "invalid caller");
        _;
    }

    /// Once, after all are deployed.
    function init(address interface_, address implementation_) external onlyGuardian {
        require(!linked, "can be executed only once");
        linked = true;
        entry = interface_;
        enforce(implementation_);
    }

    /// The new implementation takes over what the old one was told when the network began.
    function confirmImplChange(address proposed) external onlyGuardian {
        (string memory adminOrg, string memory adminRole, string memory orgAdminRole, bool booted) =
            Migratable(implementation).getPolicyDetails();
        Migratable(proposed).setMigrationPolicy(adminOrg, adminRole, orgAdminRole, booted);
        enforce(proposed);
    }

    function getGuardian() external view returns (address) {
        return guardian;
    }

    function getPermImpl() external view returns (address) {
        return implementation;
    }

    function getPermInterface() external view returns (address) {
        return entry;
    }

    function enforce(address implementation_) private {
        implementation = implementation_;
        Switchable(entry).setPermImplementation(implementation_);
    }
}
