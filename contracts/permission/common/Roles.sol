// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Managed.sol";

/// The roles of organisations. A role of the ultimate parent counts for the whole tree, unless the organisation has one of that name.
abstract contract Roles is Managed {
    struct Role {
        string name;
        string org;
        uint256 access;
        bool voter;
        bool admin;
        bool active;
    }

    Role[] internal roles;
    mapping(bytes32 => uint256) private places; // by name and organisation, from 1; 0: none

    event RoleCreated(string roleId, string orgId, uint256 access, bool voter, bool admin);
    event RoleRevoked(string roleId, string orgId);

    /// The number of kinds of access that the model knows.
    function kinds() internal pure virtual returns (uint256);

    // --- Changes ---

    function addRole(string calldata name, string calldata org, uint256 access, bool voter, bool admin) external onlyImplementation {
        require(access < kinds(), "invalid access value");
        bytes32 key = keyOf(name, org);
        require(places[key] == 0, "role exists for the org");
        roles.push(Role(name, org, access, voter, admin, true));
        places[key] = roles.length;
        emit RoleCreated(name, org, access, voter, admin);
    }

    function removeRole(string calldata name, string calldata org) external onlyImplementation {
        uint256 place = places[keyOf(name, org)];
        require(place != 0, "role does not exist");
        roles[place - 1].active = false;
        emit RoleRevoked(name, org);
    }

    // --- Questions ---

    function isVoterRole(string calldata name, string calldata org, string calldata ultimate) external view onlyImplementation
        returns (bool)
    {
        uint256 place = find(name, org, ultimate);
        return place != 0 && roles[place - 1].active && roles[place - 1].voter;
    }

    function isAdminRole(string calldata name, string calldata org, string calldata ultimate) external view onlyImplementation
        returns (bool)
    {
        uint256 place = find(name, org, ultimate);
        return place != 0 && roles[place - 1].active && roles[place - 1].admin;
    }

    function getRoleDetails(string calldata name, string calldata org) external view
        returns (string memory roleId, string memory orgId, uint256 accessType, bool voter, bool admin, bool active)
    {
        uint256 place = places[keyOf(name, org)];
        if (place == 0 || !roles[place - 1].active) {
            return (name, "", 0, false, false, false);
        }
        return detailsOf(roles[place - 1]);
    }

    function getRoleDetailsFromIndex(uint256 index) external view
        returns (string memory roleId, string memory orgId, uint256 accessType, bool voter, bool admin, bool active)
    {
        return detailsOf(roles[index]);
    }

    function getNumberOfRoles() external view returns (uint256) {
        return roles.length;
    }

    function roleExists(string calldata name, string calldata org, string calldata ultimate) external view returns (bool) {
        uint256 place = find(name, org, ultimate);
        return place != 0 && roles[place - 1].active;
    }

    // --- Inside ---

    /// From 1; 0: none.
    function find(string calldata name, string calldata org, string calldata ultimate) internal view returns (uint256) {
        uint256 place = places[keyOf(name, org)];
        return place != 0 ? place : places[keyOf(name, ultimate)];
    }

    function keyOf(string calldata name, string calldata org) private pure returns (bytes32) {
        return keccak256(abi.encode(name, org));
    }

    function detailsOf(Role storage role) private view
        returns (string memory, string memory, uint256, bool, bool, bool)
    {
        return (role.name, role.org, role.access, role.voter, role.admin, role.active);
    }
}
