"""The templates of Azure, and what reads and checks them without Azure."""
