"""The same network, taught by the joints that discovery never sees: what labels would bring."""
