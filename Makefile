# Everything that is made at run time lies in .rack (RACK_STATE); `make demo-down` takes the machines down, `make clean` all of it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

STATE := $(abspath $(or $(RACK_STATE),.rack))
VENV := $(STATE)/venv
NODES ?= 3
RELEASE ?= trixie
RACK_NAME ?= demo
export RACK_NAME
export RACK_STATE := $(STATE)
# nothing of ours lands in the user's home
export HOME := $(STATE)/home
export PATH := $(VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/tests:$(STATE)/collections
export PYTHONDONTWRITEBYTECODE := 1
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(STATE)/collections

HOST_PACKAGES := debian-archive-keyring git gnupg iproute2 mmdebstrap mount openssh-client python3 python3-venv systemd-container util-linux
METAL_PACKAGES := e2fsprogs qemu-system-x86

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# ---- what everything needs

$(STATE)/packages: PACKAGES = $(HOST_PACKAGES)
$(STATE)/metal-packages: PACKAGES = $(METAL_PACKAGES)
$(STATE)/packages $(STATE)/metal-packages: Makefile
	@mkdir -p $(STATE) $(HOME)
	if ! dpkg-query -W -f='$${db:Status-Status}\n' $(PACKAGES) 2>/dev/null | grep -cx installed | grep -qx $(words $(PACKAGES)); then
	  [ "$$(id -u)" = 0 ] || { echo "make: run as root, or install: $(PACKAGES)" >&2; exit 1; }
	  apt-get update -q
	  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $(PACKAGES)
	fi
	touch $@

COLLECTION := $(STATE)/collections/ansible_collections/baremetal/proxmox
$(VENV)/bin/ansible-playbook: requirements.txt
	@mkdir -p $(dir $(COLLECTION)) $(HOME)
	rm -rf $(COLLECTION)
	ln -s $(CURDIR) $(COLLECTION)
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q -r requirements.txt
	touch $@

$(VENV)/tests: $(VENV)/bin/ansible-playbook tests/requirements.txt
	@$(VENV)/bin/pip install -q -r tests/requirements.txt
	touch $@

.PHONY: venv
venv: $(VENV)/bin/ansible-playbook ## a virtualenv for real machines: Ansible, its libraries, this collection

.PHONY: setup
setup: $(STATE)/packages ## everything for the rack and the tests
	@$(MAKE) --no-print-directory $(VENV)/tests

.PHONY: metal
metal: setup $(STATE)/metal-packages ## what a rack of QEMU machines needs on top (rack up --backend metal)

# ---- the demo

.PHONY: demo
demo: setup ## a virtual rack, a cluster with Ceph and its backup server on it: NODES=3 RELEASE=trixie|bookworm
	@python3 -m rack up tests/rack/specs/demo.yml --name $(RACK_NAME) --release $(RELEASE) --nodes $(NODES)
	ansible-playbook -i inventories/rack playbooks/site.yml | tee $(STATE)/demo.log
	echo
	grep -qE ' changed=[1-9]' $(STATE)/demo.log || echo "Nothing was changed: the cluster was as the inventory says."
	sed -nE "s/^ *- '?((Cluster|Node|Link|Ceph|Pool|CephFS|Storage|HA) .*[^'])'?$$/  \1/p" $(STATE)/demo.log
	[ $(NODES) -ge 3 ] || echo "  Ceph     none: it needs three machines (NODES=3)"
	sed "s,^,  ," <<-END
	  Log in   root@pam; the password is in $(STATE)/racks/$(RACK_NAME)/password
	  Shell    make demo-ssh NODE=pve1
	  Web API  make demo-net CMD='curl -k https://10.99.0.11:8006/api2/json/version' (the addresses exist in the rack only)
	  Down     make demo-down
	END

NODE ?= pve1
.PHONY: demo-ssh
demo-ssh: ## log in to a machine of the demo: NODE=pve1
	@python3 -m rack --rack $(RACK_NAME) ssh $(NODE)

.PHONY: demo-net
demo-net: ## run a command in the networks of the demo: CMD='curl …'
	@python3 -m rack --rack $(RACK_NAME) net -- $(SHELL) -c '$(CMD)'

.PHONY: demo-down
demo-down: setup ## take the demo down
	@python3 -m rack down $(RACK_NAME)

# ---- the tests

.PHONY: test
test: lint unit sanity build molecule ## lint, unit tests, sanity, documentation, build, Molecule on the rack

.PHONY: lint
lint: setup
	@ruff check .
	ruff format --check .
	# the copy that it made of the collection the last time
	rm -rf $(HOME)/.ansible/collections
	ansible-lint --offline --profile production
	for inventory in inventories/three_node; do
	  ansible-playbook -i $$inventory playbooks/site.yml --tags none
	done

.PHONY: unit
unit: setup
	@python3 -m pytest -q tests/unit tests/conformance

SANITY := $(STATE)/sanity/ansible_collections/baremetal/proxmox
.PHONY: sanity
sanity: setup
	@rm -rf $(SANITY) && mkdir -p $(SANITY)
	git ls-files -co --exclude-standard -z | tar -c --null --ignore-failed-read -T - | tar -x -C $(SANITY)
	cache=$(HOME)/.ansible/test/cache
	mkdir -p $$cache
	pip=$$(grep -rhoE "pip='[0-9.]+'" $(VENV)/lib/python3*/site-packages/ansible_test/_internal/python_requirements.py | tr -dc '0-9.')
	cp tests/sanity/get_pip.py $$cache/get_pip_$${pip//./_}.py
	cd $(SANITY) && git init -q .
	ansible-test sanity --color no --python $$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	for module in plugins/modules/*.py; do
	  ansible-doc -t module baremetal.proxmox.$$(basename $$module .py) > /dev/null
	done
	for filter in plugins/filter/*.py; do
	  ansible-doc -t filter baremetal.proxmox.$$(basename $$filter .py) > /dev/null
	done
	for role in roles/*; do
	  ansible-doc -t role baremetal.proxmox.$$(basename $$role) > /dev/null
	done

.PHONY: build
build: setup
	@rm -rf $(STATE)/build
	ansible-galaxy collection build --output-path $(STATE)/build

SCENARIOS := $(notdir $(patsubst %/,%,$(dir $(wildcard molecule/*/molecule.yml))))
.PHONY: molecule
molecule: metal ## all scenarios, or SCENARIOS=metal
	@for scenario in $(SCENARIOS); do
	  molecule test -s $$scenario
	done

.PHONY: acceptance
acceptance: metal ## the long tests: kills, cuts, wrong clusters, growth (an hour)
	@python3 -m pytest -v tests/acceptance

.PHONY: bench
bench: setup ## how long things take, on one rack
	@python3 tests/bench.py

.PHONY: clean
clean: ## take all racks down and remove the state directory
	@[ ! -x $(VENV)/bin/python3 ] || python3 -m rack down --all
	rm -rf $(STATE)
