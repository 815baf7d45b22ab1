"""The encoder learns from the shop itself: small adapters, used only where they prove better."""
