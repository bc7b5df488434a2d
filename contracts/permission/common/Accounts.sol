// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Managed.sol";

/// Accounts: the organisation and role of each. An organisation has one administrator by office; a new one ends the old one's office.
abstract contract Accounts is Managed {
    uint256 private constant PENDING = 1;
    uint256 internal constant ACTIVE = 2;
    uint256 private constant SUSPENDED = 4;
    uint256 private constant BLACKLISTED = 5;
    uint256 private constant REVOKED = 6;
    uint256 private constant RECOVERY_STARTED = 7;

    struct Account {
        address account;
        string org;
        string role;
        uint256 status;
        bool orgAdmin;
    }

    Account[] internal accounts;
    mapping(address => uint256) internal places; // from 1; 0: none
    mapping(bytes32 => address) private administrators; // by organisation
    string private networkAdminRole;
    string private orgAdminRole;

    event AccountAccessModified(address account, string orgId, string roleId, bool orgAdmin, uint256 status);
    event AccountAccessRevoked(address account, string orgId, string roleId, bool orgAdmin);
    event AccountStatusChanged(address account, string orgId, uint256 status);

    // --- Changes ---

    function setDefaults(string calldata networkAdminRole_, string calldata orgAdminRole_) external onlyImplementation {
        networkAdminRole = networkAdminRole_;
        orgAdminRole = orgAdminRole_;
    }

    function assignAdminRole(address account, string calldata org, string calldata role, uint256 status) external onlyImplementation {
        require(same(role, orgAdminRole) || same(role, networkAdminRole), "can be called to assign admin roles only");
        assign(account, org, role, status, true);
    }

    /// Any role but the network administrators'. That of an organisation's administrators may be given too: it counts as a role, and is
    /// no office.
    function assignAccountRole(address account, string calldata org, string calldata role, bool admin) external onlyImplementation {
        require(!same(role, networkAdminRole), "cannot be called fro assigning org admin and network admin roles");
        assign(account, org, role, ACTIVE, admin);
    }

    /// Who loses the office, and whether that one votes for the network.
    function removeExistingAdmin(string calldata org) external onlyImplementation returns (bool voterUpdate, address account) {
        if (!orgAdminExists(org)) {
            return (false, address(0));
        }
        Account storage old = accounts[places[administrators[keccak256(bytes(org))]] - 1];
        old.status = REVOKED;
        old.orgAdmin = false;
        emit AccountAccessModified(old.account, old.org, old.role, false, REVOKED);
        return (same(old.role, networkAdminRole), old.account);
    }

    /// The account takes the office that it was proposed for; the result is whether it votes for the network from now on.
    function addNewAdmin(string calldata org, address account) external onlyImplementation returns (bool voterUpdate) {
        Account storage a = accounts[places[account] - 1];
        if (a.status == PENDING && same(a.role, orgAdminRole)) {
            administrators[keccak256(bytes(org))] = account;
        }
        a.status = ACTIVE;
        a.orgAdmin = true;
        emit AccountAccessModified(account, a.org, a.role, true, ACTIVE);
        return same(a.role, networkAdminRole);
    }

    /// 1 suspends, 2 takes that back, 3 blacklists, 4 begins the recovery of a blacklisted account, 5 completes it.
    function updateAccountStatus(string calldata org, address account, uint256 action) external onlyImplementation {
        require(places[account] != 0, "account does not exists");
        Account storage a = accounts[places[account] - 1];
        require(same(a.org, org), "account in different org");
        require(action > 0 && action < 6, "invalid status change request");
        require(!checkOrgAdmin(account, org, ""), "status change not possible for org admin accounts");
        a.status = statusAfter(action, a.status);
        emit AccountStatusChanged(account, org, a.status);
    }

    // --- Questions ---

    function getAccountDetails(address account) external view
        returns (address, string memory, string memory, uint256, bool)
    {
        if (places[account] == 0) {
            return (account, "NONE", "", 0, false);
        }
        return detailsOf(accounts[places[account] - 1]);
    }

    function getAccountDetailsFromIndex(uint256 index) external view
        returns (address, string memory, string memory, uint256, bool)
    {
        return detailsOf(accounts[index]);
    }

    function getNumberOfAccounts() external view returns (uint256) {
        return accounts.length;
    }

    /// One that nobody has is free for every organisation.
    function validateAccount(address account, string calldata org) external view returns (bool) {
        return places[account] == 0 || same(accounts[places[account] - 1].org, org);
    }

    function orgAdminExists(string memory org) public view returns (bool) {
        address administrator = administrators[keccak256(bytes(org))];
        return administrator != address(0) && statusOf(administrator) == ACTIVE;
    }

    function getAccountRole(address account) public view returns (string memory) {
        return statusOf(account) == 0 ? "NONE" : accounts[places[account] - 1].role;
    }

    /// A network administrator is one in its own organisation only.
    function checkOrgAdmin(address account, string memory org, string memory ultimate) public view returns (bool) {
        if (same(getAccountRole(account), networkAdminRole)) {
            string memory own = accounts[places[account] - 1].org;
            return same(own, org) || same(own, ultimate);
        }
        return administrators[keccak256(bytes(org))] == account || administrators[keccak256(bytes(ultimate))] == account;
    }

    // --- Inside ---

    function statusOf(address account) internal view returns (uint256) {
        return places[account] == 0 ? 0 : accounts[places[account] - 1].status;
    }

    function detailsOf(Account storage a) private view
        returns (address, string memory, string memory, uint256, bool)
    {
        return (a.account, a.org, a.role, a.status, a.orgAdmin);
    }

    /// An account that is known stays in its organisation.
    function assign(address account, string calldata org, string calldata role, uint256 status, bool admin) private {
        if (places[account] == 0) {
            accounts.push(Account(account, org, role, status, admin));
            places[account] = accounts.length;
        } else {
            Account storage a = accounts[places[account] - 1];
            a.role = role;
            a.status = status;
            a.orgAdmin = admin;
        }
        emit AccountAccessModified(account, org, role, admin, status);
    }

    function statusAfter(uint256 action, uint256 status) private pure returns (uint256) {
        if (action == 1) {
            require(status == ACTIVE, "account is not in active status. operation cannot be done");
            return SUSPENDED;
        }
        if (action == 2) {
            require(status == SUSPENDED, "account is not in suspended status. operation cannot be done");
            return ACTIVE;
        }
        if (action == 3) {
            require(status != BLACKLISTED, "account is already blacklisted. operation cannot be done");
            return BLACKLISTED;
        }
        if (action == 4) {
            require(status == BLACKLISTED, "account is not blacklisted. operation cannot be done");
            return RECOVERY_STARTED;
        }
        require(status == RECOVERY_STARTED, "account recovery not initiated. operation cannot be done");
        return ACTIVE;
    }
}
