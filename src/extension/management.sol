// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/*
 * The contract that manages one extension: a private contract of the old parties and the new one, at which both of the accounts
 * below vote, and which then says under which hash the shared state is found. Its functions, events and the order of these are
 * those that GoQuorum's nodes call and watch; see extension/management.h.
 */
contract Management {
    event NewContractExtensionContractCreated(address toExtend, string recipientPTMKey, address recipientAddress);
    event AllNodesHaveAccepted(bool outcome);
    event CanPerformStateShare();
    event ExtensionFinished();
    event NewVote(bool vote, address voter);
    event StateShared(address toExtend, string tesserahash, string uuid);
    event UpdateMembers(address toExtend, string uuid);

    address public creator;
    address public contractToExtend;
    bool public isFinished;
    bool public voteOutcome = true; // false as soon as one has voted against
    string public targetRecipientPTMKey;
    string public sharedDataHash;
    address[] public walletAddressesToVote;
    mapping(address => bool) public votes;

    mapping(address => bool) private hasVoted;
    uint256 private cast;
    string[] private uuids; // payloads by which each node that voted for it knows its own vote

    modifier open() {
        require(!isFinished, "extension has been marked as finished");
        _;
    }

    modifier byCreator() {
        require(msg.sender == creator, "only leader may perform this action");
        _;
    }

    constructor(address contractAddress, address recipientAddress, string memory recipientPTMKey) {
        creator = msg.sender;
        contractToExtend = contractAddress;
        targetRecipientPTMKey = recipientPTMKey;
        walletAddressesToVote.push(msg.sender);
        walletAddressesToVote.push(recipientAddress);
        emit NewContractExtensionContractCreated(contractAddress, recipientPTMKey, recipientAddress);
    }

    function totalNumberOfVoters() external view returns (uint256) {
        return walletAddressesToVote.length;
    }

    function haveAllNodesVoted() public view returns (bool) {
        return cast == walletAddressesToVote.length;
    }

    function checkIfVoted() external view returns (bool) {
        return hasVoted[msg.sender];
    }

    function checkIfExtensionFinished() external view returns (bool) {
        return isFinished;
    }

    function doVote(bool vote, string calldata nextuuid) external open {
        require(isVoter(msg.sender), "not allowed to vote");
        require(!hasVoted[msg.sender], "already voted");
        hasVoted[msg.sender] = true;
        votes[msg.sender] = vote;
        cast++;
        if (vote) {
            uuids.push(nextuuid);
        } else {
            voteOutcome = false;
        }
        if (!vote) {
            emit AllNodesHaveAccepted(false);
            close();
        } else if (haveAllNodesVoted()) {
            emit AllNodesHaveAccepted(true);
            emit CanPerformStateShare();
        }
        emit NewVote(vote, msg.sender);
    }

    function setSharedStateHash(string calldata hash) external byCreator open {
        require(bytes(hash).length != 0, "new hash cannot be empty");
        require(bytes(sharedDataHash).length == 0, "state hash already set");
        sharedDataHash = hash;
        for (uint256 i = 0; i < uuids.length; i++) emit StateShared(contractToExtend, hash, uuids[i]);
        close();
    }

    function finish() external open byCreator {
        close();
    }

    function setUuid(string calldata nextuuid) external open {
        uuids.push(nextuuid);
    }

    function updatePartyMembers() external {
        for (uint256 i = 0; i < uuids.length; i++) emit UpdateMembers(contractToExtend, uuids[i]);
    }

    function close() private {
        isFinished = true;
        emit ExtensionFinished();
    }

    function isVoter(address account) private view returns (bool) {
        for (uint256 i = 0; i < walletAddressesToVote.length; i++) if (walletAddressesToVote[i] == account) return true;
        return false;
    }
}
