// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/* A contract, and one that stands on it: a Branch reads and writes the Root that it was made with. */
contract Root {
    uint256 private x;

    constructor(uint256 v) {
        x = v;
    }

    function set(uint256 v) public {
        x = v;
    }

    function get() public view returns (uint256) {
        return x;
    }

    function branch(uint256 v) public {
        Branch made = new Branch(this);
        made.set(v);
    }
}

contract Branch {
    Root private root;
    uint256 private y;

    constructor(Root r) {
        root = r;
    }

    function set(uint256 v) public {
        y = v;
        root.set(v);
    }

    function get() public view returns (uint256) {
        return root.get();
    }

    function restore() public {
        y = root.get();
    }
}
