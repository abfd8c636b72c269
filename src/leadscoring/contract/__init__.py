"""What a lead may hold: features, and how bytes become leads by them."""
