# The few commands a person types. Everything else is Meson's: see docs/building.md.
#
#   make demo     a network of four organizations on this machine, and what is private in it
#   make          every program, in build/bin/
#   make check    install what is missing, build, check, test, and once more under sanitizers
#   make test     the tests alone, on the build that is there
#   make clients  what drives a network with ethers, viem, web3.js, web3.py and Hardhat, from npm and PyPI
#   make bench    the table of ratios of docs/performance.md
#   make fuzz     the fuzz targets, FUZZ_SECONDS each
#   make image    a container image from what is built here; IMAGE=name:tag, SHELL_IMAGE=shell with a shell in it
#   make images   the same for amd64 and arm64 (ARCHS), and a list of both under one name
#   make format   bring the sources into the house's format
#
# ARCH=arm64 (or amd64) with any of them: for that machine, in build-arm64/

CC_MAIN  ?= clang-19
CROSS    := $(if $(ARCH),$(filter-out $(shell dpkg --print-architecture),$(ARCH)))
BUILD    ?= build$(CROSS:%=-%)
ARCHS    ?= amd64 arm64
PROGRAMS := quorate quorate-evm quorate-init quorate-node quorate-tm
FUZZ_SECONDS ?= 60
IMAGE    ?= quorate:latest

.PHONY: all demo check test clients bench fuzz image images format clean
all: $(BUILD)/build.ninja
	@$(if $(CROSS),tools/sysroot $(CROSS) $(BUILD)/sysroot)
	@ninja -C $(BUILD) --quiet $(if $(CROSS),$(PROGRAMS:%=src/%))
	@tools/install-programs $(BUILD)

$(BUILD)/build.ninja:
	@$(if $(CROSS),tools/cross/setup $(CROSS),CC=$(CC_MAIN) meson setup) $(BUILD) >/dev/null || { cat $(BUILD)/meson-logs/meson-log.txt; exit 1; }

demo:
	@tools/install-packages
	@$(MAKE) --no-print-directory all
	@$(BUILD)/bin/quorate demo examples/network.yaml

check:
	@tools/check

test: all
	@meson test -C $(BUILD) --print-errorlogs

clients: all
	@meson test -C $(BUILD) --no-rebuild --setup clients --suite clients --print-errorlogs

bench: all
	@tools/bench $(BUILD)

fuzz:
	@tools/fuzz $(FUZZ_SECONDS)

image: all
	@tools/image $(BUILD) $(IMAGE) $(SHELL_IMAGE)

images:
	@for arch in $(ARCHS); do $(MAKE) --no-print-directory image ARCH=$$arch IMAGE=$(IMAGE)-$$arch || exit 1; done
	@tools/image-list $(IMAGE) $(ARCHS)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

clean:
	rm -rf $(BUILD) build-*
