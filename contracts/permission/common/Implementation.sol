// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Accounts.sol";
import "./Organisations.sol";
import "./Roles.sol";
import "./VoterManager.sol";

/// The rules, as far as both models have them alike: who may do what, and what has to be voted on. Called by the interface alone, which
/// passes on who called it.
abstract contract Implementation {
    uint256 internal constant FULL_ACCESS = 3;

    uint256 internal constant ADD_ORG = 1;
    uint256 internal constant SUSPEND_ORG = 2;
    uint256 internal constant REVOKE_ORG_SUSPENSION = 3;
    uint256 internal constant ASSIGN_ADMIN = 4;
    uint256 internal constant RECOVER_NODE = 5;
    uint256 internal constant RECOVER_ACCOUNT = 6;

    address private immutable upgradable;
    Organisations private immutable organisations;
    Roles private immutable roles;
    Accounts private immutable accounts;
    VoterManager internal immutable voters;

    string internal adminOrg;
    string internal adminRole;
    string internal orgAdminRole;
    bool internal booted;

    event PermissionsInitialized(bool booted);

    constructor(address upgradable_, address organisations_, address roles_, address accounts_, address voters_) {
        upgradable = upgradable_;
        organisations = Organisations(organisations_);
        roles = Roles(roles_);
        accounts = Accounts(accounts_);
        voters = VoterManager(voters_);
    }

    // --- Who may ---

    modifier onlyInterface() {
        checkInterface();
        _;
    }

    modifier onlyBooted(bool wanted) {
        checkBooted(wanted);
        _;
    }

    modifier onlyNetworkAdmin(address caller) {
        checkNetworkAdmin(caller);
        _;
    }

    modifier onlyOrgAdmin(address caller, string calldata org) {
        checkOrgAdmin(caller, org);
        _;
    }

    modifier onlyApproved(string calldata org) {
        checkApproved(org);
        _;
    }

    modifier onlyExisting(string calldata org) {
        require(organisations.checkOrgExists(org), "org does not exist");
        _;
    }

    function checkInterface() internal view {
        require(msg.sender == Upgradable(upgradable).getPermInterface(), "can be called by interface contract only");
    }

    function checkBooted(bool wanted) internal view {
        require(booted == wanted, "Incorrect network boot status");
    }

    function checkNetworkAdmin(address caller) internal view {
        require(isNetworkAdmin(caller), "account is not a network admin account");
    }

    function checkOrgAdmin(address caller, string calldata org) internal view {
        require(isOrgAdmin(caller, org), "account is not a org admin account");
    }

    function checkApproved(string calldata org) internal view {
        require(organisations.checkOrgStatus(org, 2), "org not in approved status");
    }

    // --- The network begins ---

    function setPolicy(string calldata adminOrg_, string calldata adminRole_, string calldata orgAdminRole_)
        external
        onlyInterface
        onlyBooted(false)
    {
        adopt(adminOrg_, adminRole_, orgAdminRole_);
    }

    /// From an implementation whose place this one takes.
    function setMigrationPolicy(string calldata adminOrg_, string calldata adminRole_, string calldata orgAdminRole_, bool booted_)
        external
    {
        require(msg.sender == upgradable, "invalid caller");
        checkBooted(false);
        adopt(adminOrg_, adminRole_, orgAdminRole_);
        booted = booted_;
    }

    function init(uint256 breadth, uint256 depth) external onlyInterface onlyBooted(false) {
        organisations.setUpOrg(adminOrg, breadth, depth);
        roles.addRole(adminRole, adminOrg, FULL_ACCESS, true, true);
        accounts.setDefaults(adminRole, orgAdminRole);
    }

    function addAdminAccount(address account) external onlyInterface onlyBooted(false) {
        voters.addVoter(adminOrg, account);
        accounts.assignAdminRole(account, adminOrg, adminRole, 2);
    }

    function updateNetworkBootStatus() external onlyInterface onlyBooted(false) returns (bool) {
        booted = true;
        emit PermissionsInitialized(true);
        return true;
    }

    function adopt(string calldata adminOrg_, string calldata adminRole_, string calldata orgAdminRole_) private {
        adminOrg = adminOrg_;
        adminRole = adminRole_;
        orgAdminRole = orgAdminRole_;
    }

    // --- Organisations ---

    function updateOrgStatus(string calldata org, uint256 action, address caller) external onlyInterface onlyNetworkAdmin(caller) {
        voters.addVotingItem(adminOrg, org, "", address(0), organisations.updateOrg(org, action));
    }

    function approveOrgStatus(string calldata org, uint256 action, address caller) external onlyInterface onlyNetworkAdmin(caller) {
        require(action == 1 || action == 2, "Operation not allowed");
        bool suspend = action == 1;
        require(organisations.checkOrgStatus(org, suspend ? 3 : 5), "operation not allowed");
        if (voters.processVote(adminOrg, caller, suspend ? SUSPEND_ORG : REVOKE_ORG_SUSPENSION)) {
            organisations.approveOrgStatusUpdate(org, action);
        }
    }

    /// The part of addOrg before the node, and the one behind it: a failure says what failed first.
    function proposeOrg(string calldata org, string calldata node, address account) internal {
        voters.addVotingItem(adminOrg, org, node, account, ADD_ORG);
        organisations.addOrg(org);
    }

    function proposeFirstAdmin(string calldata org, address account) internal {
        require(validateAccount(account, org), "Operation cannot be performed");
        accounts.assignAdminRole(account, org, orgAdminRole, 1);
    }

    /// Whether the vote decides it; organisation and role are then there.
    function voteForOrg(string calldata org, address caller) internal returns (bool) {
        require(organisations.checkOrgStatus(org, 1), "Nothing to approve");
        if (!voters.processVote(adminOrg, caller, ADD_ORG)) {
            return false;
        }
        organisations.approveOrg(org);
        roles.addRole(orgAdminRole, org, FULL_ACCESS, true, true);
        return true;
    }

    function installFirstAdmin(string calldata org, address account) internal {
        accounts.addNewAdmin(org, account);
    }

    function growOrg(string calldata parent, string calldata org) internal returns (string memory full) {
        organisations.addSubOrg(parent, org);
        return string.concat(parent, ".", org);
    }

    // --- Roles ---

    function addNewRole(string calldata role, string calldata org, uint256 access, bool voter, bool admin, address caller)
        external
        onlyInterface
        onlyApproved(org)
        onlyOrgAdmin(caller, org)
    {
        roles.addRole(role, org, access, voter, admin);
    }

    function removeRole(string calldata role, string calldata org, address caller)
        external
        onlyInterface
        onlyApproved(org)
        onlyOrgAdmin(caller, org)
    {
        require(!same(role, adminRole) && !same(role, orgAdminRole), "admin roles cannot be removed");
        roles.removeRole(role, org);
    }

    // --- Accounts ---

    function assignAdminRole(string calldata org, address account, string calldata role, address caller)
        external
        onlyInterface
        onlyExisting(org)
        onlyNetworkAdmin(caller)
    {
        accounts.assignAdminRole(account, org, role, 1);
        voters.addVotingItem(adminOrg, org, "", account, ASSIGN_ADMIN);
    }

    function approveAdminRole(string calldata org, address account, address caller) external onlyInterface onlyNetworkAdmin(caller) {
        if (!voters.processVote(adminOrg, caller, ASSIGN_ADMIN)) {
            return;
        }
        (bool voted, address old) = accounts.removeExistingAdmin(org);
        if (voted) {
            voters.deleteVoter(adminOrg, old);
        }
        if (accounts.addNewAdmin(org, account)) {
            voters.addVoter(adminOrg, account);
        }
    }

    function assignAccountRole(address account, string calldata org, string calldata role, address caller)
        external
        onlyInterface
        onlyOrgAdmin(caller, org)
        onlyApproved(org)
    {
        require(validateAccount(account, org), "operation cannot be performed");
        string memory ultimate = organisations.getUltimateParent(org);
        require(roles.roleExists(role, org, ultimate), "role does not exists");
        accounts.assignAccountRole(account, org, role, roles.isAdminRole(role, org, ultimate));
    }

    function updateAccountStatus(string calldata org, address account, uint256 action, address caller)
        external
        onlyInterface
        onlyOrgAdmin(caller, org)
    {
        checkAction(action);
        accounts.updateAccountStatus(org, account, action);
    }

    function startBlacklistedAccountRecovery(string calldata org, address account, address caller)
        external
        onlyInterface
        onlyNetworkAdmin(caller)
    {
        accounts.updateAccountStatus(org, account, 4);
        voters.addVotingItem(adminOrg, org, "", account, RECOVER_ACCOUNT);
    }

    function approveBlacklistedAccountRecovery(string calldata org, address account, address caller)
        external
        onlyInterface
        onlyNetworkAdmin(caller)
    {
        if (voters.processVote(adminOrg, caller, RECOVER_ACCOUNT)) {
            accounts.updateAccountStatus(org, account, 5);
        }
    }

    /// Recovery, 4 and 5, is voted on and has calls of its own.
    function checkAction(uint256 action) internal pure {
        require(action >= 1 && action <= 3, "invalid action. operation not allowed");
    }

    // --- Questions ---

    function getNetworkBootStatus() external view returns (bool) {
        return booted;
    }

    function getPolicyDetails() external view returns (string memory, string memory, string memory, bool) {
        return (adminOrg, adminRole, orgAdminRole, booted);
    }

    function getPendingOp(string calldata org) external view returns (string memory, string memory, address, uint256) {
        return voters.getPendingOpDetails(org);
    }

    function isNetworkAdmin(address account) public view returns (bool) {
        return same(accounts.getAccountRole(account), adminRole);
    }

    /// By office, or by a role of its own tree that administrates: a role of that name elsewhere gives no rights here.
    function isOrgAdmin(address account, string memory org) public view returns (bool) {
        string memory ultimate = organisations.getUltimateParent(org);
        if (accounts.checkOrgAdmin(account, org, ultimate)) {
            return true;
        }
        (, string memory own, string memory role, uint256 status,) = accounts.getAccountDetails(account);
        return status != 0 && roles.isAdminRole(role, org, ultimate) && same(organisations.getUltimateParent(own), ultimate);
    }

    function validateAccount(address account, string calldata org) public view returns (bool) {
        return accounts.validateAccount(account, org);
    }
}
