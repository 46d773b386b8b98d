"""LoRID: train the three roles, run the interaction loop, report."""
