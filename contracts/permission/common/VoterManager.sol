// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "./Managed.sol";

/// Who votes, and the one question that an organisation votes on at a time; more than half of the voters decide.
contract VoterManager is Managed {
    struct Question {
        string org;
        string node;
        address account;
        uint256 operation; // 0: none
    }

    struct Ballot {
        bool exists;
        uint256 voters;
        uint256 votes;
        uint256 round; // counts the questions, so that old votes need not be wiped
        Question question;
        mapping(address => bool) active;
        mapping(address => uint256) votedIn;
    }

    mapping(bytes32 => Ballot) private ballots; // by organisation

    event VoterAdded(string orgId, address account);
    event VoterDeleted(string orgId, address account);
    event VotingItemAdded(string orgId);
    event VoteProcessed(string orgId);

    constructor(address upgradable) Managed(upgradable) {}

    function addVoter(string calldata org, address account) external onlyImplementation {
        Ballot storage ballot = ballots[keccak256(bytes(org))];
        require(!ballot.active[account], "already a voter");
        ballot.exists = true;
        ballot.active[account] = true;
        ballot.voters++;
        emit VoterAdded(org, account);
    }

    function deleteVoter(string calldata org, address account) external onlyImplementation {
        Ballot storage ballot = existing(org);
        require(ballot.active[account], "must be a voter");
        ballot.active[account] = false;
        ballot.voters--;
        emit VoterDeleted(org, account);
    }

    function addVotingItem(string calldata authority, string calldata org, string calldata node, address account, uint256 operation)
        external
        onlyImplementation
    {
        Ballot storage ballot = existing(authority);
        require(ballot.question.operation == 0, "items pending for approval. new item cannot be added");
        ballot.question = Question(org, node, account, operation);
        ballot.votes = 0;
        ballot.round++;
        emit VotingItemAdded(authority);
    }

    /// Whether this vote decides it.
    function processVote(string calldata authority, address voter, uint256 operation) external onlyImplementation returns (bool) {
        Ballot storage ballot = existing(authority);
        require(ballot.active[voter], "must be a voter");
        require(ballot.question.operation == operation, "nothing to approve");
        require(ballot.votedIn[voter] != ballot.round, "cannot double vote");
        ballot.votedIn[voter] = ballot.round;
        ballot.votes++;
        emit VoteProcessed(authority);
        if (ballot.votes <= ballot.voters / 2) {
            return false;
        }
        delete ballot.question;
        return true;
    }

    function getPendingOpDetails(string calldata org) external view onlyImplementation
        returns (string memory, string memory, address, uint256)
    {
        Question storage question = existing(org).question;
        return (question.org, question.node, question.account, question.operation);
    }

    function existing(string calldata org) private view returns (Ballot storage ballot) {
        ballot = ballots[keccak256(bytes(org))];
        require(ballot.exists, "org has no voters");
    }
}
