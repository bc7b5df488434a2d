// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// What the managers ask of PermissionsUpgradable.
interface Upgradable {
    function getPermImpl() external view returns (address);
    function getPermInterface() external view returns (address);
}

function same(string memory a, string memory b) pure returns (bool) {
    return keccak256(bytes(a)) == keccak256(bytes(b));
}

/// A contract that keeps records and changes them for the implementation alone, whichever is in force.
abstract contract Managed {
    Upgradable private immutable upgradable;

    constructor(address upgradable_) {
        upgradable = Upgradable(upgradable_);
    }

    modifier onlyImplementation() {
        checkCaller();
        _;
    }

    function checkCaller() private view {
        require(msg.sender == upgradable.getPermImpl(), "invalid caller");
    }
}
