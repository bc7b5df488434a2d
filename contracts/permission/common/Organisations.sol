// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Managed.sol";

/// Organisations and their trees. One of level 1 stands by itself and comes, is suspended and taken back by vote; those below are its
/// administrator's. The full name of a sub-organisation is parent.name.
abstract contract Organisations is Managed {
    uint256 internal constant PENDING = 1;
    uint256 internal constant APPROVED = 2;
    uint256 internal constant SUSPENSION_PENDING = 3;
    uint256 internal constant SUSPENDED = 4;
    uint256 internal constant REVOCATION_PENDING = 5;

    uint256 private constant SUSPEND = 1;
    uint256 private constant REVOKE_SUSPENSION = 2;

    struct Org {
        string name;
        string parent;
        string ultimate;
        uint256 level;
        uint256 status;
        uint256[] children;
    }

    Org[] internal orgs;
    mapping(bytes32 => uint256) private places; // by full name, from 1; 0: none
    uint256 private depthLimit = 4;
    uint256 private breadthLimit = 4;

    event OrgApproved(string orgId, string parentId, string ultimateParent, uint256 level, uint256 status);
    event OrgPendingApproval(string orgId, string parentId, string ultimateParent, uint256 level, uint256 status);
    event OrgSuspended(string orgId, string parentId, string ultimateParent, uint256 level);
    event OrgSuspensionRevoked(string orgId, string parentId, string ultimateParent, uint256 level);

    // --- Changes ---

    /// The network administrators' own organisation, and how far trees may grow.
    function setUpOrg(string calldata id, uint256 breadth, uint256 depth) external onlyImplementation {
        addMaster(id, APPROVED);
        breadthLimit = breadth;
        depthLimit = depth;
    }

    function addOrg(string calldata id) external onlyImplementation {
        require(!checkOrgExists(id), "org exists");
        addMaster(id, PENDING);
    }

    function addSubOrg(string calldata parentId, string calldata id) external onlyImplementation {
        string memory full = string.concat(parentId, ".", id);
        require(!checkOrgExists(full), "org exists");
        Org storage parent = orgs[placeOf(parentId)];
        require(parent.children.length < breadthLimit, "breadth level exceeded");
        require(parent.level < depthLimit, "depth level exceeded");
        parent.children.push(orgs.length);
        Org storage org = put(full);
        org.name = id;
        org.parent = parentId;
        org.ultimate = parent.ultimate;
        org.level = parent.level + 1;
        org.status = APPROVED;
        emit OrgApproved(id, parentId, org.ultimate, org.level, APPROVED);
    }

    function approveOrg(string calldata id) external onlyImplementation {
        require(checkOrgStatus(id, PENDING), "nothing to approve");
        Org storage org = orgs[placeOf(id)];
        org.status = APPROVED;
        emit OrgApproved(org.name, org.parent, org.ultimate, org.level, APPROVED);
    }

    /// Proposes a suspension (1) or its end (2). The result is the operation that is to be voted on.
    function updateOrg(string calldata id, uint256 action) external onlyImplementation returns (uint256) {
        require(checkOrgExists(id), "org does not exist");
        require(action == SUSPEND || action == REVOKE_SUSPENSION, "invalid action. operation not allowed");
        Org storage org = orgs[placeOf(id)];
        require(org.level == 1, "not a master org. operation not allowed");
        bool suspend = action == SUSPEND;
        require(org.status == (suspend ? APPROVED : SUSPENDED), "org status does not allow the operation");
        org.status = suspend ? SUSPENSION_PENDING : REVOCATION_PENDING;
        emit OrgPendingApproval(org.name, org.parent, org.ultimate, org.level, org.status);
        return suspend ? 2 : 3;
    }

    function approveOrgStatusUpdate(string calldata id, uint256 action) external onlyImplementation {
        require(checkOrgExists(id), "org does not exist");
        Org storage org = orgs[placeOf(id)];
        if (action == SUSPEND) {
            require(org.status == SUSPENSION_PENDING, "nothing to approve");
            org.status = SUSPENDED;
            emit OrgSuspended(org.name, org.parent, org.ultimate, org.level);
        } else {
            require(org.status == REVOCATION_PENDING, "nothing to approve");
            org.status = APPROVED;
            emit OrgSuspensionRevoked(org.name, org.parent, org.ultimate, org.level);
        }
    }

    // --- Questions ---

    function getNumberOfOrgs() external view returns (uint256) {
        return orgs.length;
    }

    function getOrgInfo(uint256 index) external view
        returns (string memory, string memory, string memory, uint256, uint256)
    {
        return infoOf(orgs[index]);
    }

    function getOrgDetails(string calldata id) external view
        returns (string memory, string memory, string memory, uint256, uint256)
    {
        if (!checkOrgExists(id)) {
            return (id, "", "", 0, 0);
        }
        return infoOf(orgs[placeOf(id)]);
    }

    function getSubOrgIndexes(string calldata id) external view returns (uint256[] memory) {
        require(checkOrgExists(id), "org does not exist");
        return orgs[placeOf(id)].children;
    }

    function getUltimateParent(string calldata id) external view onlyImplementation returns (string memory) {
        return orgs[placeOf(id)].ultimate;
    }

    function checkOrgStatus(string memory id, uint256 status) public view returns (bool) {
        return checkOrgExists(id) && orgs[placeOf(id)].status == status;
    }

    function checkOrgExists(string memory id) public view returns (bool) {
        return places[keccak256(bytes(id))] != 0;
    }

    // --- Inside ---

    /// Fails for an organisation that is not there.
    function placeOf(string memory id) internal view returns (uint256) {
        return places[keccak256(bytes(id))] - 1;
    }

    function put(string memory full) private returns (Org storage org) {
        org = orgs.push();
        places[keccak256(bytes(full))] = orgs.length;
    }

    function addMaster(string calldata id, uint256 status) private {
        Org storage org = put(id);
        org.name = id;
        org.ultimate = id;
        org.level = 1;
        org.status = status;
        if (status == PENDING) {
            emit OrgPendingApproval(id, "", id, 1, PENDING);
        } else {
            emit OrgApproved(id, "", id, 1, APPROVED);
        }
    }

    function infoOf(Org storage org) private view
        returns (string memory, string memory, string memory, uint256, uint256)
    {
        return (org.name, org.parent, org.ultimate, org.level, org.status);
    }
}
