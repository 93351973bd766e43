"""The metal backend: QEMU machines with a kernel, a boot loader and disks of their own, on a switch in user space."""
