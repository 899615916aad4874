"""Figures in the order in which they are measured: short ones first."""
ALL = ("answer", "instructions", "scaling", "update", "restart", "load", "memif", "af_xdp", "sockets", "latency", "changes", "tcp")
