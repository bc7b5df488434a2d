// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Managed.sol";

/// What becomes of a node.
abstract contract Nodes is Managed {
    uint256 internal constant PENDING = 1;
    uint256 internal constant APPROVED = 2;
    uint256 private constant DEACTIVATED = 3;
    uint256 private constant BLACKLISTED = 4;
    uint256 private constant RECOVERY_STARTED = 5;

    uint256 internal constant DEACTIVATE = 1;
    uint256 internal constant ACTIVATE = 2;
    uint256 internal constant BLACKLIST = 3;
    uint256 internal constant START_RECOVERY = 4;
    uint256 internal constant COMPLETE_RECOVERY = 5;

    function checkAction(uint256 action) internal pure {
        require(action >= DEACTIVATE && action <= COMPLETE_RECOVERY, "invalid operation. wrong action passed");
    }

    function statusAfter(uint256 action, uint256 status) internal pure returns (uint256) {
        if (action == BLACKLIST) {
            return BLACKLISTED;
        }
        uint256 needed = APPROVED;
        uint256 next = DEACTIVATED;
        if (action == ACTIVATE) {
            (needed, next) = (DEACTIVATED, APPROVED);
        } else if (action == START_RECOVERY) {
            (needed, next) = (BLACKLISTED, RECOVERY_STARTED);
        } else if (action == COMPLETE_RECOVERY) {
            (needed, next) = (RECOVERY_STARTED, APPROVED);
        }
        require(status == needed, "operation cannot be performed");
        return next;
    }
}
